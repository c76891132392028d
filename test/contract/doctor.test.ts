import { chmodSync, cpSync, globSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, inject, test } from 'vitest'
import { z } from 'zod'
import { call } from '../../lab/run.ts'
import { tell } from '../../lab/github/client.ts'
import { startLabGitHub } from '../../lab/github/server.ts'
import type { Exec, Log } from '../../src/core/ports.ts'
import { doctor } from '../../src/doctor/index.ts'
import { openPorts } from '../../src/ports.ts'
import { commit, type Ended, git, open } from './support/doors.ts'
import { openFolder } from './support/folder.ts'

const Answer = z.object({
  version: z.literal(1),
  findings: z.array(
    z.object({
      rule: z.string(),
      topic: z.string(),
      severity: z.enum(['error', 'warning', 'hint']),
      where: z.record(z.string(), z.json()),
      what: z.string(),
      why: z.string(),
      fix: z.string(),
      fixable: z.boolean(),
      fixed: z.literal(true).optional(),
    }),
  ),
  skipped: z.array(z.object({ check: z.string(), reason: z.string() })),
  changes: z.array(z.string()),
  counts: z.object({ error: z.number(), warning: z.number(), hint: z.number() }),
})

interface Folder extends AsyncDisposable {
  path: string
  /** In a process of its own. */
  doctor(args?: string[], env?: Record<string, string>): Ended
  /** In this one. */
  findings(of?: { fix?: boolean; offline?: boolean; env?: Record<string, string> }): Promise<z.infer<typeof Answer> & { said: string[] }>
}

const plain = { 'launchway.yml': 'image: ghcr.io/team/app\nscan: false\n', Dockerfile: 'FROM python:3.12\nCOPY app.py /\n', 'app.py': '' }

