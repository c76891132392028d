import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { docker } from '../../lab/run.ts'
import { smokeLabels } from '../../src/core/names.ts'
import { bare, through } from './support/doors.ts'
import { eventually } from './support/processes.ts'
import { app, compose, leftovers, recordedTree, repository, smokeTest, web, withImage } from './support/smoke.ts'

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

  /** What there is beside what other work on this machine may make: all that has a name of this application. */
  async function engine(): Promise<string[]> {
    const found = await Promise.all([
      docker('ps', '--all', '--format', '{{.Names}}'),
      docker('network', 'ls', '--format', '{{.Name}}'),
      docker('volume', 'ls', '--format', '{{.Name}}'),
      docker('image', 'ls', '--all', '--format', '{{.Repository}}:{{.Tag}}'),
    ])
    // Images of one second are listed in any order.
    return found
      .flatMap((lines) => lines.split('\n'))
      .filter((line) => line.includes(app))
      .toSorted()
  }

  it(`(${count}) do not meet, whatever names and ports their file gives, and leave the engine as it was, anonymous volumes and what compose built included`, async () => {
    const server = `web: { image: "${repository}", container_name: ${app}-same, ports: ["18999:8000"] }`
    const helper = `helper: { build: { context: helper, network: none }, volumes: ["/own", "data:/data"], command: [sleep, "1000"] }`
    const files = {
      'compose.yml': `${compose(`${server}\n${helper}`)['compose.yml'] ?? ''}volumes: { data: { name: ${app}-data } }\nnetworks: { default: { name: ${app}-net } }\n`,
      'helper/Dockerfile': `FROM ${repository}-base\nRUN echo ${app} > /told\n`,
    }
    const before = await engine()
    const mounted: Promise<string>[] = []
    const networks: Promise<string>[] = []
    const lookAt = (line: string): void => {
      const asked = ['--no-trunc', '--filter', `name=${app}`, '--format', '{{.Mounts}}']
      if (!line.startsWith('up in')) return
      mounted.push(docker('ps', ...asked))
      networks.push(docker('network', 'ls', '--filter', `name=${app}`, '--format', '{{.Name}}'))
    }
    const runs = await Promise.all(
      Array.from({ length: count }, () => smokeTest({ files, smoke: 'checks: [{ http: "http://web:8000/" }]', onLine: lookAt })),
    )
    expect(runs.map(({ section }) => section.verdict)).toEqual(runs.map(() => 'passed'))
    expect(new Set(runs.map(({ section }) => section.project)).size).toBe(count)
    expect(await engine()).toEqual(before)
    const joined = new Set((await Promise.all(networks)).flatMap((lines) => lines.split('\n')))
    expect(joined).toEqual(new Set(runs.map(({ section }) => `${section.project}_default`)))
    const volumes = (await Promise.all(mounted)).flatMap((lines) => lines.split(/[\n,]/)).filter((name) => name !== '')
    expect(volumes.length).toBeGreaterThanOrEqual(2 * count)
    const left = (await docker('volume', 'ls', '--quiet')).split('\n')
    expect(volumes.filter((name) => left.includes(name))).toEqual([])
    expect(await leftovers()).toEqual([])
  }, 600_000)
})
