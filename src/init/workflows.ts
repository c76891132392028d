import {
  checkedOut,
  configInput,
  environment,
  fromSecret,
  indent,
  keptEvidence,
  list,
  noSecrets,
  plain,
  queued,
  registryInputs,
  rights,
  type Setting,
  sshKey,
  step,
  type Target,
  uses,
} from './workflow-parts.ts'

import { redeploy, versions } from './buttons.ts'

/** The workflows of a repository that uses launchway, as text. */

export interface Workflow {
  /** Its name below .github/workflows. */
  name: string
  text: string
}

/** @param how what stands at the top of each: where it comes from */
export function workflows(of: Setting, how: (name: string) => readonly string[] = () => []): Workflow[] {
  const made: [string, string[]][] = [
    // Where nothing is pushed that releases, GitHub would run it at every push.
    ...(of.branches.length + of.tags.length > 0 || !of.published ? [['push.yml', push(of)] satisfies [string, string[]]] : []),
    ...(of.published ? [['release.yml', release(of)] satisfies [string, string[]]] : []),
    ['pull-request.yml', pullRequest(of)],
    ...(of.environments.length === 0
      ? []
      : [
          ['redeploy.yml', redeploy(of)] satisfies [string, string[]],
          ['versions.yml', versions(of)] satisfies [string, string[]],
          ['rescan.yml', rescan(of)] satisfies [string, string[]],
        ]),
  ]
  return made.map(([name, lines]) => {
    const [says = [], body] = [about[name], lines]
    return { name, text: [...says, ...how(name), ...body, ''].join('\n') }
  })
}

const about: Readonly<Record<string, readonly string[]>> = {
  'push.yml': [
    '# Releases what is pushed: one job builds the images, tests and scans them and pushes them; another puts the very same',
    '# digests live, where launchway.yml says so. Reviewers of a GitHub environment stand between the two.',
  ],
  'release.yml': [
    '# Releases a version that is published as a release on GitHub, in the two jobs of push.yml. The release gets its record and its',
    '# SBOMs as files. Its tag alone sets nothing off: publishing pushes that as well.',
  ],
  'pull-request.yml': [
    '# Builds, tests and scans what a pull request would bring, also in a merge queue. Nothing is written to a registry or to a host, and no secret is',
    '# needed: it is safe for forks as long as the event stays `pull_request` (launchway refuses `pull_request_target`). The',
    '# run of a fork may not read private packages: all that its scan finds counts as new then, and a warning says so.',
  ],
  'redeploy.yml': [
    '# Puts a version live again that was released before. Its images are in the registry, with the record of their release',
    '# beside them: nothing is built, and the hosts run the very digests that were tested then. Started by hand: Actions,',
    '# redeploy, "Run workflow".',
  ],
  'versions.yml': [
    '# Moves the servers between the versions that they keep: back to the one before, or a word about one that waits',
    '# (`confirm:` in launchway.yml). Nothing is built. Started by hand: Actions, versions, "Run workflow".',
  ],
  'rescan.yml': [
    "# Looks every day at what is running with that day's vulnerability database: what was clean when it was released may not",
    '# be clean now. A finding that breaks the rules of launchway.yml fails the run, opens an issue, and changes nothing on any host.',
  ],
}

function push(of: Setting): string[] {
  const on = [
    '  push:',
    ...(of.branches.length === 0 ? [] : [`    branches: ${list(of.branches)}`]),
    ...(of.tags.length === 0 ? [] : [`    tags: ${list(of.tags)}`]),
  ]
  return releasing(of, 'push', on, ({ pushed }) => pushed)
}

function release(of: Setting): string[] {
  return releasing(of, 'release', ['  release:', '    types: [published]'], ({ published }) => published)
}

/** A job that releases, and one for each environment to which what sets this off can lead. */
function releasing(of: Setting, name: 'push' | 'release', on: readonly string[], whenOf: (target: Target) => string | undefined): string[] {
  const targets = of.environments.flatMap((target) => {
    const when = whenOf(target)
    return when === undefined ? [] : [{ target, when }]
  })
  const byOutput = targets.some(({ when }) => when.includes('needs.release'))
  const first = [...configInput(of), 'until: push']
  const asked = [...new Set([...of.building, ...of.passwords])]
  return [
    `name: ${name}`,
    '',
    'on:',
    ...on,
    '',
    'permissions: {}',
    '',
    'jobs:',
    '  release:',
    ...indent(
      [
        ...(name === 'push' ? unlessDeleted : []),
        'runs-on: ubuntu-latest',
        'timeout-minutes: 45',
        '# In the order of the pushes, so that a tag never moves back.',
        ...queued('launchway-release-${{ github.ref }}'),
        ...rights(of, 'write', name === 'release' ? { contents: 'write # for the files of the release on GitHub' } : {}),
        ...(of.identity ? ['  id-token: write # to sign as this workflow'] : []),
        ...(byOutput
          ? [
              'outputs:',
              '  environment: ${{ steps.launchway.outputs.environment }}',
              "  deploys: ${{ steps.launchway.outputs.environment != '' }}",
            ]
          : []),
        'steps:',
        ...indent(
          [
            ...checkedOut,
            ...(byOutput ? ['- id: launchway', ...indent([uses(of.pin)], 2), '  with:', ...indent(first, 4)] : step(uses(of.pin), first)),
            ...indent(registryInputs(of), 4),
            ...(asked.length === 0 ? [] : ['  env:', ...indent(asked.map(fromSecret), 4)]),
            ...keptEvidence(),
          ],
          2,
        ),
      ],
      4,
    ),
    ...(byOutput ? ['', ...indent(lost, 2)] : []),
    ...targets.flatMap(({ target, when }) => ['', ...indent(deploy(of, target, when), 2)]),
  ]
}

