import { existsSync, globSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { loadConfig } from '../../src/config/load.ts'
import { resolveSmoke } from '../../src/config/gates.ts'
import { resolveImages } from '../../src/config/resolve-image.ts'
import { resolveEnvironment } from '../../src/config/resolve.ts'
import { resolveScan } from '../../src/config/scan.ts'
import type { Config } from '../../src/config/schema.ts'
import { settingOf } from '../../src/init/setting.ts'
import { workflows } from '../../src/init/workflows.ts'
import { root } from '../../lab/paths.ts'

const folders = globSync('examples/*/launchway.yml', { cwd: root }).map((path) => join(path, '..'))

function read(folder: string, file: string): string {
  return readFileSync(join(root, folder, file), 'utf8')
}

function configOf(folder: string): Config {
  return loadConfig(read(folder, 'launchway.yml'), 'launchway.yml')
}

const Step = z.object({
  uses: z.string(),
  with: z.record(z.string(), z.unknown()).default({}),
  env: z.record(z.string(), z.string()).default({}),
})
const Workflow = z.object({
  on: z.record(z.string(), z.unknown()),
  permissions: z.object({}).strict(),
  jobs: z.record(z.string(), z.object({ steps: z.array(Step) })),
})

/** The steps of a workflow that put something live. */
function deploys(folder: string, file: string): z.infer<typeof Step>[] {
  const { jobs } = Workflow.parse(parse(read(folder, file)))
  const found = Object.values(jobs)
    .flatMap(({ steps }) => steps)
    .filter(({ uses, with: inputs }) => uses.startsWith('OWNER/launchway@') && inputs['until'] === undefined)
  if (found.length === 0) throw new Error(`${folder}/${file} deploys nothing`)
  return found
}

describe.each(folders)('%s', (folder) => {
  const config = configOf(folder)
  const environments = Object.keys(config.environments ?? {}).map((name) => resolveEnvironment(config, name, undefined))

  it('checks only services that its compose file has', () => {
    const smoke = resolveSmoke(config, existsSync(join(root, folder, 'compose.yaml')) ? { compose: 'compose.yaml' } : {})
    if (typeof smoke === 'string') return
    const services = smoke.compose.flatMap((file) =>
      Object.keys(z.object({ services: z.record(z.string(), z.unknown()) }).parse(parse(read(folder, file))).services),
    )
    const asked = smoke.checks.flatMap((check) => (check.kind === 'script' ? [] : [check.service]))
    expect(asked.filter((service) => !services.includes(service))).toEqual([])
  })

  it('gives every secret of its environments to the workflows that deploy', () => {
    const ofServices = environments.flatMap((environment) => environment?.services.flatMap((service) => service.secrets) ?? [])
    const ofProjects = Object.values(config.environments ?? {}).flatMap(({ compose, secrets }) =>
      compose === undefined ? [] : (secrets ?? []),
    )
    // A version that is published on GitHub has a workflow of its own beside that of pushes.
    for (const pattern of ['{push,release}.yml', 'redeploy.yml']) {
      const files = globSync(`.github/workflows/${pattern}`, { cwd: join(root, folder) })
      const given = new Set(files.flatMap((file) => deploys(folder, file)).flatMap(({ env }) => Object.keys(env)))
      expect([files, given]).toEqual([files, new Set([...ofServices, ...ofProjects])])
    }
  })

  it('has launchway pinned as the starters have it, and no rights but those of its jobs', () => {
    for (const file of globSync('.github/workflows/*.yml', { cwd: join(root, folder) })) {
      const starter = read('workflows', file.slice('.github/workflows/'.length))
      const uses = (text: string): Set<string> => new Set([...text.matchAll(/uses: (.*)/g)].map(([, action = '']) => action))
      expect([file, uses(read(folder, file))]).toEqual([file, uses(starter)])
      expect(() => Workflow.parse(parse(read(folder, file)))).not.toThrow()
    }
  })
})

/** What it puts live as a version is published on GitHub; the others push a tag. */
const publishing = 'examples/camcops'

test.each(['examples/project-allocation', 'examples/nightwatch', 'examples/cornflow', publishing])(
  '%s has the workflows that launchway init makes of its launchway.yml',
  (folder) => {
    const pin = { repository: 'OWNER/launchway', commit: 'COMMIT' }
    const made = workflows(settingOf(configOf(folder), pin, 'launchway.yml', folder === publishing))
    expect(globSync('.github/workflows/*', { cwd: join(root, folder) }).toSorted()).toEqual(
      made.map(({ name }) => `.github/workflows/${name}`).toSorted(),
    )
    for (const { name, text } of made) expect(read(folder, `.github/workflows/${name}`), name).toBe(text)
  },
)

test('an image that is built from the whole repository has neither that itself nor its secrets in it', () => {
  // A folder of its own has nothing else.
  const whole = folders.filter((folder) => resolveImages(configOf(folder)).some(({ context }) => context === '.'))
  expect(whole).toContain('examples/addie')
  for (const folder of whole)
    expect(read(folder, '.dockerignore').split('\n'), folder).toEqual(expect.arrayContaining(['.git', '.github', 'launchway.yml']))
})

describe('examples/addie', () => {
  const config = configOf('examples/addie')
  const service = (environment: string) => resolveEnvironment(config, environment, undefined)?.services[0]

  test('production is behind nginx with TLS, development has a port of its own', () => {
    const live = '/etc/letsencrypt/live/addie.example.org'
    expect(service('production')?.nginx).toEqual({
      serverNames: ['addie.example.org'],
      tls: { certificate: `${live}/fullchain.pem`, key: `${live}/privkey.pem` },
    })
    expect(service('production')?.publish).toBeUndefined()
    expect(service('development')).toMatchObject({ port: 5000, publish: '6000' })
  })

  test('a push is built, tested and scanned; only the branches of an environment go there', () => {
    expect(config.branches).toEqual({ master: 'production', docker: {}, docker_dev: 'development' })
    expect(config.tags).toEqual({ 'v*': 'production' })
    expect(resolveSmoke(config, { compose: 'compose.yaml' })).toMatchObject({ env: { SECRET_KEY: 'smoke-only' } })
    expect(resolveScan(config, {})).toMatchObject({ rules: [{ action: 'fail', severity: 'HIGH', fixable: true }] })
    const push = z.object({ push: z.object({ branches: z.array(z.string()), tags: z.array(z.string()) }) })
    const { on } = Workflow.parse(parse(read('examples/addie', '.github/workflows/push.yml')))
    expect(push.parse(on).push).toEqual({ branches: Object.keys(config.branches ?? {}), tags: Object.keys(config.tags ?? {}) })
  })

  test('its start-up script can be executed, and has no CR that would hide its interpreter', () => {
    expect(statSync(join(root, 'examples/addie/startup.sh')).mode & 0o111).toBe(0o111)
    expect(read('examples/addie', 'startup.sh')).toMatch(/^#!\/bin\/bash\n[^\r]*$/)
  })

  test('a changed line of the application installs nothing again', () => {
    const lines = read('examples/addie', 'Dockerfile').split('\n')
    const at = (text: string): number => lines.findIndex((line) => line.includes(text))
    expect(at('COPY requirements.txt')).toBeGreaterThan(0)
    expect(at('pip install -r')).toBeGreaterThan(at('COPY requirements.txt'))
    expect(at('COPY . .')).toBeGreaterThan(at('pip install -r'))
  })
})
