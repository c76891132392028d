import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/adapters/clock.ts'
import { ociRegistries } from '../../src/adapters/registry/repository.ts'
import { recordType } from '../../src/core/names.ts'
import { record } from '../unit/support/deploy.ts'
import { useHosts } from './support/hosts.ts'
import { operated, type Operated } from './support/operated.ts'
import { knownAs, never, portOf } from './support/ssh.ts'
import { type Door, openDoor } from './support/tcp.ts'

const { image } = useHosts()

/** One application for all of these: none of them changes it. */
let there: Operated
let door: Door
let release = ''
const configured = {
  port: 8000,
  publish: 18_000,
  env: { VERSION: 'one', GREETING: 'good day' },
  secrets: ['KEY'],
  volumes: ['files:/files'],
  networks: ['front', 'back'],
}
beforeAll(async () => {
  there = await operated(image, [['trixie', 'deploy']])
  const names = there.machines.map(({ app }) => app)
  const own = { volumes: [`${names[0]}-files:/files`], networks: [`${names[0]}-front`, `${names[0]}-back`] }
  release = await there.deploy('one', {
    services: [{ name: 'web', port: 8000, env: { GREETING: 'good day' }, secrets: ['KEY'], ...own }],
    secrets: { KEY: 'line one\nline "two"' },
  })
  // The same host by a way that can be cut.
  door = await openDoor({ port: portOf('trixie') })
  const knownHosts = join(there.folder, 'known_hosts')
  writeFileSync(knownHosts, knownAs('trixie', `[127.0.0.1]:${door.port}`))
  there.configure({ web: configured }, { hosts: [`deploy@127.0.0.1:${door.port}`], ssh: { 'known-hosts': knownHosts } })
})
afterAll(async () => {
  const [machine] = there.machines
  await machine?.ask(
    `docker rm --force $(docker ps --all --quiet --filter label=launchway.app=${machine.app}); docker volume rm ${machine.app}-files`,
  )
  await door[Symbol.asyncDispose]()
  await there[Symbol.asyncDispose]()
})

const oneOffs = async (): Promise<string> => {
  const [machine] = there.machines
  return (await machine?.ask(`docker ps --all --filter label=launchway.exec=${machine.app}.test --format '{{.Names}}'`)) ?? ''
}

const hostile = [
  'two words',
  "it's",
  '"',
  '$HOME $(id) `id`',
  'a\nb\n',
  '',
  '\\',
  '*',
  '~',
  '-x',
  '--',
  'ü€𝄞\u0081',
  '\t',
  '#',
  ';&|<>',
  '--label',
  'launchway.app=x',
]

describe.each([
  ['the running container', []],
  ['a new container', ['--new']],
])('a command in %s', (_, flags) => {
  test('gets every argument byte for byte, whatever it holds', async () => {
    const said = await there.launchway([
      'exec',
      'web',
      ...flags,
      '--',
      'sh',
      '-c',
      'for one; do printf "[%s]" "$one"; done',
      'sh',
      ...hostile,
    ])
    expect(said).toMatchObject({ code: 0, err: '', out: hostile.map((one) => `[${one}]`).join('') })
  })

  test('reads standard input and writes standard output byte for byte, and ends with its own code', async () => {
    const input = Buffer.concat([Buffer.from([0, 255, 10, 13]), randomBytes(300_000)])
    const { code, bytes, err } = await there.launchway(['exec', 'web', ...flags, '--', 'sh', '-c', 'cat; exit 77'], { input })
    expect([code, err, bytes.equals(input)]).toEqual([77, '', true])
  })
})

describe('a new container', () => {
  test('has what the service has, is none of the release, and goes with the command', async () => {
    const script = 'echo "$GREETING, $KEY"; touch /files/made; ls -d /files; ip -o link | grep -c eth; hostname'
    const { code, out, err } = await there.launchway(['exec', '--new', 'web', '--', 'sh', '-c', script])
    expect([code, err]).toEqual([0, ''])
    expect(out.split('\n').slice(0, 4)).toEqual(['good day, line one', 'line "two"', '/files', '2'])
    const [machine] = there.machines
    expect(await machine?.containers()).toMatchObject([{ service: 'web', release, state: 'running' }])
    expect(await there.launchway(['exec', 'web', '--', 'ls', '/files'])).toMatchObject({ out: 'made\n' })
    expect(await oneOffs()).toBe('')
  })

  test('goes when the connection breaks, too', async () => {
    const ran = there.launchway(['exec', '--new', 'web', '--', 'sh', '-c', 'echo begun; sleep 600'])
    await expect.poll(oneOffs, { timeout: 60_000, interval: 200 }).toContain('.web.exec-')
    door.drop()
    expect(await ran).toMatchObject({ code: 6, err: expect.stringContaining('SSH_UNREACHABLE') })
    await expect.poll(oneOffs, { timeout: 30_000, interval: 200 }).toBe('')
  })

  test('goes with Ctrl-C', async () => {
    const { code } = await there.launchway(['exec', '--new', 'web', '--', 'sh', '-c', 'echo begun; sleep 600'], {
      until: (out) => out.includes('begun'),
    })
    expect(code).toBe(130)
    await expect.poll(oneOffs, { timeout: 30_000, interval: 200 }).toBe('')
  })
})

