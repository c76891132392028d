import { describe, expect, it } from 'vitest'
import { condensed, keepEvidence, lastOf, logOf } from '../../src/smoke/evidence.ts'
import { excerpt } from '../../src/smoke/excerpt.ts'
import type { EngineContainer, Ports } from '../../src/core/ports.ts'
import { redact, Secret } from '../../src/core/secret.ts'
import type { Watch } from '../../src/smoke/watch.ts'
import { fakeFiles } from '../fakes/files.ts'
import { fakeLog } from '../fakes/log.ts'

const frames = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => [
    `  File "/srv/venv/lib/django/part${index}.py", line ${index}, in setup`,
    `    part${index}()`,
  ]).flat()

/** As Python writes an exception that came of another, each with a stack of its own; then the server that was to run it. */
const chained = [
  'Booting worker with pid: 7',
  'Traceback (most recent call last):',
  ...frames(5),
  '  File "/srv/app/settings.py", line 12, in <module>',
  '    DATABASE_URL = os.environ["DATABASE_URL"]',
  "KeyError: 'DATABASE_URL'",
  '',
  'The above exception was the direct cause of the following exception:',
  '',
  'Traceback (most recent call last):',
  ...frames(40),
  'django.core.exceptions.ImproperlyConfigured: the settings cannot be loaded',
  '[8] [INFO] Worker exiting (pid: 7)',
  '[1] [ERROR] Shutting down: Master',
]

describe('what a failure shows of a log', () => {
  it('is all of one that is short', () => {
    const text = Array.from({ length: 60 }, (_, index) => `line ${index}`).join('\n')
    expect(excerpt(text)).toBe(text)
  })

  it('is the end of a long one, and that there is more', () => {
    const lines = Array.from({ length: 200 }, (_, index) => `line ${index}`)
    expect(excerpt(lines.join('\n'))).toBe(['… (140 lines)', ...lines.slice(-60)].join('\n'))
  })

  it('has the cause of a chain of exceptions, where it was raised, and the end', () => {
    const shown = excerpt(chained.join('\n')).split('\n')
    expect(shown.slice(0, 5)).toEqual([
      '… (12 lines)',
      '  File "/srv/app/settings.py", line 12, in <module>',
      '    DATABASE_URL = os.environ["DATABASE_URL"]',
      "KeyError: 'DATABASE_URL'",
      expect.stringMatching(/^… \(\d+ lines\)$/),
    ])
    expect(shown.slice(5)).toEqual(chained.slice(-60))
  })

  it.each([
    [
      'an exception of Python whose name says nothing',
      ['Traceback (most recent call last):', '  File "a.py", line 1', 'app.NoSuchTable: users'],
      'app.NoSuchTable: users',
    ],
    [
      'what an exception says on further lines',
      ['pydantic.ValidationError: 1 error for Settings', 'SECRET_KEY', '  Field required'],
      '  Field required',
    ],
    [
      'a cause of Java',
      ['Caused by: java.net.UnknownHostException: db', '\tat java.net.Socket.connect'],
      'Caused by: java.net.UnknownHostException: db',
    ],
    ['a panic of Go', ['panic: runtime error: no such column', '', 'goroutine 1 [running]:'], 'panic: runtime error: no such column'],
    ['an error of Node', ["Error: Cannot find module 'express'", '    at Module._load'], "Error: Cannot find module 'express'"],
    ['a line of a log', ['2026-11-21 [FATAL] no space left on device'], '2026-11-21 [FATAL] no space left on device'],
  ])('has %s, however much stands after it', (_, cause, wanted) => {
    const after = Array.from({ length: 90 }, (_, index) => `  tearing down ${index}`)
    expect(excerpt(['up', ...cause, '', ...after].join('\n')).split('\n')).toContain(wanted)
  })

  it('has of many errors the last, and the same one once', () => {
    const errors = Array.from({ length: 100 }, (_, index) => [`ERROR number ${index}`, '', 'Error: the same each time', '']).flat()
    const after = Array.from({ length: 60 }, (_, index) => `end ${index}`)
    const shown = excerpt([...errors, ...after].join('\n')).split('\n')
    expect(shown).toContain('ERROR number 99')
    expect(shown).not.toContain('ERROR number 0')
    expect(shown.filter((line) => line === 'Error: the same each time')).toHaveLength(1)
    expect(shown.length).toBeLessThan(100)
  })

  it('is taken of enough lines that the cause is among them', async () => {
    const asked: number[] = []
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nothing else is asked
    const ports = {
      redact: (text: string) => text,
      engine: {
        lastLines: (_: string, { lines }: { lines: number }) => {
          asked.push(lines)
          return Promise.resolve(chained.slice(-lines).join('\n'))
        },
      },
    } as unknown as Ports
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what a log is asked by
    const container = { id: 'web', restarts: 0 } as EngineContainer
    expect(await logOf(container, ports)).toContain("KeyError: 'DATABASE_URL'")
    expect(asked).toEqual([expect.toSatisfy((lines: number) => lines >= 400)])
  })

  it.each([
    ['at once', 3, 50, 'boom'],
    ['long before the engine has noted its start', 3, 350, 'boom'],
    ['nothing', 3, undefined, ''],
    ['nothing, and the life before at its end', 1, 150, ''],
  ])('of one that was restarted is of its last life, where it wrote %s', async (_, restarts, before, expected) => {
    const startedAt = '2026-11-21T10:00:10.000Z'
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nothing else is asked
    const ports = {
      redact: (text: string) => text,
      engine: {
        lastLines: (_id: string, { since = '' }: { since?: string }) =>
          Promise.resolve(before !== undefined && Date.parse(startedAt) - before >= Date.parse(since) ? 'boom' : ''),
      },
    } as unknown as Ports
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what a log is asked by
    expect(await logOf({ id: 'web', restarts, startedAt } as EngineContainer, ports)).toBe(expected)
  })
})

