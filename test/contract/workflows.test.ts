import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest'
import { parse } from 'yaml'
import { tools } from '../../lab/paths.ts'
import { bare, git, open, root } from './support/doors.ts'

const pin = `acme/launchway@${'a'.repeat(40)}`

/** GitHub has taken `queue` since 2026; the newest actionlint does not know it: https://github.com/rhysd/actionlint/issues/657 */
const unknownYet = 'unexpected key "queue" for "concurrency"'

/** Set-up installs it, from a package registry: where that was not to be had, a test says so instead of passing. */
function need({ skip }: TestContext, program: string): void {
  if (!existsSync(join(tools, program))) skip(`${program} is not in ${tools}: set-up installs it (npm test)`)
}

function ask(program: string, args: readonly string[], cwd: string): { code: number | null; said: string } {
  const { status, stdout, stderr, error } = spawnSync(join(tools, program), args, { cwd, encoding: 'utf8', env: bare({}) })
  if (error !== undefined) throw error
  return { code: status, said: stdout + stderr }
}

/** What a team with a compose file, two images, secrets and a registry of its own gets. */
const shop = {
  'site/Dockerfile': 'FROM python:3\nEXPOSE 8000\n',
  'worker/Dockerfile': 'FROM python:3\n',
  'compose.yaml':
    'services:\n  site: { build: site, ports: ["80:8000"], environment: { SECRET_KEY: x } }\n  worker: { build: worker, environment: { API_TOKEN: x } }\n',
}

describe('workflows, read by those who know them best', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'launchway-workflows-'))
  afterAll(() => rmSync(scratch, { recursive: true, force: true }))

  /** A folder as a repository has it. */
  function repository(name: string): string {
    const folder = join(scratch, name)
    mkdirSync(join(folder, '.github/workflows'), { recursive: true })
    git(folder, 'init', '-q', '-b', 'main')
    return folder
  }

  beforeAll(() => {
    for (const [name, from] of [
      ['starters', 'workflows'],
      ['addie', 'examples/addie/.github/workflows'],
      ['camcops', 'examples/camcops/.github/workflows'],
      ['ours', '.github/workflows'],
    ] as const) {
      const folder = repository(name)
      for (const file of globSync('*.yml', { cwd: join(root, from) })) {
        const text = readFileSync(join(root, from, file), 'utf8').replaceAll(/OWNER\/launchway([\w/]*)@COMMIT/g, pin.replace('@', '$1@'))
        writeFileSync(join(folder, '.github/workflows', file), text)
      }
    }
    for (const [name, image] of [
      ['init, for ghcr.io', 'ghcr.io/team/shop'],
      ['init, for another registry', 'registry.example.org/team/shop'],
    ] as const) {
      const folder = repository(name)
      for (const [path, text] of Object.entries(shop)) {
        mkdirSync(dirname(join(folder, path)), { recursive: true })
        writeFileSync(join(folder, path), text)
      }
      const answers = ['--host', 'deploy@127.0.0.1:1', '--image', image, '--launchway', pin, '--url', 'https://shop.example.org']
      const { code, err } = open('cli', ['init', '--yes', ...answers], folder)
      if (code !== 0) throw new Error(err)
    }
  })

  const all = ['starters', 'addie', 'camcops', 'ours', 'init, for ghcr.io', 'init, for another registry']

  it.for(all)('%s: actionlint finds nothing', (name, context) => {
    need(context, 'actionlint')
    const files = globSync('.github/workflows/*.yml', { cwd: join(scratch, name) })
    expect(files.length).toBeGreaterThan(0)
    expect(ask('actionlint', ['-no-color', '-ignore', unknownYet, ...files], join(scratch, name))).toEqual({ code: 0, said: '' })
  })

  it.for(all)('%s: zizmor finds nothing', (name, context) => {
    need(context, 'zizmor')
    const { code, said } = ask('zizmor', ['--offline', '--no-progress', '--format', 'plain', '.github/workflows'], join(scratch, name))
    expect({ code, said }).toEqual({ code: 0, said: expect.stringContaining('No findings to report') })
  })

  it('what actionlint does not know is as GitHub has it: the others wait in line, and none is cancelled', () => {
    const queues = all.flatMap((name) =>
      globSync('.github/workflows/*.yml', { cwd: join(scratch, name) }).flatMap((file) => {
        const { concurrency, jobs } = parse(readFileSync(join(scratch, name, file), 'utf8')) as Workflow
        return [concurrency, ...Object.values(jobs).map((job) => job.concurrency)].flatMap((one) => (one?.queue === undefined ? [] : [one]))
      }),
    )
    expect(queues.length).toBeGreaterThan(10)
    expect(queues.filter((one) => one.queue !== 'max' || one['cancel-in-progress'] !== false)).toEqual([])
  })

  it('both find what is planted', (context) => {
    need(context, 'actionlint')
    need(context, 'zizmor')
    const folder = repository('planted')
    cpSync(join(root, 'workflows/push.yml'), join(folder, '.github/workflows/push.yml'))
    const text = readFileSync(join(folder, '.github/workflows/push.yml'), 'utf8')
      .replaceAll('@COMMIT', '@v1')
      .replace('github.sha', 'github.shaa')
    writeFileSync(join(folder, '.github/workflows/push.yml'), text)
    expect(ask('actionlint', ['-no-color', '.github/workflows/push.yml'], folder).said).toContain('property "shaa" is not defined')
    expect(ask('zizmor', ['--offline', '--no-progress', '--format', 'plain', '.github/workflows'], folder).said).toContain('unpinned-uses')
  })
})

interface Concurrency {
  queue?: string
  'cancel-in-progress'?: unknown
}
interface Workflow {
  concurrency?: Concurrency
  jobs: Record<string, { concurrency?: Concurrency }>
}