/** A working tree with a commit. */
async function tree(files: Readonly<Record<string, string>>): Promise<Folder> {
  const folder = await openFolder()
  const { path } = folder
  for (const [name, text] of Object.entries({ ...plain, ...files })) {
    mkdirSync(join(path, name, '..'), { recursive: true })
    writeFileSync(join(path, name), text)
  }
  git(path, 'init', '-q', '-b', 'main')
  commit(path)
  return {
    path,
    doctor: (args = ['--offline'], env = {}) => open('cli', ['doctor', ...args], path, env),
    async findings({ fix = false, offline = true, env = {} } = {}) {
      const signal = new AbortController().signal
      const evidence = join(path, '.evidence')
      const ports = openPorts({ env, log: silent, root: path, evidence, who: 'ada', signal, onSecret: () => undefined, github: true })
      try {
        const asked = { config: 'launchway.yml', record: join(path, 'none'), fix, offline }
        const report = await doctor(asked, { ...ports, exec: askingOnce(ports.exec) })
        const answer = Answer.parse(JSON.parse(JSON.stringify(report)))
        return { ...answer, said: answer.findings.map(({ severity, rule, what }) => `${severity} ${rule}: ${what}`) }
      } finally {
        ports.close()
      }
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  }
}

const versions = new Map<string, ReturnType<Exec['run']>>()

/** Which tools this machine has does not change from one test to the next; a process of its own asks anew. */
function askingOnce(exec: Exec): Exec {
  return {
    read: exec.read.bind(exec),
    run(command, options) {
      const question = [command.file, ...command.args].join(' ')
      if (!/version/i.test(question)) return exec.run(command, options)
      const answer = versions.get(question) ?? exec.run(command, options)
      versions.set(question, answer)
      return answer
    },
  }
}

const silent: Log = {
  info: () => undefined,
  debug: () => undefined,
  notice: () => undefined,
  warning: () => undefined,
  error: () => undefined,
  stage: () => ({ ...silent, end: () => undefined }),
}

describe('doctor at a terminal', () => {
  test.each(['addie', 'hello'])('finds no error in the example %s, once its workflows say which launchway they run', async (name) => {
    await using folder = await openFolder()
    cpSync(join(import.meta.dirname, '../../examples', name), folder.path, { recursive: true })
    for (const path of globSync('.github/workflows/*.yml', { cwd: folder.path })) {
      const text = readFileSync(join(folder.path, path), 'utf8')
      writeFileSync(join(folder.path, path), text.replaceAll('OWNER/', 'acme/').replaceAll('@COMMIT', `@${'a'.repeat(40)}`))
    }
    git(folder.path, 'init', '-q', '-b', 'master')
    commit(folder.path)
    const { code, out } = open('cli', ['doctor', '--offline'], folder.path)
    expect(out).not.toContain('error: ')
    expect(out).toMatch(/checks were not made\n$/)
    expect(code).toBe(0)
  })

  test('tells every problem of launchway.yml with its line, and looks at the machine all the same', async () => {
    await using folder = await tree({ 'launchway.yml': 'imag: ghcr.io/team/app\nbranches: { main: nowhere }\n' })
    const { code, out } = folder.doctor(['--offline', '--json'], { PATH: join(folder.path, 'none') })
    expect(code).toBe(1)
    const { findings, skipped } = Answer.parse(JSON.parse(out))
    const invalid = findings.filter(({ rule }) => rule === 'configuration-invalid')
    expect(invalid.map(({ where }) => where)).toEqual([{ file: 'launchway.yml', line: 1, column: 1 }])
    expect(invalid[0]?.what).toContain('did you mean "image"?')
    expect(findings.map(({ rule, where }) => [rule, where['tool']])).toEqual(
      expect.arrayContaining([
        ['tool-missing', 'docker'],
        ['tool-missing', 'git'],
      ]),
    )
    expect(skipped).toEqual([{ check: 'everything that launchway.yml names', reason: 'it has to be mended first' }])
  })

  test('mends line ends, the mode of a script and .dockerignore when it is told to, says so, and leaves links and the rest alone', async () => {
    const script = '#!/bin/sh\r\n# caf\u00E9\r\nexec gunicorn -b :5000 run:app\r\n'
    await using folder = await tree({
      Dockerfile: 'FROM python:3.12\nCOPY . .\nCMD ["./start.sh"]\n',
      'start.sh': script,
      '.dockerignore': '.git\nlaunchway.yml',
      '.env': 'SECRET_KEY=abc\n',
    })
    await using outside = await openFolder()
    writeFileSync(join(outside.path, 'far.sh'), script)
    symlinkSync(join(outside.path, 'far.sh'), join(folder.path, 'far.sh'))
    chmodSync(join(folder.path, 'start.sh'), 0o640)
    expect((await folder.findings()).findings.filter(({ fixable }) => fixable)).toHaveLength(3)
    const { changes, findings, counts } = await folder.findings({ fix: true })
    expect(changes.toSorted()).toEqual(['.dockerignore: added .env', 'start.sh: 3 line ends are LF now', 'start.sh: mode 640 is now 755'])
    expect(findings.filter(({ fixed }) => fixed === true)).toHaveLength(3)
    expect(counts.error).toBe(0)
    expect(readFileSync(join(folder.path, 'start.sh'), 'utf8')).toBe(script.replaceAll('\r', ''))
    expect(statSync(join(folder.path, 'start.sh')).mode & 0o777).toBe(0o755)
    expect(readFileSync(join(folder.path, '.dockerignore'), 'utf8')).toBe('.git\nlaunchway.yml\n.env\n')
    expect(readFileSync(join(outside.path, 'far.sh'), 'utf8')).toBe(script)
    expect((await folder.findings({ fix: true })).changes).toEqual([])
  })
})

describe('doctor has compose read its files', () => {
  test('and names every variable that nobody gives, by its line, and what compose refuses besides', async () => {
    await using folder = await tree({
      'compose.yaml':
        'services:\n  app:\n    build: .\n    # ${OLD:?}\n    environment:\n      A: ${DB_PASSWORD:?is needed}\n      B: ${TITLE}\n      C: ${GIVEN} $$NOT ${WITH:-x} ${FROM_FILE}\n    ports: ["${PORT:?}:5000"]\n    depends_on: [cache]\n',
      // The mark is what editors of Windows begin a file with, and compose does not take for a part of the name.
      '.env': '\uFEFFFROM_FILE=1\n',
    })
    const { said, findings, counts } = await folder.findings({ env: { GIVEN: 'y' } })
    expect(said.filter((line) => line.includes(' compose-')).toSorted()).toEqual([
      'error compose-invalid: docker compose cannot read compose.yaml',
      'error compose-variable: DB_PASSWORD is required and has no value here',
      'error compose-variable: PORT is required and has no value here',
      'warning compose-variable: TITLE has no value here, and counts as empty',
    ])
    const places = findings.filter(({ rule }) => rule === 'compose-variable').map(({ where }) => where['line'])
    expect(places.toSorted()).toEqual([6, 7, 9])
    expect(findings.find(({ rule }) => rule === 'compose-invalid')).toMatchObject({
      where: { file: 'compose.yaml', line: 10, column: 5 },
      fix: expect.stringContaining('cache'),
    })
    expect(counts.error).toBe(3)
    // A folder that a variable names is none that compose could miss.
    const mounted = 'services:\n  app:\n    image: shop:1\n    volumes: ["${CONFIG_DIR:?}:/camcops/cfg"]\n'
    await using other = await tree({ 'compose.yaml': mounted })
    const all = (await other.findings()).said.filter((line) => line.includes(' compose-'))
    expect(all).toEqual(['error compose-variable: CONFIG_DIR is required and has no value here'])
  })

  test.each<[words: string, compose: string, line: unknown]>([
    ['foo is not allowed', 'services:\n  app:\n    image: shop:1\n    foo: 1\n', 4],
    ['yaml: ', 'services:\n  app:\n    image: shop:1\n   bad: [\n', 4],
    ['undefined volume data', 'services:\n  app:\n    image: shop:1\n    volumes: ["data:/x"]\n', 4],
    ['neither an image', 'services:\n  one: { image: shop:1 }\n  app: {}\n', 3],
    ['gone.env not found', 'services:\n  app:\n    image: shop:1\n    env_file: gone.env\n', 4],
    ['containerPort: abc', 'services:\n  app:\n    image: shop:1\n    ports: ["abc"]\n', 4],
    // A circle begins anywhere.
    [
      'wait for each other',
      'services:\n  b: { image: shop:1, depends_on: [a] }\n  a: { image: shop:1, depends_on: [b] }\n',
      expect.any(Number),
    ],
  ])('and says where the line is that compose does not name: %s', async (words, compose, line) => {
    await using folder = await tree({ 'compose.yaml': compose })
    const found = (await folder.findings()).findings.filter(({ rule }) => rule === 'compose-invalid')
    expect(found).toHaveLength(1)
    expect(`${found[0]?.what} ${found[0]?.fix}`).toContain(words)
    expect(found[0]?.where).toMatchObject({ file: 'compose.yaml', line })
  })

  test('and does not ask about what is not there', async () => {
    await using folder = await tree({ 'launchway.yml': `${plain['launchway.yml']}smoke: { compose: gone.yml }\n` })
    const { findings } = await folder.findings()
    expect(findings.filter(({ topic }) => topic === 'compose').map(({ rule, where }) => [rule, where])).toEqual([
      ['compose-file-missing', { file: 'launchway.yml', line: 3, column: 19 }],
    ])
  })
})

describe('doctor looks at secrets', () => {
  const named = `image: ghcr.io/team/app
scan: false
registries: { ghcr.io: { username: team, password: REGISTRY_TOKEN } }
environments:
  production: { host: h.example.org, port: 1, publish: 80, health: /, secrets: [SECRET_KEY, API_KEY], env-files: [app.env] }
`

  test('that are not there, empty, or end with a newline; no value is shown', async () => {
    await using folder = await tree({ 'launchway.yml': named })
    const env = { GITHUB_ACTIONS: 'true', SECRET_KEY: '', API_KEY: 'the-value-of-it\n', SSH_KEY: 'ssh-ed25519 AAAAC3Nza x@y' }
    const { said, ...answer } = await folder.findings({ env })
    expect(said.filter((line) => !line.includes('known-hosts'))).toEqual([
      'error secret-missing: production needs SECRET_KEY, which is empty here',
      'error secret-missing: ghcr.io needs REGISTRY_TOKEN, which is not set here',
      'error key-unreadable: SSH_KEY holds a public key: the private one is the file without .pub',
      'error env-file: app.env: it is not there',
      'warning secret-line-ends: API_KEY has a newline at its end',
    ])
    expect(JSON.stringify(answer)).not.toContain('the-value-of-it')
  })

  test('that no workflow gives to the step that deploys; an example in a comment is none', async () => {
    const job = (lines: string): string => `on: push\njobs:\n  release:\n    steps:\n      - uses: OWNER/launchway@COMMIT\n${lines}`
    const given = '        env:\n          SECRET_KEY: ${{ secrets.SECRET_KEY }}\n          #  API_KEY: ${{ secrets.API_KEY }}\n'
    const keys = '        with: { ssh-key: "${{ secrets.DEPLOY }}", registry-password: x }\n'
    const found = async (files: Record<string, string>): Promise<string[]> => {
      await using folder = await tree({ 'launchway.yml': named, ...files })
      return (await folder.findings()).said.filter((line) => line.includes('secret-ungiven'))
    }
    expect(await found({ '.github/workflows/push.yml': job(`${keys}${given}`) })).toEqual([
      'warning secret-ungiven: no workflow gives API_KEY',
    ])
    expect(await found({ '.github/workflows/push.yml': job(given.replaceAll('#', '')) })).toEqual([
      'warning secret-ungiven: no workflow gives SSH_KEY',
      'warning secret-ungiven: no workflow gives REGISTRY_TOKEN',
    ])
    expect(await found({ '.github/workflows/test.yml': 'on: push\njobs: {}\n' })).toEqual([])
  })

  test('which somebody at a terminal may have elsewhere: then they are hints', async () => {
    await using folder = await tree({ 'launchway.yml': named })
    const { said } = await folder.findings()
    expect(said).toContain('hint secret-missing: production needs SECRET_KEY, which is not set here')
    expect(said.filter((line) => line.startsWith('error'))).toEqual([])
  })

  test.each([
    [
      'with a passphrase',
      ['-N', 'a passphrase'],
      (key: string) => key,
      /^error key-unreadable: SSH_KEY holds a key with a passphrase, which nobody is there to type$/,
    ],
    [
      'of which a half is missing',
      ['-N', ''],
      (key: string) => key.slice(0, 120),
      /^error key-unreadable: SSH_KEY holds no private key that OpenSSH can read: [^\n]+$/,
    ],
    ['with Windows line ends and without the last one', ['-N', ''], (key: string) => key.trim().replaceAll('\n', '\r\n'), /^$/],
  ])('an SSH key %s', async (_, how, change, fault) => {
    await using folder = await tree({ 'launchway.yml': named })
    const file = join(folder.path, 'k')
    await call('ssh-keygen', ['-q', '-t', 'ed25519', '-f', file, ...how])
    const { said } = await folder.findings({ env: { SSH_KEY: change(readFileSync(file, 'utf8')) } })
    expect(said.filter((line) => line.includes('key-unreadable')).join('\n')).toMatch(fault)
  })
})

describe('doctor asks who is beyond this machine', () => {
  const secure = (of: string): string => {
    const { address, ca } = inject('lab').secureRegistry
    return `image: ${address}/doctor/app\nscan: false\nregistries: { "${address}": { ${of}, ca: ${ca} } }\n`
  }

  test.each([
    ['a login that may push', (): string => inject('lab').secureRegistry.password, undefined],
    ['a login that is refused', (): string => 'not-the-password', 'registry-denied'],
  ])('the registry, with %s', async (_, password, rule) => {
    const { username, address } = inject('lab').secureRegistry
    await using folder = await tree({ 'launchway.yml': secure(`username: ${username}, password: REGISTRY_TOKEN`) })
    const { findings } = await folder.findings({ offline: false, env: { REGISTRY_TOKEN: password() } })
    const found = findings.filter(({ topic }) => topic === 'registry')
    expect(found.map((one) => [one.rule, one.where])).toEqual(rule === undefined ? [] : [[rule, { registry: `${address}/doctor/app` }]])
  })

  test('a registry that nobody is logged in to from here is not asked, and that is said', async () => {
    await using folder = await tree({})
    const { findings, skipped } = await folder.findings({ offline: false })
    expect(findings.filter(({ topic }) => topic === 'registry')).toEqual([])
    expect(skipped).toContainEqual({
      check: 'the right to push to ghcr.io/team/app',
      reason: expect.stringContaining('there is no login for ghcr.io here (docker login ghcr.io)'),
    })
  })

  test('GitHub, whether the token may write deployments', async () => {
    const github = await startLabGitHub({ token: 'ghs_doctor' })
    try {
      await using folder = await tree({
        'launchway.yml': `${plain['launchway.yml']}environments: { production: { host: "deploy@127.0.0.1:1", port: 1, publish: 80, health: / } }\n`,
      })
      const ask = async (token: string): Promise<string[]> => {
        const env = { GITHUB_API_URL: github.url, GITHUB_REPOSITORY: 'team/shop', GITHUB_TOKEN: token }
        return (await folder.findings({ offline: false, env })).said.filter((line) => line.includes('github-'))
      }
      expect(await ask('ghs_doctor')).toEqual([])
      await tell(github, 'permissions', { deployments: 'read' })
      expect(await ask('ghs_doctor')).toEqual(['warning github-deployments: the token may not write deployments'])
      expect(await ask('ghs_old')).toEqual([expect.stringMatching(/^error github-token: GitHub refused to show the repository/)])
    } finally {
      await github.close()
    }
  })
})
