import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { LaunchwayError } from '../../src/core/error.ts'
import type { Ports, WatchedPlace } from '../../src/core/ports.ts'
import { showWatched, watchRounds } from '../../src/rounds/index.ts'
import { fakeEngine } from '../fakes/engine.ts'
import { localPorts, temporaryFolder } from './support/ports.ts'

const secret = 'correct-horse-battery'
const image = 'images: { app: { repositories: [registry.example.org/team/app], context: app } }\n'

/** A watch of a small repository whose builds end as `build` says, until the first round is over. */
async function oneRound(build: (watched: readonly WatchedPlace[], root: string) => LaunchwayError, said = image) {
  const root = temporaryFolder()
  mkdirSync(join(root, 'app'))
  const files = {
    'launchway.yml': `${said}branches: { main: {} }\nscan: false\n`,
    'compose.yml': 'services: { web: { build: app } }\n',
    'app/Dockerfile': 'FROM scratch\n',
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, name), text)
  const { ports } = localPorts(root, { TOKEN: secret })
  const stop = new AbortController()
  let watched: readonly WatchedPlace[] = []
  const own: Ports = {
    ...ports,
    signal: stop.signal,
    engine: fakeEngine(),
    exec: {
      ...ports.exec,
      read: ({ file }) => Promise.reject(file === 'git' ? new LaunchwayError('COMMAND_FAILED', 'no repository') : build(watched, root)),
      run: ({ file }) =>
        file === 'git' ? Promise.resolve({ code: 128, stdout: '', stderr: '', ms: 0 }) : Promise.reject(build(watched, root)),
    },
    watcher: () => Promise.resolve({ watch: (places) => void (watched = places), close: () => undefined }),
    log: { ...ports.log, info: (line) => (line.startsWith('waiting') ? stop.abort(new LaunchwayError('CANCELLED', 'enough')) : undefined) },
  }
  return watchRounds('launchway.yml', {}, own)
}

it('what an image is built from is watched before it is built', async () => {
  let isHeard = false
  await oneRound((watched, root) => {
    isHeard = watched.some(({ path, isTree }) => isTree && path === join(root, 'app'))
    return new LaunchwayError('BUILD_FAILED', 'it does not build')
  })
  expect(isHeard).toBe(true)
})

it('its last line has no secret in it', async () => {
  const done = await oneRound(() => new LaunchwayError('BUILD_FAILED', `nobody knows ${secret}`))
  expect(showWatched(done).text).toMatch(/^1 round; the last one failed: .*nobody knows \*\*\*\n$/)
  expect(JSON.stringify(done.rounds)).not.toContain(secret)
})

it('a bake file is watched before bake has understood it', async () => {
  let isHeard = false
  await oneRound((watched, root) => {
    isHeard = watched.some(({ path }) => path === join(root, 'bake/all.hcl'))
    return new LaunchwayError('CONFIG_INVALID', 'bake does not understand it')
  }, 'images: { app: { repositories: [registry.example.org/team/app] } }\nbake: bake/all.hcl\n')
  expect(isHeard).toBe(true)
})
