import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { call } from '../../../lab/run.ts'
import { processExec } from '../../../src/adapters/exec.ts'
import { command } from '../../../src/core/command.ts'
import { openFolder } from './folder.ts'
import { eventually } from './processes.ts'

/** What a step sees of the cache service. */
const variables = ['ACTIONS_CACHE_URL', 'ACTIONS_RUNTIME_TOKEN', 'GITHUB_WORKSPACE', 'RUNNER_TEMP']

/** A job that shows what its steps are given, and stays until it is told to end: its services stay as long. */
const workflow = (folder: string): string => `
on: push
jobs:
  hold:
    runs-on: ubuntu-latest
    steps:
      - run: |
          ${variables.map((name) => `printf '%s=%s\\n' ${name} "$${name}" >> '${folder}/draft'`).join('\n          ')}
          mv '${folder}/draft' '${folder}/ready'
          while ! [ -e '${folder}/end' ]; do sleep 0.1; done
`

export interface CacheService extends AsyncDisposable {
  readonly env: Readonly<Record<string, string>>
}

/** act's cache server, which lives no longer than a run of a workflow: so one runs, until this is closed. */
export async function openCacheService(): Promise<CacheService> {
  const folder = await openFolder()
  const { path } = folder
  mkdirSync(join(path, 'repository/.github/workflows'), { recursive: true })
  writeFileSync(join(path, 'repository/.github/workflows/hold.yml'), workflow(path))
  const git = (...args: string[]): Promise<unknown> =>
    call('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.org', ...args], { cwd: join(path, 'repository') })
  await git('init', '--quiet')
  await git('add', '--all')
  await git('commit', '--quiet', '--message', 'A job that waits')

  const args = [
    'push',
    '-P',
    'ubuntu-latest=-self-hosted',
    '--cache-server-addr',
    '127.0.0.1',
    '--cache-server-path',
    join(path, 'entries'),
  ]
  const act = command('act', [...args, '--action-cache-path', join(path, 'actions')], { cwd: join(path, 'repository') })
  let ended: Error | undefined
  const run = processExec.run(act).catch((error: unknown) => {
    ended = error instanceof Error ? error : new Error(String(error))
  })
  const [ready, end] = [join(path, 'ready'), join(path, 'end')]
  const close = async (): Promise<void> => {
    writeFileSync(end, '')
    await run
    await folder[Symbol.asyncDispose]()
  }
  await eventually(() => existsSync(ready) || ended !== undefined)
  if (ended !== undefined) {
    await close()
    throw ended
  }
  const lines = readFileSync(ready, 'utf8').trim().split('\n')
  return {
    env: Object.fromEntries(lines.map((line): [string, string] => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)])),
    [Symbol.asyncDispose]: close,
  }
}
