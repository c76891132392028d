import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { build } from '../../src/build/index.ts'
import { display } from '../../src/core/command.ts'
import type { Exec } from '../../src/core/ports.ts'
import { solveReader, type Vertex } from '../../src/tools/solve-status.ts'
import { configuration, fileOf, nonce, plannedHere } from './support/built.ts'
import { failureOf } from './support/errors.ts'

/** What stands on the image python:3 of this machine's engine. */
const from = 'FROM python:3'
const sha256 = (content: string | Buffer): string => createHash('sha256').update(content).digest('hex')

function verticesOf(lines: readonly string[]): Vertex[] {
  const vertices: Vertex[] = []
  const read = solveReader({
    vertex: (one) => void vertices.push(one),
    log: () => undefined,
    warning: () => undefined,
    text: () => undefined,
  })
  for (const line of lines) read(line)
  return vertices
}

describe('six images', () => {
  const uuid = 'cat /proc/sys/kernel/random/uuid'
  const shared = `${from} AS shared\nRUN ${uuid} > /shared # ${nonce}\n`
  const stage = (name: string): string => `FROM shared AS ${name}\nRUN echo ${name} > /name\n`
  const files = {
    'launchway.yml': configuration({
      web: { target: 'web' },
      worker: { target: 'worker' },
      beat: { target: 'beat' },
      below: { target: 'shared', repositories: undefined },
      admin: { context: 'admin', contexts: { base: 'target:below' } },
      docs: { context: 'admin', contexts: { base: 'target:admin', pages: 'pages' }, dockerfile: 'docs.Dockerfile' },
    }),
    Dockerfile: `${shared}${['web', 'worker', 'beat'].map(stage).join('')}`,
    '.dockerignore': '*\n',
    'admin/Dockerfile': `FROM base\nRUN ${uuid} > /admin\n`,
    'admin/docs.Dockerfile': 'FROM base\nCOPY --from=pages . /pages/\n',
    'pages/index.html': 'hello',
    'pages/draft.html': 'not yet',
    'pages/.dockerignore': 'draft.html\n',
  }

  test('are built in one solve, what they share is executed once, and one may be built on another', async () => {
    const here = await plannedHere(files)
    const images = await here.build()
    const [web, worker, beat, admin, docs] = images
    expect(here.calls.filter(({ args }) => args.includes('bake'))).toHaveLength(1)

    const own = verticesOf(here.lines).filter(({ name }) => name.includes(`/shared # ${nonce}`))
    const done = own.filter(({ completed, error }) => typeof completed === 'string' && error === undefined)
    expect(new Set(own.map(({ digest }) => digest)).size).toBe(1)
    expect(done.filter(({ cached }) => cached === true)).toEqual([])
    const values = new Set([web, worker, beat, admin, docs].map((image) => fileOf(image, '/shared').toString()))
    expect([...values]).toEqual([expect.stringMatching(/^[0-9a-f-]{36}\n$/)])

    expect(fileOf(docs, '/admin')).toEqual(fileOf(admin, '/admin'))
    expect(fileOf(docs, '/pages/index.html').toString()).toBe('hello')
    expect(() => fileOf(docs, '/pages/draft.html')).toThrow(/draft/)
    expect(here.log.entries.flatMap((entry) => (entry.kind === 'close' ? [`${entry.stage} ${entry.outcome}`] : []))).toEqual(
      ['web', 'worker', 'beat', 'admin', 'docs'].map((name) => `build ${name} done`),
    )
    expect(execFileSync('docker', ['image', 'ls', '--quiet', 'launchway.invalid/solve-below'], { encoding: 'utf8' })).toBe('')
  })
})