describe('a secret that stands where a text is cut', () => {
  const secret = 'hunter2-correct-horse-battery'
  const files = fakeFiles()
  const seen = {
    containers: () => [{ id: 'web', restarts: 0, labels: { 'com.docker.compose.service': 'web' } }],
    memoryOf: () => undefined,
  }
  const portsWith = (log: string): Ports =>
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nothing else is asked
    ({
      files,
      log: fakeLog(),
      evidence: '/state',
      redact: (text: string) => redact(text, [new Secret(secret)]),
      engine: { lastLines: () => Promise.resolve(log) },
    }) as unknown as Ports
  /** Two pieces of four characters of it, wherever they are. */
  const left = (text: string): boolean => text.includes(secret.slice(0, 4)) || text.includes(secret.slice(-4))

  it('is gone from a long line of what a failure shows', async () => {
    const line = `${'x'.repeat(390)}${secret}`
    expect(left(line.slice(0, 400))).toBe(true)
    expect(condensed(line, portsWith(''))).toBe(`${'x'.repeat(390)}***`)
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what a log is asked by
    expect(await logOf({ id: 'web', restarts: 0 } as EngineContainer, portsWith(line))).toBe(`${'x'.repeat(390)}***`)
  })

  it('is gone where colours, or the first of the last lines, part it', () => {
    const [first, rest] = [secret.slice(0, 6), secret.slice(6)]
    expect(condensed(`a ${first}\u001B[31m${rest}\u001B[0m b`, portsWith(''))).toBe('a *** b')
    expect(left(condensed(`x\n${secret}\ny`, portsWith(''), 2))).toBe(false)
  })

  it('is gone from the end of what compose or a step said', () => {
    expect(lastOf(`${'x'.repeat(390)}${secret}`, portsWith(''))).toBe(`${'x'.repeat(390)}***`)
  })

  it('is gone from a log that is kept', async () => {
    const log = `${secret}${'x'.repeat(1_000_000 - 10)}`
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nothing else is asked
    await keepEvidence(seen as unknown as Watch, portsWith(log))
    expect(left(files.texts['/state/smoke/web.log'] ?? secret)).toBe(false)
  })
})
