import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { ask, call, docker } from '../../lab/run.ts'
import { keyTag } from '../../src/core/names.ts'
import type { Ports } from '../../src/core/ports.ts'
import { openPorts } from '../../src/ports.ts'
import { tidy } from '../../src/push/index.ts'
import { fakeLog } from '../fakes/log.ts'
import { openFolder } from './support/folder.ts'
import { releaseOf } from './support/uploaded.ts'

const key = (): string => randomBytes(16).toString('hex')

it('candidates of earlier runs leave the engine, but the last two, that of this run, and what a container has', async () => {
  await using folder = await openFolder()
  // As people write it: docker calls it team/… itself.
  const path = `launchway-tidy-${randomBytes(4).toString('hex')}/app`
  const references = Array.from({ length: 6 }, () => `${path}:${keyTag(key())}`)
  const [own = '', used = '', old = '', , last = '', before = ''] = references
  const others = [`${path}:main`, `${path}:${keyTag('cache-app')}`]
  onTestFinished(async () => void (await ask('docker', ['image', 'rm', '--force', ...references, ...others])))
  for (const [index, reference] of references.entries()) {
    const make = `tar -cf - -T /dev/null | docker import --change 'LABEL number=${index}' --change 'CMD ["/none"]' - ${reference}`
    await call('sh', ['-c', make])
  }
  for (const other of others) await docker('tag', old, other)
  // What was tagged last is the youngest.
  for (const reference of [last, before]) await docker('tag', reference, reference)
  const container = (await docker('create', used)).trim()
  onTestFinished(async () => void (await ask('docker', ['rm', container])))

  const log = fakeLog()
  const { close, ...opened } = openPorts({
    env: { ...process.env, RUNNER_TEMP: join(folder.path, 'temp') },
    ...{ log, root: folder.path, evidence: join(folder.path, 'evidence'), who: 'ada@laptop' },
    ...{ signal: new AbortController().signal, onSecret: () => undefined, github: false },
  })
  onTestFinished(close)
  const release = releaseOf({ repository: `docker.io/${path}`, key: own.slice(-32), config: `sha256:${'0'.repeat(64)}`, tags: ['main'] })
  const left = async (): Promise<string[]> =>
    (await docker('image', 'ls', '--format', '{{.Repository}}:{{.Tag}}', path)).split('\n').filter((line) => line !== '')
  await tidy(release, opened)
  expect((await left()).toSorted()).toEqual([...references, ...others].toSorted())

  const ports: Ports = { ...opened, clock: { ...opened.clock, now: () => new Date(Date.now() + 2 * 24 * 3_600_000) } }
  await tidy(release, ports)
  expect((await left()).toSorted()).toEqual([own, used, last, before, ...others].toSorted())
  expect(log.said('line')).toEqual(['candidates of earlier runs that are removed from this engine: 2'])
})
