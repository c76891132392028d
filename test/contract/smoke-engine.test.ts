import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { labLabel } from '../../lab/lab.ts'
import { ask, call, docker } from '../../lab/run.ts'
import { hostImage } from '../../lab/setup/images.ts'
import { failureOf } from './support/errors.ts'
import { type Folder, openFolder, setEnv } from './support/folder.ts'
import { eventually } from './support/processes.ts'
import { leftovers, repository, smokeTest, withImage } from './support/smoke.ts'

const isCampaign = process.env['LAUNCHWAY_CAMPAIGN'] !== undefined

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
  // A registry that takes a connection and says nothing.
  const silent = ['socat', 'TCP-LISTEN:5000,fork,reuseaddr', "SYSTEM:'touch /asked; exec sleep 1000'"]
  await call('docker', ['exec', '--detach', container, ...silent], { env: { DOCKER_HOST: outside } })
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

/** A part of a test in which the engine may end, and how one knows that it is being done. */
interface Moment {
  name: string
  services: string
  smoke: string
  /** Asked again and again. */
  isNow: () => Promise<boolean>
}

const says = async (...args: string[]): Promise<string> => (await ask('docker', args, { env: { DOCKER_HOST: host } })) ?? ''
/** Beside that engine, in its container. */
const within = (...args: string[]): Promise<string | undefined> =>
  ask('docker', ['exec', container, ...args], { env: { DOCKER_HOST: outside } })
const there = (status: string) => async (): Promise<boolean> =>
  (await says('ps', '--all', '--quiet', '--filter', `status=${status}`)) !== ''
const web = `web: { image: "${repository}", restart: always }`
const asking = (check: string): string => `checks: [{ exec: web, command: ${check}, timeout: 10m }]`

const moments: readonly Moment[] = [
  { name: 'a check', services: web, smoke: asking('[sleep, "1000"]'), isNow: there('running') },
  {
    name: 'a pull',
    services: `${web}\n  db: { image: "127.0.0.1:5000/slow" }`,
    smoke: asking('["true"]'),
    isNow: async () => (await within('cat', '/asked')) !== undefined,
  },
  {
    name: 'a build',
    services: `${web}\n  job: { build: job }`,
    smoke: asking('["true"]'),
    isNow: async () => (await within('pgrep', '-f', '^sleep 4321')) !== undefined,
  },
  {
    name: 'the making of containers',
    services: Array.from({ length: 20 }, (_, n) => `web${n === 0 ? '' : n}: { image: "${repository}" }`).join('\n  '),
    smoke: asking('[sleep, "1000"]'),
    isNow: there('created'),
  },
  {
    name: 'the start',
    services: `db: { image: "${repository}", healthcheck: { test: [CMD, "false"], interval: 1h } }\n  web: { image: "${repository}", depends_on: { db: { condition: service_healthy } } }`,
    smoke: asking('["true"]'),
    isNow: there('running'),
  },
  {
    name: 'a step',
    services: web,
    smoke: `prepare: [{ run: web, command: [sleep, "1000"] }]`,
    isNow: async () => (await says('ps', '--quiet')).split('\n').length > 1,
  },
]

describe('an engine that is restarted in the middle of a test', () => {
  const end = (signal: string): Promise<unknown> => within('sh', '-c', `kill -${signal} "$(cat /var/run/docker.pid)"`)
  const files = (services: string): Record<string, string> => ({
    'compose.yml': `services:\n  ${services}\n`,
    'job/Dockerfile': `FROM ${repository}-base\nRUN exec sleep 4321\n`,
  })

  const all = moments.flatMap((moment) => (['KILL', 'TERM'] as const).map((signal) => ({ ...moment, signal })))
  // One of those in which it is the engine's events that end first, and those in which it is a program's call or ours.
  const usual = ['KILL a check', 'TERM a build', 'KILL the making of containers']

  it.each(all.filter(({ name, signal }) => isCampaign || usual.includes(`${signal} ${name}`)))(
    'is told as that, and is left clean: SIG$signal during $name',
    async ({ services, smoke, isNow, signal }) => {
      using _ = setEnv({ DOCKER_HOST: host, DOCKER_CONTEXT: undefined })
      await eventually(async () => (await says('version')) !== '')
      await within('rm', '-f', '/asked')
      const failed = failureOf(smokeTest({ files: files(services), smoke }))
      await eventually(isNow)
      await end(signal)
      expect(await failed).toMatchObject({
        code: 'SMOKE_UNHEALTHY',
        message: 'the Docker engine ended or was restarted while it ran the stack',
        hint: expect.stringContaining('run the test again'),
      })
      expect(await leftovers()).toEqual([])
    },
  )

  it.each((['KILL', 'TERM'] as const).slice(0, isCampaign ? undefined : 0))(
    'is left clean, and what passed stays so: SIG%s while the stack is taken down',
    async (signal) => {
      using _ = setEnv({ DOCKER_HOST: host, DOCKER_CONTEXT: undefined })
      await eventually(async () => (await says('version')) !== '')
      let ended: Promise<unknown> | undefined
      const { section } = await smokeTest({
        files: files(web),
        smoke: 'checks: [{ exec: web, command: ["true"] }]',
        onLine: (line) => {
          if (line.startsWith('the rendered project')) ended = end(signal)
        },
      })
      expect(section.verdict).toBe('passed')
      await ended
      expect(ended).toBeDefined()
      await eventually(async () => (await says('version')) !== '')
      expect(await leftovers()).toEqual([])
    },
  )
})
