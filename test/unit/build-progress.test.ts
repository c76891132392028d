import { describe, expect, test } from 'vitest'
import { groupedLog } from '../../src/adapters/log/stages.ts'
import { followSolve } from '../../src/build/progress.ts'
import { type BuildWarning, solveReader } from '../../src/tools/solve-status.ts'
import { fakeLog } from '../fakes/log.ts'

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const at = (seconds: number): string => `2026-11-22T07:00:${String(seconds).padStart(2, '0')}.000Z`

/** One step as BuildKit tells it. */
interface Step {
  digest: string
  name: string
  started?: string
  completed?: string
  cached?: boolean
  error?: string
}

const known = (vertex: Step): object => ({ vertexes: [vertex] })
const wrote = (vertex: string, text: string): object => ({ logs: [{ vertex, data: base64(text) }] })

/** What is shown of a solve, each line with the group that it stands in. */
function shown(images: string[], documents: object[], print: (one: object) => string = (one) => JSON.stringify(one)) {
  const log = fakeLog()
  const progress = followSolve(images, log.stage('build'))
  for (const document of documents) for (const line of print(document).split('\n')) progress.onLine(line)
  const told = progress.end()
  const lines = log.entries.flatMap((entry) => (entry.kind === 'line' ? [`${entry.of} │ ${entry.text}`] : []))
  return { lines, told, entries: log.entries }
}

const compile = { digest: 'c', name: '[web builder 2/4] RUN make' }
const copy = { digest: 'd', name: '[builder 1/4] FROM scratch' }

describe('one image', () => {
  const documents = [
    known({ digest: 'x', name: '[internal] load build definition from Dockerfile', started: at(1), completed: at(1) }),
    known({ ...copy, cached: true, started: at(1), completed: at(1) }),
    known({ digest: 'c', name: '[builder 2/4] RUN make' }),
    known({ digest: 'c', name: '[builder 2/4] RUN make', started: at(1) }),
    wrote('c', 'one\ntw'),
    wrote('c', 'o\r\nthree'),
    known({ digest: 'c', name: '[builder 2/4] RUN make', started: at(1), completed: at(4) }),
  ]
  const expected = [
    'build │ #1 [builder 1/4] FROM scratch: cached',
    'build │ #2 [builder 2/4] RUN make',
    'build │ #2 one',
    'build │ #2 two',
    'build │ #2 three',
    'build │ #2 done in 3.0 s',
  ]

  test('is shown in the group of the stage, each step with its time', () => {
    expect(shown(['app'], documents).lines).toEqual(expected)
  })

  test('is read the same where a document has several lines, as buildx 0.13 prints it', () => {
    expect(shown(['app'], documents, (one) => JSON.stringify(one, undefined, 2)).lines).toEqual(expected)
  })
})

describe('several images', () => {
  const shared = { digest: 's', name: '[web base 1/2] RUN prepare' }
  const there = { ...shared, name: '[worker base 1/2] RUN prepare' }
  const { lines, entries } = shown(
    ['web', 'worker'],
    [
      known({ digest: 'b', name: '[internal] load local bake definitions', started: at(0), completed: at(0) }),
      known(shared),
      known(there),
      known({ ...shared, started: at(1) }),
      known({ ...there, started: at(1) }),
      wrote('s', 'ready\n'),
      known({ ...there, started: at(1), completed: at(2) }),
      known({ ...shared, started: at(1), completed: at(2) }),
      known({ ...compile, started: at(2) }),
      known({ ...compile, started: at(2), completed: at(3) }),
      known({ digest: 'e', name: '[worker] exporting to image', started: at(3) }),
    ],
  )

  test('have a group each, and the stage says which step begins', () => {
    expect(lines).toEqual([
      'build web │ #1 [base 1/2] RUN prepare',
      'build │ web: [base 1/2] RUN prepare',
      'build worker │ #1 [base 1/2] RUN prepare: shared with web',
      'build web │ #1 ready',
      'build web │ #1 done in 1.0 s',
      'build web │ #2 [builder 2/4] RUN make',
      'build │ web: [builder 2/4] RUN make',
      'build web │ #2 done in 1.0 s',
      'build worker │ #3 exporting to image',
      'build │ worker: exporting to image',
    ])
  })

  test('close their groups', () => {
    expect(entries.flatMap((entry) => (entry.kind === 'close' ? [`${entry.stage}: ${entry.outcome}`] : []))).toEqual([
      'build web: done',
      'build worker: done',
    ])
  })
})