/** GitHub skips the jobs that need it as well, before it asks their reviewers. */
const unlessDeleted = [
  '# Deleting a branch or a tag is a push, too: there is nothing to release, and nobody to ask.',
  'if: ${{ !github.event.deleted }}',
]

/** Nothing may be skipped in silence: a run that deploys nothing although it should is red. */
const lost = [
  '# GitHub drops an output in which the value of a secret stands. Where that is the name of the environment, no job below would run.',
  'lost:',
  '  needs: release',
  "  if: needs.release.outputs.environment == '' && needs.release.outputs.deploys != 'false'",
  '  runs-on: ubuntu-latest',
  '  timeout-minutes: 5',
  '  permissions: {}',
  '  steps:',
  '    - run: |',
  "        echo '::error title=Nothing was deployed::The name of the environment did not reach the jobs that deploy: GitHub drops what has the value of a secret in it. Give the environment or the secret another one.'",
  '        exit 1',
]

function deploy(of: Setting, { name, url, secrets }: Target, when: string): string[] {
  const asked = [...new Set([...secrets, ...of.passwords])]
  const inputs = [...configInput(of), 'redeploy: ${{ github.sha }}', `environment: ${plain(name)}`, ...registryInputs(of), sshKey]
  return [
    of.environments.length === 1 ? 'deploy:' : `deploy-${name}:`,
    ...indent(
      [
        'needs: release',
        `if: ${when}`,
        'runs-on: ubuntu-latest',
        'timeout-minutes: 30',
        ...environment(name, url),
        ...queued(`launchway-${name}`),
        ...rights(of, 'write'),
        'steps:',
        ...indent(
          [
            '# For launchway.yml and .github/known_hosts: nothing is built here.',
            ...checkedOut,
            ...step(uses(of.pin), inputs, asked),
            ...(asked.length === 0 ? noSecrets : []),
            ...keptEvidence(name),
          ],
          2,
        ),
      ],
      2,
    ),
  ]
}

function pullRequest(of: Setting): string[] {
  return [
    'name: pull request',
    '',
    'on:',
    '  pull_request:',
    '  merge_group:',
    '',
    'permissions: {}',
    '',
    '# Only the newest state of a pull request is worth building; entries of a merge queue wait for one each.',
    'concurrency:',
    '  group: launchway-pull-request-${{ github.event.pull_request.number || github.ref }}',
    '  cancel-in-progress: true',
    '',
    'jobs:',
    '  build:',
    '    runs-on: ubuntu-latest',
    '    timeout-minutes: 45',
    ...indent(rights(of, 'read', { why: 'to compare with what runs, on ghcr.io' }), 4),
    '    steps:',
    ...indent([...checkedOut, ...step(uses(of.pin), configInput(of)), ...keptEvidence()], 6),
  ]
}

function rescan(of: Setting): string[] {
  const names = of.environments.map(({ name }) => name)
  return [
    'name: rescan',
    '',
    'on:',
    '  schedule:',
    '    - cron: 17 4 * * *',
    '',
    'permissions: {}',
    '',
    'concurrency:',
    '  group: launchway-rescan',
    '  cancel-in-progress: false',
    '',
    'jobs:',
    '  rescan:',
    ...indent(
      [
        'runs-on: ubuntu-latest',
        'timeout-minutes: 30',
        'strategy:',
        '  fail-fast: false',
        '  matrix:',
        `    environment: ${list(names)}`,
        ...rights(of, 'read'),
        '  issues: write # for the one issue of each environment',
        'steps:',
        ...indent(
          [
            '# For the rules and exceptions of launchway.yml.',
            ...checkedOut,
            ...step(
              uses(of.pin),
              [...configInput(of), 'environment: ${{ matrix.environment }}', "issue: 'true'", ...registryInputs(of)],
              of.passwords,
            ),
            ...keptEvidence('${{ matrix.environment }}'),
          ],
          2,
        ),
      ],
      4,
    ),
  ]
}
