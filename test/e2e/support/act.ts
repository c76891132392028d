import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inject } from 'vitest'
import { forAct, type Job, newRunner } from '../../../lab/act.ts'
import { call } from '../../../lab/run.ts'
import { parseRelease, type Release } from '../../../src/core/release.ts'
import { bareEnvironment, type Ended, run } from './programs.ts'

/** This machine as a runner for repositories that `launchway init` has written workflows for. */
export interface InitRunner {
  /** The folder that has what the jobs of the last run have kept, by the names of the artifacts. */
  artifacts: string
  /** The record that a job of the last run has kept. @param artifact its name; without one that of the job that builds */
  record(artifact?: string): Release
  /** Runs a workflow of a repository, as it stands there but for a key that act does not know. */
  act(repository: string, event: Job['event'], name: string, more?: More): Promise<Ended>
  /** Leaves it as one that fetched Trivy's own database earlier, which cannot be had here: init names no other. */
  keepDatabase(): Promise<void>
}

interface More {
  /** What GitHub says of the event. */
  payload?: object | undefined
  env?: Readonly<Record<string, string>>
  isForked?: boolean
}

/**
 * Such a runner, with the secrets that init asks for, in a folder which is all that it leaves behind.
 * @param more secrets of the application
 */
export function newInitRunner(folder: string, more: Readonly<Record<string, string>> = {}): InitRunner {
  const lab = inject('lab')
  const secrets = { SSH_KEY: readFileSync(lab.key, 'utf8'), GITHUB_TOKEN: lab.github.token, ...more }
  const runner = newRunner(folder, { api: lab.github.url, secrets })
  return {
    artifacts: runner.artifacts,
    record(artifact = 'launchway') {
      const kept = join(runner.artifacts, artifact, 'release.json')
      return parseRelease(readFileSync(kept, 'utf8'), kept)
    },
    act(repository, event, name, { payload, env = {}, isForked = false } = {}) {
      rmSync(runner.artifacts, { recursive: true, force: true })
      const workflow = join(folder, name)
      const said = join(folder, 'event.json')
      if (payload !== undefined) writeFileSync(said, JSON.stringify(payload))
      writeFileSync(workflow, forAct(readFileSync(join(repository, '.github/workflows', name), 'utf8')))
      const variables = Object.entries({ XDG_CACHE_HOME: folder, ...env }).flatMap(([key, value]) => ['--env', `${key}=${value}`])
      const args = [...runner.args({ event, workflow, isForked, ...(payload === undefined ? {} : { payload: said }) }), ...variables]
      return run('act', args, { cwd: repository, env: { ...bareEnvironment(), ...runner.env } })
    },
    async keepDatabase() {
      const kept = join(folder, 'launchway/trivy')
      const database = ['--download-db-only', '--insecure', '--db-repository', lab.vulnerabilities, '--cache-dir', kept]
      await call('trivy', ['image', '--quiet', ...database])
      writeFileSync(join(kept, 'db/source'), "Trivy's own databases")
    },
  }
}
