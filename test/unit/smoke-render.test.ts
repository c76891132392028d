import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { redact, Secret } from '../../src/core/secret.ts'
import { looksSecret } from '../../src/core/secret-names.ts'
import { shownProject } from '../../src/smoke/rendered.ts'
import { fileSecrets, hiding, keptSecrets, secretsOf, stepSecrets } from '../../src/smoke/secrets.ts'
import { envFilesOf, placeOf, readVariables, sourcesOf } from '../../src/tools/compose-sources.ts'
import { ComposeProject } from '../../src/tools/compose.ts'
import { localPorts, temporaryFolder } from './support/ports.ts'

function written(files: Readonly<Record<string, string>>): string {
  const root = temporaryFolder()
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), text)
  }
  return root
}

async function place(variable: string, files: Readonly<Record<string, string>>, compose = ['compose.yml']) {
  const root = written(files)
  return placeOf(variable, await sourcesOf(compose, { files: localPorts(root).ports.files, root }), root)
}

describe('where a variable is asked for', () => {
  const included = {
    'compose.yml': 'include: [sub/a.yml, { path: [sub/b.yml] }]\nservices:\n  web: { extends: { file: base.yml, service: x } }\n',
  }
  it.each<[string, Record<string, string>, object | undefined]>([
    ['in the file itself', { 'compose.yml': 'services:\n  web:\n    image: "x:${V:?no}"\n' }, { file: 'compose.yml', line: 3 }],
    ['where it is needed, before where it has a default', { 'compose.yml': 'a: ${V:-1}\nb: ${V?}\n' }, { file: 'compose.yml', line: 2 }],
    ['in a file that is included', { ...included, 'sub/a.yml': 'services: {}\n# ${V:?}\nx-a: ${V:?}\n' }, { file: 'sub/a.yml', line: 3 }],
    ['in one of several', { ...included, 'sub/b.yml': 'x-a: ${V:?}\n' }, { file: 'sub/b.yml', line: 1 }],
    ['in a file that is extended', { ...included, 'base.yml': 'services:\n  x: { image: "${V}" }\n' }, { file: 'base.yml', line: 2 }],
    ['inside of another', { 'compose.yml': 'a: ${OTHER:-${V:?}}\n' }, { file: 'compose.yml', line: 1 }],
    ['nowhere: it is escaped, or another begins with its name', { 'compose.yml': 'a: $$V $${V:?} ${VX:?} $VX\n' }, undefined],
    ['in a file that is no YAML', { 'compose.yml': ': [\n${V:?}\n' }, { file: 'compose.yml', line: 2 }],
  ])('%s', async (_, files, expected) => {
    expect(await place('V', files)).toEqual(expected)
  })

  it('is found where the way to the file is a variable itself, as far as that is known', async () => {
    const files = {
      'compose.yml': 'include: ["${DIR}/a.yml", "${NONE:-other}/b.yml", "$GONE/c.yml"]\n',
      'sub/a.yml': 'x: ${V:?}\n',
      'other/b.yml': 'x: ${W:?}\n',
    }
    const root = written(files)
    const sources = await sourcesOf(['compose.yml'], {
      files: localPorts(root).ports.files,
      root,
      lookUp: (name) => (name === 'DIR' ? 'sub' : undefined),
    })
    expect(placeOf('V', sources, root)).toEqual({ file: 'sub/a.yml', line: 1 })
    expect(placeOf('W', sources, root)).toEqual({ file: 'other/b.yml', line: 1 })
  })

  it('is found once, though files include each other', async () => {
    const files = { 'compose.yml': 'include: [b.yml]\n', 'b.yml': 'include: [compose.yml, missing.yml]\nx: $V\n' }
    expect(await place('V', files)).toEqual({ file: 'b.yml', line: 2 })
  })
})

