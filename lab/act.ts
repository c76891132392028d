import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { option } from '../src/core/command.ts'
import { root } from './paths.ts'

/** By which a workflow finds launchway as it is in this clone. */
const [repository, ref] = ['team/launchway', '0a1b2c3d4e5f60718293a4b5c6d7e8f901234567']
/** The same for `launchway init --launchway`. */
export const thisLaunchway = `${repository}@${ref}`

/** A starter workflow as a user would have it: with the account and the commit filled in. */
export function filledIn(workflow: string): string {
  return forAct(workflow.replaceAll(/OWNER\/launchway([\w/]*)@COMMIT/g, `${repository}$1@${ref}`))
}

/** A workflow as act takes it: GitHub knows `queue`, "the others wait in line", and act does not yet. */
export function forAct(workflow: string): string {
  return workflow.replaceAll(/^ +queue: max\n/gm, '')
}

export interface Job {
  event: 'push' | 'release' | 'pull_request' | 'pull_request_target' | 'merge_group' | 'workflow_dispatch' | 'schedule'
  /** Its name in .github/workflows; or the path of another file. */
  workflow: string
  /** File with the event as GitHub sends it. Without its `ref` act takes a branch that has the commit, whichever. */
  payload?: string
  /** As GitHub runs what comes from a fork: with no secret but the token of the run. */
  isForked?: boolean
}

/** This machine as a runner of GitHub: act, with the action that is committed here. */
export interface Runner {
  /** What follows `act`, in the folder of the repository whose workflow runs. */
  args(job: Job): string[]
  /** Beside the environment that act is given. */
  env: Record<string, string>
  /** The folder that has what jobs have kept, by the names of the artifacts. */
  artifacts: string
}

/**
 * Prepares a runner in a folder of its own, which is all that it leaves behind.
 * @param api where GitHub's API answers
 * @param secrets those of the repository, GITHUB_TOKEN among them; they stand in a file for the owner alone
 */
export function newRunner(folder: string, { api, secrets }: { api: string; secrets: Record<string, string> }): Runner {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  // act copies the whole folder of an action for each job; of this clone the packages would be most of it.
  const launchway = join(folder, 'launchway')
  for (const part of ['action.yml', 'actions', 'dist']) cpSync(join(root, part), join(launchway, part), { recursive: true })
  const [uploading, artifacts] = [join(folder, 'upload-artifact'), join(folder, 'artifacts')]
  mkdirSync(uploading, { recursive: true })
  writeFileSync(join(uploading, 'action.yml'), uploader)
  const [secretFile, tokenFile] = [join(folder, 'secrets'), join(folder, 'token')]
  const given = Object.entries(secrets)
  writeFileSync(secretFile, given.map(assignment).join(''), { mode: 0o600 })
  const token = given.filter(([name]) => name === 'GITHUB_TOKEN')
  writeFileSync(tokenFile, token.map(assignment).join(''), { mode: 0o600 })
  return {
    args: ({ event, workflow, payload, isForked = false }) => [
      event,
      ...option('--eventpath', payload),
      ...['--workflows', isAbsolute(workflow) ? workflow : join('.github/workflows', workflow)],
      ...['--platform', 'ubuntu-latest=-self-hosted'],
      ...['--local-repository', `${repository}@${ref}=${launchway}`],
      ...['--local-repository', `${uploadArtifact}=${uploading}`, '--env', `LAB_ARTIFACTS=${artifacts}`],
      ...['--secret-file', isForked ? tokenFile : secretFile],
      ...['--env', `GITHUB_API_URL=${api}`],
      ...['--cache-server-path', join(folder, 'cache'), '--action-cache-path', join(folder, 'actions')],
    ],
    env: { XDG_CACHE_HOME: folder },
    artifacts,
  }
}

/** As the starters name it. GitHub has the action, and nobody else a service for it. */
const uploadArtifact = /actions\/upload-artifact@[0-9a-f]{40}/.exec(readFileSync(join(root, 'workflows/push.yml'), 'utf8'))?.[0] ?? ''

/** Stands in for actions/upload-artifact: what it would take to GitHub, a folder gets. */
const uploader = `name: upload-artifact
description: Copies files into a folder
inputs:
  name: { description: Of the artifact, required: true }
  path: { description: Files and folders, required: true }
  if-no-files-found: { description: Not looked at, required: false }
  overwrite: { description: Not looked at, required: false }
runs:
  using: composite
  steps:
    - shell: bash
      env:
        NAME: \${{ inputs.name }}
        PATHS: \${{ inputs.path }}
      run: |
        mkdir -p "$LAB_ARTIFACTS/$NAME"
        while read -r path; do if [ -e "$path" ]; then cp -R "$path" "$LAB_ARTIFACTS/$NAME/"; fi; done <<< "$PATHS"
`

/** A line of act's file of secrets: in double quotes, where `\n` is a new line and `$` would begin a variable. */
function assignment([name, value]: [string, string]): string {
  return `${name}=${JSON.stringify(value).replaceAll('$', String.raw`\$`)}\n`
}
