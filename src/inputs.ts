import { keysOf } from './core/objects.ts'
import type { StageName } from './core/stages.ts'

/**
 * The actions: their inputs and outputs. From here come every action.yml (scripts/generate.ts; a test fails on drift)
 * and what main.ts reads.
 */

export interface Input {
  description: string
  default?: string
  /** The secret that this input gives, by the name that the configuration knows it by. */
  secret?: string
}

const inputs = {
  config: { description: 'Path of the configuration, from the root of the repository.', default: 'launchway.yml' },
  environment: {
    description:
      'Environment of launchway.yml to deploy to, instead of the one that the branch or tag leads to. Empty: as the branch or tag says.',
  },
  rebuild: {
    description:
      'true: build every image, without the layers of earlier builds, also where the registry knows one of the same content. So come updates that no file of the repository names, such as packages of the system.',
    default: 'false',
  },
  redeploy: {
    description:
      'A version to put live again, without building: a tag of the image, a commit, or a digest (sha256:…). Empty: release what is checked out.',
  },
  'without-before-switch': {
    description:
      'true, with `redeploy`: leave out the before-switch command. That of an older version may not know what a newer one has done to the database.',
    default: 'false',
  },
  'dry-run': {
    description:
      'true: say what would happen, and why, and do nothing. To move between versions, hosts are looked at, and stay as they are.',
    default: 'false',
  },
  until: {
    description:
      'push: stop once the tags have moved, where another job puts the release live (with `redeploy`). Empty: the whole release.',
  },
  version: {
    description:
      'A version that the hosts keep: what people call it, a release id, or the beginning of one or of its commit. Empty: the version before the one that runs.',
  },
  release: {
    description:
      'Path of the release record that the stages hand on. Default: launchway/release.json in the folder for temporary files of the job, so stages in one job need not name it.',
  },
  'no-cache': {
    description: 'true: build without the layers of earlier builds.',
    default: 'false',
  },
  pull: {
    description: 'true: ask the registries for the base images anew, also for those that this machine has.',
    default: 'false',
  },
  'ssh-key': {
    description:
      'Private key for the hosts: the whole file, with its BEGIN and END lines, and without a passphrase. Default: the environment variable SSH_KEY of the step.',
    secret: 'SSH_KEY',
  },
  'registry-username': {
    description:
      'Account at the registry. Of several it is the one that launchway.yml names no password for, ghcr.io giving way to any other. Default: the actor on ghcr.io, elsewhere what `docker login` left on the runner.',
  },
  'registry-password': {
    description:
      'Password or token of that account. Default: the GitHub token on ghcr.io, elsewhere what `docker login` left on the runner.',
    secret: 'REGISTRY_PASSWORD',
  },
  'github-token': {
    description: "Token for GitHub's API, and for ghcr.io where no other login is given.",
    default: '${{ github.token }}',
    secret: 'GITHUB_TOKEN',
  },
  deployments: {
    description:
      'true: record a GitHub deployment for each deploy and each return (needs the permission deployments: write). A job with `environment:` records one by itself: leave this false there.',
    default: 'false',
  },
  comment: {
    description:
      'true: keep one comment on a pull request up to date with the summary (needs the permission pull-requests: write). A pull request from a fork has no such right: a warning, and no comment.',
    default: 'false',
  },
  issue: {
    description:
      'true: while a scheduled scan finds that the rules block what an environment runs, keep one issue for that environment open; it is closed when nothing blocks any more. A scheduled scan that fails is told there as well (needs the permission issues: write).',
    default: 'false',
  },
  'code-scanning': {
    description:
      'true: hand the results of the scan to code scanning, for the Security tab (needs the permission security-events: write, and sarif among scan.reports).',
    default: 'false',
  },
} as const satisfies Record<string, Input>

export type InputName = keyof typeof inputs