describe('secrets of a build', () => {
  const text = '{"a": "b, \\"c\\"",\n\t"d": "$HOME ${x} %{ if }"}\r\nлюбой\n\n'
  const bytes = Buffer.from([0, 255, 10, 13, 10, 0, 200, 44, 34])
  const files = {
    'launchway.yml': configuration({
      app: {
        secrets: ['TOKEN', { id: 'json', env: 'SETTINGS' }, { id: 'licence', file: 'build/a,"b.key' }],
        ssh: [{ id: 'vendor', key: 'VENDOR_KEY' }],
      },
    }),
    Dockerfile: `${from}
RUN --mount=type=secret,id=TOKEN --mount=type=secret,id=json --mount=type=secret,id=licence cd /run/secrets && sha256sum TOKEN json licence > /sums # ${nonce}
RUN --mount=type=ssh,id=vendor,target=/agent python3 -c "import socket; s = socket.socket(socket.AF_UNIX); s.connect('/agent'); s.send(bytes([0, 0, 0, 1, 11])); print(s.makefile('rb').read(9)[8])" > /identities # ${nonce}
`,
    'build/a,"b.key': bytes,
    '.dockerignore': '*\n',
  }
  const folder = (): string => {
    const path = mkdtempSync(join(tmpdir(), 'launchway-key-'))
    onTestFinished(() => rmSync(path, { recursive: true, force: true }))
    return path
  }

  test('arrive byte for byte, and stay in no argument, log, record, image or file', async () => {
    const keys = folder()
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', join(keys, 'key')])
    const key = readFileSync(join(keys, 'key'), 'utf8')
    const token = `tok-${nonce}-of-the-index`
    const here = await plannedHere(files, { TOKEN: token, SETTINGS: text, VENDOR_KEY: key.trim().replaceAll('\n', '\r\n') })
    const [app] = await here.build()
    expect(fileOf(app, '/sums').toString().match(/^\w+/gm)).toEqual([token, text, bytes].map(sha256))
    expect(fileOf(app, '/identities').toString()).toBe('1\n')

    const reference = `launchway.invalid/solve-app:launchway-${app?.key}`
    const history = execFileSync('docker', ['history', '--no-trunc', reference], { encoding: 'utf8' })
    const seen = [
      JSON.stringify(here.calls.map((call) => [display(call), String(call.stdin), call.env])),
      JSON.stringify([here.release, app]),
      JSON.stringify(here.log.entries),
      history,
    ].join('\n')
    expect([token, '$HOME ${x}', 'PRIVATE KEY'].filter((secret) => seen.includes(secret))).toEqual([])
    const path = /vendor=([^"]+)"/.exec(String(here.calls.find(({ args }) => args.includes('bake'))?.stdin))?.[1] ?? ''
    expect([path.startsWith('/'), existsSync(path)]).toEqual([true, false])
  })

  test('are missed before anything is built, all at once', async () => {
    const here = await plannedHere(
      { ...files, 'launchway.yml': files['launchway.yml'].replace('a,\\"b.key', 'nothere.key') },
      { TOKEN: 'x' },
    )
    const { code, message } = await failureOf(here.build())
    expect([code, message]).toEqual(['SECRET_MISSING', 'the build needs SETTINGS, VENDOR_KEY, build/nothere.key: nothing was built'])
    expect(here.calls.filter(({ args }) => args.includes('bake'))).toEqual([])
  })

  test('that nobody has named are asked for by the line of the Dockerfile', async () => {
    const here = await plannedHere({
      'launchway.yml': configuration({ app: {} }),
      Dockerfile: `${from}\nRUN --mount=type=secret,id=npm,required=true true # ${nonce}\n`,
    })
    expect(await failureOf(here.build())).toMatchObject({
      code: 'SECRET_MISSING',
      message: 'the build failed at Dockerfile:2: it asks for the secret npm, which the image does not have',
      place: { file: 'Dockerfile', line: 2 },
    })
  })
})

describe('a build that fails', () => {
  test.each<[string, string, string, RegExp]>([
    [
      'a command',
      `${from}\nRUN echo about to >&2 && echo fail ${nonce} >&2 && exit 3\n`,
      'the build failed at Dockerfile:2: the command ended with exit code 3',
      new RegExp(`^\\[2/2\\] RUN .*\nabout to\nfail ${nonce}\nDockerfile:2\n`),
    ],
    [
      'a syntax error',
      `${from}\nRUM x\n`,
      'the build failed at Dockerfile:2: unknown instruction: RUM (did you mean RUN?)',
      /^Dockerfile:2$/m,
    ],
    [
      'a full disk',
      `${from}\nRUN --mount=type=tmpfs,target=/small,size=65536 head -c 1000000 /dev/zero > /small/x # ${nonce}\n`,
      'the build failed at Dockerfile:2: the disk of the builder is full',
      /No space left on device/,
    ],
    [
      'a base that does not exist',
      'FROM launchway.invalid/nothing:1\n',
      'the build failed at Dockerfile:1: the base image launchway.invalid/nothing:1 cannot be had',
      /registry could not be reached/,
    ],
  ])('of %s says where, why and what to do, and leaves no image', async (_, dockerfile, message, hint) => {
    const here = await plannedHere({ 'launchway.yml': configuration({ app: {} }), Dockerfile: dockerfile })
    const error = await failureOf(here.build())
    expect([error.code, error.message]).toEqual(['BUILD_FAILED', message])
    expect(error.hint).toMatch(hint)
    expect(execFileSync('docker', ['image', 'ls', '--quiet', 'launchway.invalid/solve-app'], { encoding: 'utf8' })).toBe('')
  })
})

describe('caches', () => {
  test('that cannot be written, or are not there, fail no build', async () => {
    const server = createServer((socket) => socket.destroy())
    onTestFinished(() => void server.close())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = address !== null && typeof address === 'object' ? address.port : 0
    const cache = {
      from: [`type=registry,ref=127.0.0.1:${port}/a:b`, 'type=local,src=nothere'],
      to: [`type=registry,ref=127.0.0.1:${port}/a:b`],
    }
    const here = await plannedHere({ 'launchway.yml': configuration({ app: { cache } }), Dockerfile: `${from}\nRUN echo ${nonce} > /x\n` })
    const [app] = await here.build()
    expect(fileOf(app, '/x').toString()).toBe(`${nonce}\n`)
  })
})

test('a bake file that is there is taken as it is, with its variables and what its targets stand on', async () => {
  const here = await plannedHere(
    {
      'launchway.yml': configuration({ reports: { bake: 'reporting' } }, { bake: 'docker-bake.hcl' }),
      'docker-bake.hcl': `
variable "WORD" { default = "default" }
target "_common" {
  args = { WORD = upper(WORD) }
}
target "base" {
  inherits = ["_common"]
  dockerfile = "base.Dockerfile"
}
target "reporting" {
  inherits = ["_common"]
  contexts = { base = "target:base" }
  secret = ["id=token,env=BAKE_TOKEN"]
  labels = { kept = "$\${x}" }
  tags = ["somewhere.invalid/else:latest"]
  output = ["type=registry"]
}
`,
      'base.Dockerfile': `${from}\nARG WORD\nRUN echo "$WORD" > /word # ${nonce}\n`,
      Dockerfile: 'FROM base\nRUN --mount=type=secret,id=token wc -c < /run/secrets/token > /length\n',
    },
    { BAKE_TOKEN: `secret-${nonce}` },
  )
  const { images, bases = [] } = here.release.plan
  expect([images.map(({ name }) => name), bases.map(({ name }) => name)]).toEqual([['reports'], ['base']])
  const [reports] = await here.build()
  expect([fileOf(reports, '/word').toString(), fileOf(reports, '/length').toString()]).toEqual(['DEFAULT\n', `${7 + nonce.length}\n`])
  const reference = `launchway.invalid/solve-reports:launchway-${reports?.key}`
  expect(execFileSync('docker', ['image', 'inspect', '--format', '{{.Config.Labels.kept}}', reference], { encoding: 'utf8' })).toBe(
    '${x}\n',
  )
})

test('a bake file with a mistake is refused at its line', async () => {
  const files = {
    'launchway.yml': configuration({ app: {} }, { bake: 'docker-bake.hcl' }),
    'docker-bake.hcl': 'target "app" {\n  args = { A = }\n}\n',
  }
  expect(await failureOf(plannedHere(files))).toMatchObject({ code: 'CONFIG_INVALID', place: { file: 'docker-bake.hcl', line: 2 } })
})

describe('the key of an image', () => {
  const files = {
    'launchway.yml': configuration({
      below: { target: 'below', repositories: undefined },
      app: { target: 'app', contexts: { base: 'target:below', pages: 'pages' } },
    }),
    Dockerfile: `FROM scratch AS below\nCOPY pages/nonce /\nFROM base AS app\nCOPY --from=pages . /\n`,
    '.dockerignore': '*\n!pages/nonce\n',
    'pages/nonce': nonce,
    'pages/index.html': 'hello',
  }
  /** As bake is given it; nothing is built then. */
  const keyOf = async (changed: Record<string, string>): Promise<string> => {
    const { release, ports } = await plannedHere({ ...files, ...changed })
    let key = ''
    const exec: Exec = {
      read: (command) => ports.exec.read(command),
      run({ stdin }) {
        key = /launchway\.invalid\/solve-app:launchway-([0-9a-f]{32})/.exec(String(stdin))?.[1] ?? ''
        return Promise.reject(new Error('seen enough'))
      },
    }
    await expect(build(release, { ...ports, exec })).rejects.toThrow('seen enough')
    expect(key).not.toBe('')
    return key
  }

  test('follows the folders that its contexts name', async () => {
    const key = await keyOf({})
    expect(await keyOf({})).toBe(key)
    expect(await keyOf({ 'pages/index.html': 'other' })).not.toBe(key)
    expect(await keyOf({ 'pages/.dockerignore': 'draft\n.dockerignore\n', 'pages/draft': '1' })).toBe(
      await keyOf({ 'pages/.dockerignore': 'draft\n.dockerignore\n', 'pages/draft': '2' }),
    )
  })
})

test('checks that BuildKit makes of a Dockerfile are annotations at their lines', async () => {
  const here = await plannedHere({
    'launchway.yml': configuration({ app: {}, other: { target: 'two' } }),
    Dockerfile: `FROM scratch AS one\nLABEL a=b \\\n\n  c=${nonce}\nFROM one AS two\nLABEL d=e\n`,
  })
  await here.build()
  const warnings = here.log.entries.flatMap((entry) => (entry.kind === 'warning' ? [entry] : []))
  expect(warnings.map(({ text, place }) => [/continuation line/i.test(text), place?.file])).toEqual([[true, 'Dockerfile']])
})