describe('what cannot be run is said', () => {
  test.each<[string, string[], number, RegExp]>([
    ['no such service', ['exec', 'shop', '--', 'true'], 2, /USAGE: .* runs no service "shop"\nIt has: web/],
    ['no command', ['exec', 'web'], 2, /USAGE: launchway exec needs a command\nlaunchway exec web -- COMMAND/],
    ['no such host', ['exec', '--host', 'elsewhere', 'web', '--', 'true'], 2, /USAGE: test has no host "elsewhere"/],
  ])('%s', async (_, args, code, message) => {
    expect(await there.launchway(args)).toMatchObject({ code, err: expect.stringMatching(message) })
  })

  test('a program that the container does not have: in docker’s words, with its exit code', async () => {
    const { code, out, err } = await there.launchway(['exec', 'web', '--', 'nonesuch'])
    expect(code === 126 || code === 127).toBe(true)
    expect(`${out}${err}`).toContain('nonesuch')
  })

  test('and as JSON the answer has both outputs', async () => {
    const { code, out } = await there.launchway(['exec', '--json', 'web', '--', 'sh', '-c', 'echo good; echo bad >&2; exit 3'])
    expect([code, JSON.parse(out)]).toMatchObject([
      3,
      { code: 3, stdout: 'good\n', stderr: 'bad\n', container: expect.stringContaining(release) },
    ])
  })
})

describe('a log that is followed', () => {
  test('is taken up again where it was when the connection breaks, and Ctrl-C ends it without a complaint', async () => {
    const [machine] = there.machines
    const name = `${machine?.app}.test.web.${release}`
    const say = (text: string): Promise<string> =>
      machine?.ask(`docker exec ${name} sh -c 'echo ${text} > /proc/1/fd/1'`) ?? Promise.resolve('')
    let stage = 0
    const { code, out, err } = await there.launchway(['logs', 'web', '--follow'], {
      env: { KEY: 'hush-hush' },
      until: (text) => {
        if (stage === 0 && text.includes('starting one')) {
          stage = 1
          void say('before the break')
        } else if (stage === 1 && text.includes('before the break')) {
          stage = 2
          door.drop()
          void say('while it was down, hush-hush')
        }
        return text.includes('while it was down')
      },
    })
    expect(code).toBe(130)
    expect(out).toBe('web | starting one\nweb | before the break\nweb | while it was down, ***\n')
    expect(err).toContain('taken up again where it was')
    expect(err).not.toContain('CANCELLED')
    // Nothing goes on on the host.
    await expect.poll(() => machine?.ask('ps -eo args | grep -c "^docker logs --follow" || :'), { timeout: 30_000 }).toBe('0')
  })
})

describe('the record beside an image', () => {
  test('is shown by tag, by digest, and by a whole reference from a folder without launchway.yml', async () => {
    const { repository, digest } = image()
    const registry = repository.split('/')[0] ?? ''
    const settings = { host: registry, plainHttp: true }
    const registries = ociRegistries(systemClock, () => Promise.resolve(undefined), never)
    const opened = await registries.repository(repository, settings)
    const found = await opened.resolve(digest)
    if (found === undefined) throw new Error('the image is not there')
    const of = record()
    const built = { name: 'app', key: '0'.repeat(32), how: 'built' as const, config: {}, size: 1, layers: 1, ms: 1 }
    const images = [{ ...built, registries: { [repository]: { digest, mediaType: found.mediaType } } }]
    const kept = { ...of, plan: { ...of.plan, tags: ['latest'] }, build: { builder: 'b', images } }
    await opened.attach(found, recordType, Buffer.from(JSON.stringify(kept)), {})
    for (const asked of ['latest', digest]) {
      const shown = await there.launchway(['show', asked])
      expect(shown).toMatchObject({ code: 0, err: '', out: expect.stringContaining(`release  addie master (${of.id})`) })
      expect(shown.out).toContain(`${repository}@${digest}`)
    }
    const elsewhere = await there.launchway(['show', `${repository}:latest`, '--config', 'nowhere.yml', '--json'])
    expect([elsewhere.code, JSON.parse(elsewhere.out)]).toEqual([0, { ...kept, beside: [] }])
    expect(await there.launchway(['show', 'v99'])).toMatchObject({ code: 2, err: expect.stringContaining('VERSION_UNKNOWN: ') })
  })
})
