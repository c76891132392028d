import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { command, display, each, option, quote } from '../../src/core/command.ts'
import { errorCodes, exitCodeOf, LaunchwayError } from '../../src/core/error.ts'
import { containerName, environmentTag, hostPaths, keyTag, releaseId, ReleaseId } from '../../src/core/names.ts'
import { nearest } from '../../src/core/nearest.ts'
import { apiHost, familiarName, isLoopback, isNamedContext, parseReference, parseRepository, toTag } from '../../src/core/reference.ts'
import { redact, Secret } from '../../src/core/secret.ts'
import { milliseconds, showBytes, showMs } from '../../src/core/units.ts'
import { anyText } from '../support/text.ts'

describe('a command is a value', () => {
  test('nested lists are flattened, false and undefined left out', () => {
    const tags = ['a:1', 'b:2']
    expect(command('docker', ['build', each('--tag', tags), option('--target', undefined), false, ['--pull', ['.']]]).args).toEqual([
      'build',
      '--tag',
      'a:1',
      '--tag',
      'b:2',
      '--pull',
      '.',
    ])
  })

  test.each([
    ['plain-word_1.2:3/4@5%6+7=8,9', 'plain-word_1.2:3/4@5%6+7=8,9'],
    ['', "''"],
    ['two words', "'two words'"],
    ["it's", `'it'\\''s'`],
    ['$(rm -rf /)', "'$(rm -rf /)'"],
    ['a\nb', "'a\nb'"],
  ])('%j is quoted as %s', (word, quoted) => {
    expect(quote(word)).toBe(quoted)
  })

  test('a NUL character is refused', () => {
    expect(() => quote('a\0b')).toThrow(LaunchwayError)
  })

  test('it can be shown as a line to paste', () => {
    expect(display(command('git', ['commit', '-m', 'two words']))).toBe("git commit -m 'two words'")
  })
})

describe('a secret cannot be printed', () => {
  const secret = new Secret('pa$$ word\nline two')

  test.each([
    // eslint-disable-next-line typescript/restrict-template-expressions -- what must not leak is what the rule forbids
    ['a template', `${secret}`],
    ['String()', String(secret)],
    ['JSON', JSON.stringify({ secret })],
    ['console.log', inspect({ deep: { secret } }, { depth: 9, showHidden: true })],
    // eslint-disable-next-line typescript/no-misused-spread -- as above
    ['spreading', JSON.stringify({ ...secret })],
    ['concatenation', ['', secret].join('')],
  ])('through %s', (_, shown) => {
    expect(shown).not.toContain('pa$$')
    expect(shown).not.toContain('line two')
  })

  test('its forms cover each line, base64 and URL encoding, and leave out what would blank the log', () => {
    const forms = new Secret('first line\n1\nsecond&line').forms()
    expect(forms).toEqual(
      expect.arrayContaining(['first line', 'second&line', 'second%26line', Buffer.from('first line').toString('base64')]),
    )
    expect(forms).not.toContain('1')
  })

  test('evidence is redacted in every form', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 4 }).filter((text) => text.trim().length >= 4),
        fc.string(),
        (value, around) => {
          const text = `${around}${value}|${Buffer.from(value).toString('base64')}|${around}`
          expect(redact(text, [new Secret(value)])).not.toContain(`${value}|`)
        },
      ),
    )
  })
})

describe('what others wrote', () => {
  test.each([
    ['a secret that begins as another does', ['hunter2', 'hunter2-and-the-rest'], 'it is hunter2-and-the-rest', 'it is ***'],
    ['a value as it stands in JSON', ['pa"ss\\wo/rd+x'], 'log {"password":"pa\\"ss\\\\wo/rd+x"}', 'log {"password":"***"}'],
    ['a value in an address', ['p@ss word'], 'redis://:p%40ss%20word@db', 'redis://:***@db'],
  ])('is shown without %s', (_, values, text, shown) => {
    expect(
      redact(
        text,
        values.map((value) => new Secret(value)),
      ),
    ).toBe(shown)
  })
})

describe('errors', () => {
  test('an exit code for each code, and 1 for a bug', () => {
    for (const { exit } of Object.values(errorCodes)) expect(exit).toBeGreaterThan(0)
    expect(exitCodeOf(new LaunchwayError('CONFIG_INVALID', ''))).toBe(2)
    expect(exitCodeOf(new LaunchwayError('ROLLBACK_FAILED', ''))).toBe(8)
    expect(exitCodeOf(new Error('bug'))).toBe(1)
  })
})

