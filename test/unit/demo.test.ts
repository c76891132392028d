import { describe, expect, it } from 'vitest'
import { newReader } from '../../lab/demo/reader.ts'

/** A line that a step printed, as act writes it down. */
function printed(text: string): string {
  return JSON.stringify({ level: 'info', raw_output: true, msg: `${text}\n`, step: 'team/launchway@v0' })
}

function told(command: string, fields: Record<string, string>): string {
  return JSON.stringify({ level: 'info', command, msg: `  ⚙  ::${command}::`, ...fields })
}

function shown(...lines: string[]): string[] {
  const reader = newReader()
  return lines.flatMap((line) => reader.read(line))
}

describe('what the demo shows of a workflow', () => {
  it.each([
    ['what a step prints', [printed('deploy: done in 6.0 s')], ['  deploy: done in 6.0 s']],
    ['a stage by its group', [told('group', { arg: 'build' }), told('endgroup', { arg: '' })], ['build']],
    ['the first line of an annotation', [told('error', { arg: 'web was not healthy\nits last lines' })], ['  error: web was not healthy']],
    ['digests by their beginning', [printed(`app@sha256:${'4ac89d216d72'.padEnd(64, '0')}`)], ['  app@sha256:4ac89d216d72…']],
    ['what act itself fails of', [JSON.stringify({ level: 'error', msg: 'no such workflow' })], ['  no such workflow']],
    ['what is not of its log', ['Error: yaml: line 3'], ['Error: yaml: line 3']],
    ['nothing of secrets and outputs', [told('add-mask', { arg: 'hush' }), told('set-output', { name: 'url', arg: 'x' })], []],
    ['nothing of act', [JSON.stringify({ level: 'info', msg: 'LocalRepositoryCache matched' })], []],
    ['no empty lines', ['', printed('')], []],
  ])('is %s', (_, lines, seen) => {
    expect(shown(...lines)).toEqual(seen)
  })

  it('is of a build the lines of the Dockerfile: when they begin to print, and when they end', () => {
    const build = [
      '#1 [internal] load build definition from Dockerfile',
      '#1 done in 0 ms',
      '#5 [stage-0 1/3] FROM docker.io/library/python:3: cached',
      '#6 [stage-0 2/3] RUN apt-get update  && apt-get install -y redis-server',
      '#6 Get:1 bookworm InRelease',
      '#6 Get:2 bookworm-security InRelease',
      '(Reading database ... 5%',
      '#6 done in 7.9 s',
      '#7 [3/3] COPY . .',
      '#7 failed in 1.0 s: no space left on device',
      '#8 exporting to image',
      '#8 done in 0.4 s',
    ]
    expect(shown(...build.map(printed))).toEqual([
      '  [1/3] FROM docker.io/library/python:3  cached',
      '  [2/3] RUN apt-get update && apt-get install -y redis-server …',
      '  [2/3] RUN apt-get update && apt-get install -y redis-server  done in 7.9 s',
      '  [3/3] COPY . . failed in 1.0 s: no space left on device',
    ])
  })

  it('is the summary of the job at its end, and where it answers', () => {
    const reader = newReader()
    reader.read(told('summary', { content: '## addie is live\n' }))
    reader.read(told('set-output', { name: 'url', arg: 'https://addie.example.org' }))
    expect([reader.summary(), reader.outputs.get('url')]).toEqual(['## addie is live\n', 'https://addie.example.org'])
  })
})