const outputs = {
  environment: 'Environment of this release; empty when it is not deployed.',
  version: 'What people call this version: the first image tag.',
  digest: 'Digest of the first image in its first repository (sha256:…); empty before the upload.',
  imageid:
    'Digest of the first image’s configuration, of several platforms that of the first: its identity in every store; empty before the build.',
  tags: 'Every reference that was written, one a line; empty before the push.',
  metadata: 'The images of the record as JSON: name, content key, digests, size.',
  url: 'Where people reach the environment, if launchway.yml says so.',
  verdict: 'passed, failed or nothing-to-do.',
  release: 'Path of the release record.',
} as const

export type OutputName = keyof typeof outputs

export interface ActionDefinition {
  name: string
  description: string
  inputs: readonly InputName[]
  /** What stands as the entry in dist/. */
  entry: string
  /** The one stage of a release that it runs, or what it does instead of one; the whole release without. */
  stage: StageName | Move | undefined
}

/** What moves hosts between versions that they keep: it needs no record, and makes none. */
type Move = 'rollback' | 'confirm' | 'abort'

const start = ['config', 'environment', 'release'] as const
const building = ['no-cache', 'pull'] as const
const registry = ['registry-username', 'registry-password', 'github-token'] as const
const host = ['ssh-key', 'deployments'] as const
const telling = ['comment', 'issue', 'code-scanning'] as const

export const actions: readonly ActionDefinition[] = [
  {
    name: 'launchway',
    description:
      'From a git push to a running version on your own server: build, smoke-test, scan, push and deploy Docker images in one step.',
    inputs: [
      'config',
      'environment',
      'redeploy',
      'without-before-switch',
      'rebuild',
      'dry-run',
      'until',
      'release',
      ...building,
      ...registry,
      ...host,
      ...telling,
    ],
    entry: 'run',
    stage: undefined,
  },
  {
    name: 'launchway plan',
    description: 'Decide what this push, tag or button press will do, and why; write the release record.',
    inputs: [...start, 'rebuild'],
    entry: 'plan',
    stage: 'plan',
  },
  {
    name: 'launchway build',
    description: 'Build every image of the plan in one solve, and upload it under its content key.',
    inputs: ['release', ...building, ...registry],
    entry: 'build',
    stage: 'build',
  },
  {
    name: 'launchway smoke',
    description: 'Start the composed stack with the images just built, and check it, before a tag moves.',
    inputs: ['release', ...registry],
    entry: 'smoke',
    stage: 'smoke',
  },
  {
    name: 'launchway scan',
    description: 'Look for known vulnerabilities in the images just built, before a tag moves.',
    inputs: ['release', ...registry, ...telling],
    entry: 'scan',
    stage: 'scan',
  },
  {
    name: 'launchway push',
    description: 'Move the tags of the plan to the images that were uploaded.',
    inputs: ['release', ...registry],
    entry: 'push',
    stage: 'push',
  },
  {
    name: 'launchway deploy',
    description: 'Put the release live on the hosts of its environment, or leave the old version serving.',
    inputs: ['release', ...registry, ...host],
    entry: 'deploy',
    stage: 'deploy',
  },
  {
    name: 'launchway rollback',
    description: 'Return every host of an environment to the version before: or to another that the hosts keep, without a build.',
    inputs: ['config', 'environment', 'version', 'dry-run', ...host, ...registry],
    entry: 'rollback',
    stage: 'rollback',
  },
  {
    name: 'launchway confirm',
    description: 'Confirm the version that waits in an environment: it stays, and the next may come.',
    inputs: ['config', 'environment', 'dry-run', 'ssh-key'],
    entry: 'confirm',
    stage: 'confirm',
  },
  {
    name: 'launchway abort',
    description: 'Return every host of an environment from the version that waits to the one before it.',
    inputs: ['config', 'environment', 'dry-run', ...host, ...registry],
    entry: 'abort',
    stage: 'abort',
  },
]

export function inputOf(name: InputName): Input {
  return inputs[name]
}

export const outputTable: Readonly<Record<OutputName, string>> = outputs
export const inputNames: readonly InputName[] = keysOf(inputs)
