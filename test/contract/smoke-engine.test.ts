import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { labLabel } from '../../lab/lab.ts'
import { ask, call, docker } from '../../lab/run.ts'
import { hostImage } from '../../lab/setup/images.ts'
import { failureOf } from './support/errors.ts'
import { type Folder, openFolder, setEnv } from './support/folder.ts'
import { eventually } from './support/processes.ts'
import { leftovers, repository, smokeTest, withImage } from './support/smoke.ts'

withImage()

const { name: lab } = inject('lab')
let folder: Folder
let container = ''
let host = ''
/** The engine of this machine. */
const outside = process.env['DOCKER_HOST'] ?? ''

/** An engine of its own that comes back when it ends, as one does that systemd looks after; reached through a socket in a folder. */
beforeAll(async () => {
  folder = await openFolder()
  host = `unix://${join(folder.path, 'docker.sock')}`
  const contained = ['--label', `${labLabel}=${lab}`, '--volume', '/var/lib/docker', '--volume', `${folder.path}:/engine`]
  const again =
    'while :; do dockerd --config-file /dev/null --iptables=false --default-address-pool base=10.99.0.0/25,size=26 --host unix:///engine/docker.sock; sleep 1; done'
  container = await docker(
    ...['run', '--detach', '--rm', '--init', '--privileged', '--network', 'none', ...contained],
    ...['--entrypoint', 'sh', hostImage('trixie'), '-c', again],
  )
  const archive = join(folder.path, 'image.tar')
  const images = (await docker('image', 'ls', '--format', '{{.Repository}}:{{.Tag}}', `${repository}*`)).split('\n')
  await docker('image', 'save', '--output', archive, ...images)
  await eventually(async () => (await ask('docker', ['version'], { env: { DOCKER_HOST: host } })) !== undefined)
  await call('docker', ['image', 'load', '--input', archive], { env: { DOCKER_HOST: host } })
})
afterAll(async () => {
  await ask('docker', ['rm', '--force', '--volumes', container])
  await folder[Symbol.asyncDispose]()
})

describe('an engine whose addresses are used up', () => {
  it('starts a stack all the same, with ranges that are chosen for it, and says so', async () => {
    using _ = setEnv({ DOCKER_HOST: host, DOCKER_CONTEXT: undefined })
    // Of two ranges the bridge of the engine itself has one.
    const both = `web: { image: "${repository}", networks: [front, back] }\n  job: { build: job, networks: [back] }`
    const { section, said } = await smokeTest({
      files: {
        'compose.yml': `services:\n  ${both}\nnetworks: { front: {}, back: {} }\n`,
        'job/Dockerfile': `FROM ${repository}-base\n`,
      },
      smoke: 'checks: [{ exec: job, command: [wget, -q, -O, "-", "http://web:8000/"] }]',
    })
    expect(section.verdict).toBe('passed')
    expect(said.filter((line) => line.startsWith('the engine has no addresses left'))).toHaveLength(1)
    expect(await leftovers()).toEqual([])
  })
})

describe('an engine that is restarted in the middle of a test', () => {
  it('is told as that, and is left clean', async () => {
    using _ = setEnv({ DOCKER_HOST: host, DOCKER_CONTEXT: undefined })
    const failed = failureOf(
      smokeTest({
        files: { 'compose.yml': `services: { web: { image: "${repository}", restart: always } }\n` },
        smoke: 'checks: [{ exec: web, command: [sleep, "1000"], timeout: 10m }]',
      }),
    )
    await eventually(async () => (await ask('docker', ['ps', '--quiet'], { env: { DOCKER_HOST: host } }))?.trim() !== '')
    await call('docker', ['exec', container, 'sh', '-c', 'kill -9 "$(cat /var/run/docker.pid)"'], { env: { DOCKER_HOST: outside } })
    expect(await failed).toMatchObject({
      code: 'SMOKE_UNHEALTHY',
      message: 'the Docker engine ended or was restarted while it ran the stack',
      hint: expect.stringContaining('run the test again'),
    })
    expect(await leftovers()).toEqual([])
  })
})