describe('files of variables', () => {
  it.each<[string, string, string[]]>([
    ['of services', 'services: { a: { env_file: a.env }, b: { env_file: [b.env, { path: c.env }] }, c: }', ['a.env', 'b.env', 'c.env']],
    ['of what is included: those beside it', 'include: [sub/a.yml, { path: [other/b.yml, c.yml] }]', ['sub/.env', 'other/.env']],
    ['of what is included from elsewhere', 'include: [{ path: sub/a.yml, project_directory: away }]', ['away/.env']],
    [
      'of what is included, by their names',
      'include: [{ path: a.yml, env_file: a.env }, { path: b.yml, env_file: [b.env, c.env] }]',
      ['a.env', 'b.env', 'c.env'],
    ],
    ['are none where there is nothing to read', ': [', []],
  ])('%s', (_, text, expected) => {
    expect(envFilesOf({ path: '/srv/team/compose.yml', text })).toEqual(expected.map((file) => `/srv/team/${file}`))
  })
})

describe('the project that people are shown', () => {
  const file = ComposeProject.parse({
    services: {
      web: {
        image: 'x',
        environment: { DB_PASSWORD: 'abc', API_TOKEN: 'shown-here', LEVEL: 'info', URL: 'redis://u:longpass@h/0', EMPTY_SECRET: '' },
        build: { context: '/srv', args: { NPM_TOKEN: 'def' } },
        command: ['run', '--key', 'longpass'],
      },
    },
    configs: { nginx: { content: 'password = ghi' } },
    secrets: { a: { file: '/srv/a.txt' } },
    volumes: { data: null },
  })
  const known = { TOKEN: 'shown-here' }
  const text = shownProject(
    file,
    new Set(Object.values(known)),
    hiding(secretsOf(file, known), (one) => one),
  )

  it('has no secret, and everything else', () => {
    for (const secret of ['abc', 'def', 'ghi', 'longpass']) expect(text).not.toContain(secret)
    expect(parse(text)).toEqual({
      services: {
        web: {
          image: 'x',
          environment: { DB_PASSWORD: '***', API_TOKEN: 'shown-here', LEVEL: 'info', URL: 'redis://u:***@h/0', EMPTY_SECRET: '' },
          build: { context: '/srv', args: { NPM_TOKEN: '***' } },
          command: ['run', '--key', '***'],
        },
      },
      configs: { nginx: { content: '***' } },
      secrets: { a: { file: '/srv/a.txt' } },
      volumes: { data: null },
    })
  })
})

describe('a secret of the run with a $, which compose writes twice,', () => {
  it('is in no text of what is shown', () => {
    const canary = `canary "$'\\%/+&`
    const file = ComposeProject.parse({
      services: { web: { environment: { ANY: canary.replace('$', '$$$$') }, command: ['cost', '5$$'] } },
    })
    const shown = shownProject(file, new Set(), (one) => redact(one, [new Secret(canary)]))
    expect(parse(shown)).toEqual({ services: { web: { environment: { ANY: '***' }, command: ['cost', '5$$'] } } })
  })
})

describe('what compose hands on as secrets', () => {
  it('is one, whatever its name: what is in the file, and what is in the environment', async () => {
    const root = written({ 'a.txt': 'the content of a\n', 'short.txt': 'pass\n' })
    const { ports } = localPorts(root, { PLAIN_NAME: 'of the environment' })
    const asked: string[] = []
    const secret = (name: string) => {
      asked.push(name)
      return ports.secret(name)
    }
    const secrets = {
      a: { file: join(root, 'a.txt') },
      b: { environment: 'PLAIN_NAME' },
      c: { file: join(root, 'short.txt') },
      d: { file: '/none' },
    }
    const found = await keptSecrets(ComposeProject.parse({ services: {}, secrets }), { files: ports.files, secret })
    expect(found.map((one) => one.reveal())).toEqual(['the content of a'])
    expect(asked).toEqual(['PLAIN_NAME'])
  })
})

