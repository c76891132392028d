import { spawn } from 'node:child_process'
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { ask, docker } from '../../lab/run.ts'
import { smokeLabels } from '../../src/core/names.ts'
import { bare, open, scratch, through } from './support/doors.ts'
import { app, base, leftovers, repository, treeOf, withImage } from './support/smoke.ts'

withImage()

const files = {
  'launchway.yml': `
image: ${repository}
branches: { main: {} }
scan: false
smoke:
  prepare: [{ run: worker, command: [sh, -c, "echo once >> /data/prepared"] }]
  checks:
    - { name: page, http: "http://web:8000/", contains: works }
    - { name: note, http: "http://web:8000/notes/one.txt", contains: fine, timeout: 1s }
    - { name: once, exec: worker, command: [sh, -c, "wc -l < /data/prepared"], stdout: "1" }
`,
  'compose.yml': `
services:
  web: { build: ., ports: ["8000:8000"], volumes: ["./notes:/www/notes:ro"], stop_grace_period: 1s }
  worker: { image: "${base}", command: [sleep, "1000"], volumes: ["data:/data"] }
volumes: { data: }
`,
  Dockerfile: `FROM ${base}\nCOPY index.html /www/index.html\n`,
  '.dockerignore': 'notes\nlaunchway.yml\ncompose.yml\n',
  'index.html': 'it works\n',
  'notes/one.txt': 'fine\n',
}

/** As editors do it: the new text under another name, which then takes the place of the old one. */
function save(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(`${path}~`, text)
  renameSync(`${path}~`, path)
}

/** Containers of the stack by service. */
async function containers(): Promise<Map<string, string>> {
  const format = `{{.Label "${smokeLabels.project}"}} {{.Label "com.docker.compose.service"}} {{.ID}}`
  const lines = (await docker('ps', '--filter', `label=${smokeLabels.project}`, '--format', format)).split('\n')
  const own = lines.filter((line) => line.includes(app)).map((line) => line.split(' '))
  return new Map(own.map(([, service = '', id = '']) => [service, id]))
}

it('stays up, tests again what changed and nothing else, outlives what is broken, and leaves nothing', async () => {
  const root = treeOf({ files })
  const env = bare({ XDG_CACHE_HOME: join(root, '../cache'), XDG_STATE_HOME: join(root, '../state') })
  const child = spawn(process.execPath, through('cli', ['smoke', '--watch', '--json']), { cwd: root, env })
  onTestFinished(() => void child.kill('SIGKILL'))
  onTestFinished(async () => {
    const images = (await docker('image', 'ls', '--format', '{{.Repository}}:{{.Tag}}')).split('\n')
    await ask('docker', ['image', 'rm', '--force', ...images.filter((one) => one.startsWith(`${repository}:`))])
  })
  let [said, out] = ['', '']
  child.stderr.on('data', (data: Buffer) => (said += data.toString()))
  child.stdout.on('data', (data: Buffer) => (out += data.toString()))
  const ended = new Promise<number | null>((resolve) => child.on('exit', resolve))
  /** What was said of a round, as soon as the next change is waited for. */
  const round = async (count: number): Promise<string> => {
    await expect.poll(() => said, { timeout: 30_000 }).toMatch(new RegExp(`(waiting for changes[^]*){${count}}`))
    return said.split('waiting for changes')[count - 1] ?? ''
  }

  expect(await round(1)).toMatch(/round 1: passed in .*, 3 checks; the stack is new\n  web: 127\.0\.0\.1:\d+ is its 8000\/tcp/)
  const first = await containers()

  save(join(root, 'index.html'), 'it works again\n')
  expect(await round(2)).toMatch(/index\.html changed\nround 2: passed in .*, 3 checks; made anew: web\n/)
  const second = await containers()
  expect(second.get('worker')).toBe(first.get('worker'))
  expect(second.get('web')).not.toBe(first.get('web'))

  // The folder goes and comes back, and what is in it is not what it was.
  rmSync(join(root, 'notes'), { recursive: true })
  save(join(root, 'notes/one.txt'), 'broken\n')
  expect(await round(3)).toMatch(/SMOKE_CHECK_FAILED: the check "note" failed[^]*round 3: failed/)

  save(join(root, 'notes/one.txt'), 'fine again\n')
  expect(await round(4)).toMatch(/notes\/one\.txt changed\nround 4: passed in .*; made anew: web\n/)

  // Nobody waits for how that would have ended: the page has a minute to be as it should.
  save(join(root, 'index.html'), 'it is not\n')
  await expect.poll(() => said, { timeout: 30_000 }).toMatch(/round 4: [^]*index\.html changed\n$/)
  save(join(root, 'index.html'), 'it works once more\n')
  expect(await round(5)).toMatch(/round 5: cut short [^]*index\.html changed\nround 6: passed in/)

  save(join(root, 'compose.yml'), files['compose.yml'].replace('volumes: { data: }', 'volumes: { data: '))
  expect(await round(6)).toMatch(/compose\.yml changed\nCONFIG_INVALID: [^]*round 7: failed/)
  expect((await containers()).get('worker')).toBe(first.get('worker'))

  child.kill('SIGINT')
  expect(await ended).toBe(2)
  expect(JSON.parse(out)).toMatchObject({
    rounds: ['passed', 'passed', 'failed', 'passed', 'cut short', 'passed', 'failed'].map((verdict) => ({ verdict })),
  })
  expect(await leftovers()).toEqual([])
})

it.each([
  [['--watch', '--keep'], '--watch and --keep do not go together'],
  [['--watch', '--release', 'record.json'], '--watch and --release do not go together'],
  [['--config', 'x.yml'], 'launchway smoke takes --config only with --watch'],
  [['--watch'], 'there is no launchway.yml here'],
])('smoke %j is refused, and nobody waits for a change', (flags, message) => {
  const { code, err } = open('cli', ['smoke', ...flags], scratch)
  expect(code).toBe(2)
  expect(err).toContain(message)
})
