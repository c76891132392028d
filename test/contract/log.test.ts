import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { processExec } from '../../src/adapters/exec.ts'
import { command } from '../../src/core/command.ts'
import type { Log } from '../../src/core/ports.ts'
import { fakeLog } from '../fakes/log.ts'

const adapters = join(import.meta.dirname, '../../src/adapters/log')

/** Two stages side by side, a word for the whole run, and one stage that comes a second time. */
function tell(log: Log): void {
  log.info('run: begins')
  const [build, scan] = [log.stage('build'), log.stage('scan')]
  scan.info('scan: first')
  build.info('build: first')
  scan.warning('scan: careful')
  build.info('build: second')
  scan.end('scan: clean')
  build.end('build: done')
  const again = log.stage('scan')
  again.info('scan: again')
  again.end('scan: clean again')
  log.info('run: ends')
}

/** What a program prints that tells the story through one of our sinks, on both streams. */
async function printed(imports: string, log: string): Promise<string[]> {
  const program = `${imports}\n(${tell.toString()})(${log})`
  const { stdout, stderr } = await processExec.run(
    command(process.execPath, ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', program], {
      env: { NO_COLOR: '1' },
    }),
  )
  return `${stdout}${stderr}`.trimEnd().split('\n')
}

const grouped = `import { groupedLog, liveLog } from '${adapters}/stages.ts'\n`
const onRunner = (): Promise<string[]> => printed(`${grouped}import { runnerSink } from '${adapters}/runner.ts'`, 'groupedLog(runnerSink)')
const onTerminal = (): Promise<string[]> =>
  printed(
    `${grouped}import { terminalSink } from '${adapters}/terminal.ts'`,
    'liveLog(terminalSink(process.stderr, { debug: false, secrets: () => [] }))',
  )
const inFake = async (): Promise<string[]> => {
  const log = fakeLog()
  tell(log)
  return log.entries.map((entry) => ('text' in entry ? entry.text : 'outcome' in entry ? entry.outcome : ''))
}

describe.each([
  { name: 'on a runner', read: onRunner },
  { name: 'on a terminal', read: onTerminal },
  { name: 'the fake', read: inFake },
])('log: $name', ({ read }) => {
  const of = (lines: readonly string[], stage: string): string[] =>
    lines.flatMap((line) => new RegExp(`${stage}: [a-z][a-z ]*$`).exec(line)?.[0] ?? [])

  it('says everything once, each stage in its own order', async () => {
    const lines = await read()
    expect(of(lines, 'run')).toEqual(['run: begins', 'run: ends'])
    expect(of(lines, 'build')).toEqual(['build: first', 'build: second', 'build: done'])
    expect(of(lines, 'scan')).toEqual(['scan: first', 'scan: careful', 'scan: clean', 'scan: again', 'scan: clean again'])
  })
})

describe('a runner', () => {
  it('shows each stage in a group that is closed before the next', async () => {
    const marks = (await onRunner()).filter((line) => /^::(group|endgroup)::/.test(line))
    expect(marks).toEqual(['::group::build', '::endgroup::', '::group::scan', '::endgroup::', '::group::scan', '::endgroup::'])
  })

  it('shows a line in the group of its own stage', async () => {
    const inside = new Map<string, string>()
    let group = ''
    for (const line of await onRunner()) {
      const [, mark, name = ''] = /^::(group|endgroup)::(.*)$/.exec(line) ?? []
      if (mark === undefined) inside.set(line, group)
      else group = name
    }
    expect(Object.fromEntries([...inside].filter(([line]) => /: (first|second|again)$/.test(line)))).toEqual({
      'build: first': 'build',
      'build: second': 'build',
      'scan: first': 'scan',
      'scan: again': 'scan',
    })
  })
})

describe('standard output on a runner', () => {
  it('keeps every line in its order, also beside a stream that was there before, and before a slow reader', async () => {
    const program = `import { runnerSink } from '${adapters}/runner.ts'
      const line = 'x'.repeat(1_000)
      process.stdout.write('first ' + line + '\\n')
      for (let index = 0; index < 2_000; index++) runnerSink({ kind: 'line', text: index + ' ' + line })`
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let text = ''
    child.stdout.setEncoding('utf8')
    // A pipe holds some 64 kB, and so does what has come of it: whoever writes more has to wait for this reader.
    await once(child.stdout, 'readable')
    await setTimeout(500)
    for await (const chunk of child.stdout) text += String(chunk)
    const numbers = text
      .trimEnd()
      .split('\n')
      .map((line) => line.split(' ')[0])
    expect(numbers).toEqual(['first', ...Array.from({ length: 2_000 }, (_, index) => String(index))])
  })
})

describe('a terminal', () => {
  it('shows each line at once, in the order in which it was said, and which stage says it', async () => {
    const said = (await onTerminal()).filter((line) => /: (first|second)$/.test(line))
    expect(said).toEqual(['scan   │ scan: first', 'build  │ build: first', 'build  │ build: second'])
  })
})
