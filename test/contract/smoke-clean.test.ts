import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { docker } from '../../lab/run.ts'
import { type SecondEngine, startQuietEngine } from '../../lab/second-engine.ts'
import { smokeLabels } from '../../src/core/names.ts'
import { bare, through } from './support/doors.ts'
import { setEnv } from './support/folder.ts'
import { eventually } from './support/processes.ts'
import { app, base, compose, leftovers, recordedTree, reference, repository, smokeTest, web, withImage } from './support/smoke.ts'

const isCampaign = process.env['LAUNCHWAY_CAMPAIGN'] !== undefined

withImage()

describe('a process that is ended', () => {
  /** `launchway smoke` at a terminal, as soon as a container of its stack runs. */
  async function running(): Promise<{ signal: (name: NodeJS.Signals) => void; ended: Promise<number | null> }> {
    const { root, record } = recordedTree({ files: compose(web), smoke: 'checks: [{ http: "http://web:8000/no", timeout: 10m }]' })
    const env = bare({ XDG_CACHE_HOME: join(root, '.cache') })
    const child = spawn(process.execPath, through('cli', ['smoke', '--release', record]), { cwd: root, env, stdio: 'ignore' })
    const ended = new Promise<number | null>((resolve) => child.on('exit', resolve))
    onTestFinished(() => void child.kill('SIGKILL'))
    const filters = ['--filter', `label=${smokeLabels.project}`, '--filter', 'status=running', '--format', '{{.Names}}']
    await eventually(async () => (await docker('ps', ...filters)).includes(app))
    return { signal: (name) => void child.kill(name), ended }
  }

  it.each(['SIGINT', 'SIGTERM'] as const)('by %s leaves nothing', async (name) => {
    const { signal, ended } = await running()
    signal(name)
    expect(await ended).not.toBe(0)
    expect(await leftovers()).toEqual([])
  })

  it('by SIGKILL leaves its stack to the next one, which removes it', async () => {
    const { signal, ended } = await running()
    signal('SIGKILL')
    await ended
    expect(await leftovers()).not.toEqual([])
    await smokeTest({ files: compose(web) })
    expect(await leftovers()).toEqual([])
  })
})

describe('many at once', () => {
  const count = isCampaign ? 20 : 3
  // Nobody else makes or removes anything there.
  let engine: SecondEngine
  beforeAll(async () => {
    engine = await startQuietEngine()
    await engine.load(base)
    await Promise.all([reference, base].map((name) => docker('--host', engine.address, 'tag', base, name)))
  })
  afterAll(() => engine[Symbol.asyncDispose]())

  /** All that there is. */
  async function state(): Promise<Record<string, string[]>> {
    const found = {
      containers: docker('ps', '--all', '--no-trunc', '--format', '{{.ID}} {{.Names}} {{.State}} {{.Networks}}'),
      networks: docker('network', 'ls', '--no-trunc', '--format', '{{.ID}} {{.Name}} {{.Driver}}'),
      volumes: docker('volume', 'ls', '--format', '{{.Name}}'),
      images: docker('image', 'ls', '--all', '--no-trunc', '--format', '{{.ID}} {{.Repository}}:{{.Tag}}'),
    }
    const lines = Object.entries(found).map(async ([kind, text]) => [kind, (await text).split('\n').toSorted()] as const)
    return Object.fromEntries(await Promise.all(lines))
  }

  it(`(${count}) do not meet, whatever names and ports their file gives, and leave the engine as it was: all containers, networks, volumes and images`, async () => {
    using _ = setEnv({ DOCKER_HOST: engine.address, DOCKER_CONTEXT: undefined })
    const name = `${app}-same`
    const files = {
      'compose.yml': `
services:
  web: { image: "${repository}", container_name: ${name}, ports: ["18999:8000"] }
  helper: { build: { context: helper, network: none }, volumes: ["/own", "data:/data"], command: [sleep, "1000"] }
volumes: { data: { name: ${name} } }
networks: { default: { name: ${name} } }
`,
      'helper/Dockerfile': `FROM ${base}\nRUN echo ${app} > /told\n`,
    }
    // Those of others have the very names.
    await docker('network', 'create', name)
    await docker('run', '--detach', '--name', name, '--network', name, '--volume', `${name}:/data`, '--volume', '/own', base)
    const before = await state()
    const during: Promise<Record<string, string[]>>[] = []
    const onLine = (line: string): void => {
      if (line.startsWith('up in')) during.push(state())
    }
    const runs = await Promise.all(
      Array.from({ length: count }, () => smokeTest({ files, smoke: 'checks: [{ http: "http://web:8000/" }]', onLine })),
    )
    expect(runs.map(({ section }) => section.verdict)).toEqual(runs.map(() => 'passed'))
    expect(new Set(runs.map(({ section }) => section.project)).size).toBe(count)
    expect(await state()).toEqual(before)
    // Each of them had all of it for itself.
    const seen = async (kind: string, pattern: RegExp): Promise<number> =>
      new Set((await Promise.all(during)).flatMap((one) => one[kind] ?? []).filter((line) => pattern.test(line))).size
    expect(await seen('networks', /launchway-smoke-\S*_default /)).toBe(count)
    expect(await seen('volumes', /launchway-smoke-\S*_data$/)).toBe(count)
    expect(await seen('volumes', /^[0-9a-f]{64}$/)).toBe(count + 1)
    expect(await seen('images', /launchway-smoke-\S*-helper:/)).toBe(count)
  }, 600_000)
})