test('of a solve that fails the step to blame is kept, with its last lines, and not those that were ended for it', () => {
  const flood = Array.from({ length: 300 }, (_, index) => `line ${index}`).join('\n')
  const { told, entries } = shown(
    ['web', 'worker'],
    [
      known({ ...compile, started: at(1) }),
      known({ digest: 'o', name: '[worker 1/1] RUN sleep', started: at(1) }),
      wrote('c', flood),
      known({ ...compile, started: at(1), completed: at(2), error: 'exit code: 2' }),
      known({ digest: 'o', name: '[worker 1/1] RUN sleep', started: at(1), completed: at(2), error: 'context canceled' }),
    ],
  )
  expect(told.failed.map(({ step, error, lines }) => [step, error, lines.length, lines.at(-1)])).toEqual([
    ['[builder 2/4] RUN make', 'exit code: 2', 200, 'line 299'],
  ])
  expect(entries.flatMap((entry) => (entry.kind === 'close' ? [entry.outcome] : []))).toEqual(['failed', 'done'])
})

describe('the trace of a solve', () => {
  function read(lines: string[]): { texts: string[]; warnings: BuildWarning[] } {
    const found: { texts: string[]; warnings: BuildWarning[] } = { texts: [], warnings: [] }
    const reader = solveReader({
      vertex: () => undefined,
      log: () => undefined,
      warning: (one) => void found.warnings.push(one),
      text: (line) => void found.texts.push(line),
    })
    for (const line of lines) reader(line)
    return found
  }

  test('gives what is no document as it is', () => {
    expect(read(['{"vertexes":null}', 'Dockerfile:4', '{', '}', '{ broken }', 'ERROR: failed']).texts).toEqual([
      'Dockerfile:4',
      '{ broken }',
      'ERROR: failed',
    ])
  })

  test('says where in the Dockerfile a warning belongs', () => {
    const warning = {
      vertex: 'x',
      short: base64('StageNameCasing: x (line 1)'),
      url: 'https://example.org/rule',
      sourceInfo: { filename: 'Dockerfile', data: base64('FROM scratch AS Base\n') },
      range: [{ start: { line: 1 }, end: { line: 1 } }],
    }
    expect(read([JSON.stringify({ warnings: [warning] })]).warnings).toEqual([
      {
        text: 'StageNameCasing: x (line 1)',
        url: 'https://example.org/rule',
        file: 'Dockerfile',
        source: 'FROM scratch AS Base\n',
        line: 1,
      },
    ])
  })
})

test('an image may be called like a stage: in the log of a workflow all groups are there, each closed', () => {
  const lines: string[] = []
  const log = groupedLog((entry) => {
    if (entry.kind === 'line') lines.push(entry.text)
    if (entry.kind === 'open' || entry.kind === 'close') lines.push(`${entry.kind} ${entry.stage}`)
  })
  const stage = log.stage('build')
  const progress = followSolve(['build', 'web'], stage)
  for (const document of [
    known({ digest: 'a', name: '[build 1/1] RUN a', cached: true }),
    known({ digest: 'b', name: '[web 1/1] RUN b', cached: true }),
  ])
    progress.onLine(JSON.stringify(document))
  progress.end()
  stage.end('done')
  log.stage('upload').end('done')
  expect(lines).toEqual([
    'open build',
    'close build',
    'open build build',
    '#1 [1/1] RUN a: cached',
    'close build build',
    'open build web',
    '#2 [1/1] RUN b: cached',
    'close build web',
    'open upload',
    'close upload',
  ])
})