describe('names', () => {
  test('a release is named by its time and commit, and names sort by time', () => {
    const id = releaseId(new Date('2026-11-21T10:15:00.999Z'), '4f2a9c1d2e')
    expect(id).toBe('20261121-101500-4f2a9c1')
    expect(ReleaseId.safeParse(id).success).toBe(true)
  })

  test('containers, tags and paths', () => {
    expect(containerName({ app: 'addie', environment: 'production', service: 'web', release: '20261121-101500-4f2a9c1' })).toBe(
      'addie.production.web.20261121-101500-4f2a9c1',
    )
    expect(keyTag('0f')).toBe('launchway-0f')
    expect(hostPaths('/var/lib/launchway', 'addie', 'production')).toMatchObject({
      lock: '/var/lib/launchway/addie/production/lock',
      hostLock: '/var/lib/launchway/host.lock',
    })
  })

  test.each([
    ['of an application named after it', 'ghcr.io/team/shop', 'shop', 'launchway-env-production'],
    ['with a dot in its name', 'ghcr.io/team/shop.web', 'shop-web', 'launchway-env-production'],
    ['that others may push to as well', 'ghcr.io/team/all', 'shop', 'launchway-env-shop.production'],
  ])('the record of an environment, in a repository %s', (_, repository, app, tag) => {
    expect(environmentTag({ repository, app, environment: 'production' })).toBe(tag)
  })

  test('no two applications or environments share the tag of a record, which is one that registries take', () => {
    const name = fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,39}$/)
    const one = fc.record({ app: name, environment: name })
    fc.assert(
      fc.property(one, one, name, (a, b, repository) => {
        for (const [first, second] of [
          [a, b],
          [a, { ...b, app: repository }],
          [a, { app: b.environment, environment: a.environment }],
          [{ app: repository, environment: `${a.app}-${a.environment}`.slice(0, 40) }, a],
        ] as const) {
          const [tag, other] = [first, second].map((of) => environmentTag({ ...of, repository: `ghcr.io/team/${repository}` }))
          expect(tag).toMatch(/^[\w][\w.-]{0,127}$/)
          expect(tag === other).toBe(first.app === second.app && first.environment === second.environment)
        }
      }),
    )
  })

  test.each([
    ['addie', 'docker.io', 'library/addie'],
    ['apw247/flask_addie', 'docker.io', 'apw247/flask_addie'],
    ['docker.io/apw247/flask_addie', 'docker.io', 'apw247/flask_addie'],
    ['docker.io/redis', 'docker.io', 'library/redis'],
    ['ghcr.io/team/app', 'ghcr.io', 'team/app'],
    ['127.0.0.1:5000/app', '127.0.0.1:5000', 'app'],
    ['localhost/app', 'localhost', 'app'],
  ])('the repository %s is %s and %s', (name, host, path) => {
    expect(parseRepository(name)).toEqual({ host, path })
  })

  test('Docker Hub answers under another name, and the loopback is known', () => {
    expect(apiHost('docker.io')).toBe('registry-1.docker.io')
    expect(['localhost:1', '127.0.0.1', '127.1.2.3:5000', '[::1]:9'].every(isLoopback)).toBe(true)
    expect(['ghcr.io', '10.0.0.1:5000', 'localhost.example.org'].some(isLoopback)).toBe(false)
  })

  test('any text becomes what a tag may hold, or nothing', () => {
    expect(toTag('feature/a b')).toBe('feature-a-b')
    fc.assert(
      fc.property(anyText(), (text) => {
        const tag = toTag(text)
        expect(tag === '' || /^\w[\w.-]*$/.test(tag)).toBe(true)
      }),
    )
  })
})

describe('the nearest right word', () => {
  test.each([
    ['enviroments', 'environments'],
    ['brnaches', 'branches'],
    ['Image', 'image'],
    ['paln', 'plan'],
    ['zzz', undefined],
  ])('%s → %s', (word, meant) => {
    expect(nearest(word, ['plan', 'image', 'images', 'branches', 'environments'])).toBe(meant)
  })
})

describe('units', () => {
  test.each([
    ['500ms', 500],
    ['30s', 30_000],
    ['5m', 300_000],
    ['2h', 7_200_000],
    ['7d', 604_800_000],
  ])('%s is %i ms', (text, ms) => {
    expect(milliseconds(text)).toBe(ms)
  })

  test('are shown as people read them', () => {
    expect([40, 400, 9_940, 12_300, 125_000].map(showMs)).toEqual(['40 ms', '0.4 s', '9.9 s', '12 s', '2 min 5 s'])
    expect([400_000, 12_300_000, 1_300_000_000].map(showBytes)).toEqual(['0.4 MB', '12 MB', '1.3 GB'])
  })
})

describe('the name of an image', () => {
  const digest = `sha256:${'a'.repeat(64)}`
  test.each([
    ['python', 'python', 'latest', undefined, 'python'],
    ['docker.io/library/python:latest', 'docker.io/library/python', 'latest', undefined, 'python'],
    ['library/python:3.12', 'library/python', '3.12', undefined, 'python:3.12'],
    ['localhost:5000/team/app', 'localhost:5000/team/app', 'latest', undefined, 'localhost:5000/team/app'],
    ['ghcr.io/team/app:1.4', 'ghcr.io/team/app', '1.4', undefined, 'ghcr.io/team/app:1.4'],
    [`team/app@${digest}`, 'team/app', 'latest', digest, `team/app@${digest}`],
    [`localhost:5000/app:2@${digest}`, 'localhost:5000/app', '2', digest, `localhost:5000/app:2@${digest}`],
  ])('%s has a repository, a tag and a digest, and BuildKit calls it as people do', (reference, repository, tag, of, familiar) => {
    expect(parseReference(reference)).toEqual({ repository, tag, digest: of })
    expect(familiarName(reference)).toBe(familiar)
  })

  test('is that of a named context, as it is written or as BuildKit calls it, and not where it has a digest', () => {
    const contexts = { python: 'target:base' }
    expect(['python', 'python:latest', 'docker.io/library/python'].map((one) => isNamedContext(one, contexts))).toEqual([true, true, true])
    expect(['python:3', `python@${digest}`, 'toString'].map((one) => isNamedContext(one, contexts))).toEqual([false, false, false])
    expect(isNamedContext('python')).toBe(false)
  })
})