describe('what a rendered file shows', () => {
  const hidden = (environment: Record<string, string>, known: Record<string, string> = {}): string =>
    hiding(secretsOf(ComposeProject.parse({ services: { a: { environment } } }), known), (text) => text)(JSON.stringify(environment))

  it.each([
    [{ DB_PASSWORD: 'hunter22' }, 'hunter22'],
    [{ API_TOKEN: 'a$$b$$c$$d' }, 'a$b$c$d'],
    [{ DATABASE_URL: 'postgres://u:s3cr%2Ft@db/x' }, 's3cr%2Ft'],
    [{ BROKER: 'amqp://:longpass@mq' }, 'longpass'],
  ])('is hidden where it looks like a secret: %j', (environment, secret) => {
    const hide = hiding(secretsOf(ComposeProject.parse({ services: { a: { environment } } }), {}), (text) => text)
    expect(hide(`before ${secret} after`)).toBe('before *** after')
  })

  it('stays where it does not, where it is a word of everyday, or where launchway.yml shows it', () => {
    for (const [environment, known] of [
      [{ GREETING: 'hello there' }, {}],
      [{ DB_PASSWORD: 'db' }, {}],
      [{ DB_PASSWORD_FILE: '/run/secrets/db-password' }, {}],
      [{ DB_PASSWORD: 'smoke-only' }, { MYSQL_PASSWORD: 'smoke-only' }],
    ] as const)
      expect(hidden(environment, known)).toBe(JSON.stringify(environment))
  })

  it('never shows a password of a URL, whatever it is made of', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[\w!$&'()*+,;=.~%-]{6,20}$/), (password) => {
        const url = `redis://user:${password}@host:6379/0`
        expect(hidden({ URL: url.replaceAll('$', '$$$$') })).not.toContain(password)
      }),
    )
  })
})

describe('a name', () => {
  it.each([
    'MYSQL_PWD',
    'pgpwd',
    'FERNET_KEY',
    'ENCRYPTION_KEY',
    'APP_KEY',
    'SENTRY_DSN',
    'DSN',
    'DB_PASS',
    'API_TOKEN',
    'STRIPE_API_KEY',
    'PRIVATE_KEY',
  ])('%s is that of a secret', (name) => expect(looksSecret(name)).toBe(true))
  it.each(['PWD', 'OLDPWD', 'PATH', 'PUBLIC_KEY', 'SSH_PUBLIC_KEY', 'PRIMARY_KEY', 'KEYBOARD', 'MONKEY', 'DNS', 'HOME', 'WORDSNAKE'])(
    '%s is that of none',
    (name) => expect(looksSecret(name)).toBe(false),
  )
})

describe('what variables hold that reach the stack without being in its environment', () => {
  const environment = {
    MY_TOKEN: 'tok-of-the-step',
    DATABASE: 'mysql://u:of-a-url@db',
    PWD: '/srv/somewhere',
    NEXT_TOKEN: 'default',
    SHORT_TOKEN: 'short',
    SHOWN_TOKEN: 'in-launchway-yml',
  }
  const known = { A: 'in-launchway-yml' }

  it('is hidden where it is from a file of variables, unless it is a word of everyday', async () => {
    const root = written({ 'smoke.env': '# of the test\nREDIS_PASSWORD="in the file"\nLEVEL=verbose\nPG_PASSWORD=postgres\n' })
    const found = fileSecrets(await readVariables([join(root, 'smoke.env'), join(root, 'none.env')], localPorts(root).ports.files), known)
    expect(found.map((one) => one.reveal())).toEqual(['in the file'])
  })

  it('is hidden also as compose writes it in a command', async () => {
    const root = written({ '.env': "A_TOKEN='a$b-c$d'\n" })
    const found = fileSecrets(await readVariables([join(root, '.env')], localPorts(root).ports.files), {})
    const hide = hiding(found, (text) => text)
    expect(hide('serve --key a$$b-c$$d, and a$b-c$d')).toBe('serve --key ***, and ***')
  })

  it('is hidden where a script finds it in the environment of the step, by whatever name that looks like a secret', () => {
    const found = stepSecrets(known, localPorts(written({}), environment).ports)
    expect(found.map((one) => one.reveal())).toEqual(['tok-of-the-step', 'of-a-url'])
  })
})
