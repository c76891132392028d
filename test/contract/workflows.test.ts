import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest'
import { parse } from 'yaml'
import { tools } from '../../lab/paths.ts'
import { bare, git, open, root } from './support/doors.ts'
import { readAction, wrongInWorkflow } from './support/workflow-parser.ts'

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

const examples = globSync('examples/*/.github', { cwd: root }).map((path) => path.split('/')[1] ?? path)

/** What a team with a compose file, two images, secrets and a registry of its own gets. */
const shop = {
  'site/Dockerfile': 'FROM python:3\nEXPOSE 8000\n',
  'worker/Dockerfile': 'FROM python:3\n',
  'compose.yaml':
    'services:\n  site: { build: site, ports: ["80:8000"], environment: { SECRET_KEY: x } }\n  worker: { build: worker, environment: { API_TOKEN: x } }\n',
}

/** Only launchway knows which of them fits: the jobs that deploy ask an output. */
const patterns = `image: ghcr.io/team/shop
branches: { 'a/**': staging, 'a/*': production }
environments:
  staging: { host: 'deploy@127.0.0.1:1', port: 1, publish: 81 }
  production: { host: 'deploy@127.0.0.1:1', port: 1, publish: 80 }
`
const byPatterns = 'init, where patterns overlap'

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
      ...examples.map((name) => [name, `examples/${name}/.github/workflows`] as const),
      ['ours', '.github/workflows'],
    ] as const) {
      const folder = repository(name)
      for (const file of globSync('*.yml', { cwd: join(root, from) })) {
        const text = readFileSync(join(root, from, file), 'utf8').replaceAll(/OWNER\/launchway([\w/]*)@COMMIT/g, pin.replace('@', '$1@'))
        writeFileSync(join(folder, '.github/workflows', file), text)
      }
    }
    for (const [name, image, live] of [
      ['init, for ghcr.io', 'ghcr.io/team/shop', 'push'],
      ['init, for another registry', 'registry.example.org/team/shop', 'tag'],
      ['init, for releases on GitHub', 'ghcr.io/team/shop', 'release'],
      [byPatterns, 'ghcr.io/team/shop', 'push'],
    ] as const) {
      const folder = repository(name)
      for (const [path, text] of Object.entries(shop)) {
        mkdirSync(dirname(join(folder, path)), { recursive: true })
        writeFileSync(join(folder, path), text)
      }
      const answers = [
        '--host',
        'deploy@127.0.0.1:1',
        '--image',
        image,
        '--launchway',
        pin,
        '--url',
        'https://shop.example.org',
        '--live',
        live,
      ]
      if (name === byPatterns) writeFileSync(join(folder, 'launchway.yml'), patterns)
      const { code, err } = open('cli', ['init', '--yes', ...answers], folder)
      if (code !== 0) throw new Error(err)
    }
  })

  const all = [
    'starters',
    ...examples,
    'ours',
    'init, for ghcr.io',
    'init, for another registry',
    'init, for releases on GitHub',
    byPatterns,
  ]

  function files(name: string): { path: string; text: string }[] {
    const found = globSync('.github/workflows/*.yml', { cwd: join(scratch, name) })
    expect(found.length).toBeGreaterThan(0)
    return found.map((path) => ({ path, text: readFileSync(join(scratch, name, path), 'utf8') }))
  }

  it.each(all)("%s: GitHub's own parser finds nothing", async (name) => {
    const said = await Promise.all(files(name).map(({ path, text }) => wrongInWorkflow(path, text)))
    expect(said.flat()).toEqual([])
  })

  const actions = globSync(['action.yml', 'actions/*/action.yml'], { cwd: root })

  it.each(actions)("%s: GitHub's own parser finds nothing", (path) => {
    const text = readFileSync(join(root, path), 'utf8')
    expect(readAction(path, text)).toEqual({ wrong: [], inputs: Object.keys((parse(text) as { inputs: object }).inputs) })
  })

  it.each(all.filter((name) => name !== 'ours'))('%s: what is given to an action of ours is what it takes, as GitHub sees it', (name) => {
    const given = files(name).flatMap(({ text }) =>
      Object.values((parse(text) as Workflow).jobs).flatMap(({ steps }) =>
        steps.flatMap((step) => {
          const [, folder] = /^[\w-]+\/launchway([^@]*)@/.exec(step.uses ?? '') ?? []
          return folder === undefined ? [] : [{ path: join('.', folder, 'action.yml'), inputs: Object.keys(step.with ?? {}) }]
        }),
      ),
    )
    expect(given.map(({ path }) => path)).toContain('action.yml')
    for (const { path, inputs } of given) {
      const taken = readAction(path, readFileSync(join(root, path), 'utf8')).inputs
      expect(inputs.filter((input) => !taken.includes(input))).toEqual([])
    }
  })

  it.each(all)('%s: what a pull request sets off has no secret, and may write nothing', (name) => {
    const proposals = files(name).filter(({ text }) => /^ {2}pull_request:/m.test(text))
    expect(proposals).toHaveLength(1)
    for (const { text } of proposals) {
      expect(text).not.toMatch(/secrets\.|: write\b/)
      // What a workflow does not say of its rights is what the repository says.
      expect(parse(text)).toMatchObject({ permissions: {} })
    }
    expect(files(name).filter(({ text }) => /^ {2}pull_request_target:/m.test(text))).toEqual([])
  })

  it.for(all)('%s: actionlint finds nothing but `queue`, which it does not know yet', (name, context) => {
    need(context, 'actionlint')
    const paths = files(name).map(({ path }) => path)
    expect(ask('actionlint', ['-no-color', '-ignore', unknownYet, ...paths], join(scratch, name))).toEqual({ code: 0, said: '' })
  })

  it.for(all)('%s: zizmor finds nothing', (name, context) => {
    need(context, 'zizmor')
    const { code, said } = ask('zizmor', ['--offline', '--no-progress', '--format', 'plain', '.github/workflows'], join(scratch, name))
    expect({ code, said }).toEqual({ code: 0, said: expect.stringContaining('No findings to report') })
  })

  it('what actionlint does not know is as GitHub has it: the others wait in line, and none is cancelled', () => {
    const queues = all.flatMap((name) =>
      files(name).flatMap(({ text }) => {
        const { concurrency, jobs } = parse(text) as Workflow
        return [concurrency, ...Object.values(jobs).map((job) => job.concurrency)].flatMap((one) => (one?.queue === undefined ? [] : [one]))
      }),
    )
    expect(queues.length).toBeGreaterThan(10)
    expect(queues.filter((one) => one.queue !== 'max' || one['cancel-in-progress'] !== false)).toEqual([])
  })

  const starter = readFileSync(join(root, 'workflows/push.yml'), 'utf8')

  it.each([
    ['a key that there is not', ['timeout-minutes: 45', 'timeout: 45'], "Unexpected value 'timeout'"],
    ['a job that waits for none', ['needs: release', 'needs: releases'], "depends on unknown job 'releases'"],
    [
      'a context that there is not',
      ["if: github.ref == 'refs/heads/main'", "if: githbu.ref == 'refs/heads/main'"],
      "named-value: 'githbu'",
    ],
    ['a secret in a condition', ["if: github.ref == 'refs/heads/main'", 'if: secrets.SSH_KEY'], "named-value: 'secrets'"],
    ['a function that there is not', ['if: always()', 'if: allways()'], "Unrecognized function: 'allways'"],
    ['a right that there is not', ['packages: write', 'package: write'], "Unexpected value 'package'"],
    ['a queue that there is not', ['queue: max', 'queue: all'], "Unexpected value 'all'"],
  ] as const)("GitHub's own parser finds %s", async (_, [from, to], wanted) => {
    expect(starter).toContain(from)
    expect(await wrongInWorkflow('push.yml', starter.replace(from, to))).toContainEqual(expect.stringContaining(wanted))
  })

  it.each([
    ['a runtime that there is not', ['using: node24', 'using: node25'], "'node25'"],
    ['an attribute of an input that there is not', ['description:', 'descripton:'], "'descripton'"],
  ] as const)("GitHub's own parser finds %s in an action.yml", (_, [from, to], wanted) => {
    const text = readFileSync(join(root, 'action.yml'), 'utf8')
    expect(text).toContain(from)
    expect(readAction('action.yml', text.replace(from, to)).wrong).toContainEqual(expect.stringContaining(wanted))
  })

  it('actionlint and zizmor find what is planted', (context) => {
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
  jobs: Record<string, { concurrency?: Concurrency; steps: { uses?: string; with?: Record<string, unknown> }[] }>
}
