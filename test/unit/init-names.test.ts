import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { loadConfig } from '../../src/config/load.ts'
import { settingOf } from '../../src/init/setting.ts'
import { workflows } from '../../src/init/workflows.ts'
import { wrongInWorkflow } from '../contract/support/workflow-parser.ts'
import { commit, config, dockerfile, host, repository, run, shop, workflow } from './support/init.ts'
import { runs } from './support/runs.ts'

/** Names as the schema takes them, which YAML reads as something else where they stand bare; now or as it was once. */
const known = [
  '1e3',
  '007',
  '0x1f',
  '0o17',
  '12',
  '1_000',
  'true',
  'false',
  'null',
  'yes',
  'no',
  'on',
  'off',
  'y',
  'n',
  '2026-11-21',
  '0b1',
]
const names = fc.oneof(
  fc.constantFrom(...known),
  fc.stringMatching(/^[0-9][0-9e_x]{0,5}$/),
  fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,39}$/),
)
const secrets = ['NULL', 'true', 'Y', 'SSH_KEY']

const configOf = (environments: readonly string[], url: boolean): string =>
  JSON.stringify({
    image: 'ghcr.io/team/shop',
    branches: Object.fromEntries(environments.map((name, index) => [`b${index}`, name])),
    environments: Object.fromEntries(
      environments.map((name, index) => [
        name,
        {
          host: `h${index}`,
          port: 1,
          secrets,
          ...(url ? { url: 'https://shop.example.org', nginx: {} } : { publish: 80 }),
        },
      ]),
    ),
  })

interface Read {
  on: { workflow_dispatch?: { inputs: { environment: { options: unknown[]; default: unknown } } } }
  jobs: Record<
    string,
    {
      environment?: unknown
      strategy?: { matrix: { environment: unknown[] } }
      steps: { uses?: string; with?: Record<string, unknown>; env?: object }[]
    }
  >
}

/** @returns what is said of environments by name, as YAML has it: without the expressions */
async function namesIn(environments: readonly string[], url: boolean): Promise<unknown[]> {
  const setting = settingOf(loadConfig(configOf(environments, url), 'launchway.yml'), { repository: 'acme/launchway', commit })
  const all = await Promise.all(
    workflows(setting).map(async ({ name, text }) => {
      expect(await wrongInWorkflow(name, text)).toEqual([])
      // GitHub reads YAML 1.2; others read 1.1 still, in which `on` is true, also as a key.
      return (['1.2', '1.1'] as const).flatMap((version) => namesOf(parse(text.replace(/^on:/m, "'on':"), { version }) as Read))
    }),
  )
  return [...new Set(all.flat())].filter((one) => one !== undefined && !(typeof one === 'string' && one.startsWith('${{')))
}

function namesOf({ on, jobs }: Read): unknown[] {
  const input = on.workflow_dispatch?.inputs.environment
  const said = Object.values(jobs).flatMap(({ environment, strategy, steps }) => [
    ...(strategy?.matrix.environment ?? []),
    typeof environment === 'object' ? (environment as { name: unknown }).name : environment,
    ...steps.map((step) => step.with?.['environment']),
    ...steps.flatMap(({ env = {} }) => Object.keys(env)).map((key) => (secrets.includes(key) ? undefined : `a secret ${key}`)),
  ])
  return [...(input?.options ?? []), input?.default, ...said]
}

describe('an environment is called in the workflows as it is in launchway.yml, also to GitHub', () => {
  it.each(known)('%s', async (name) => {
    expect(await namesIn([name], true)).toEqual([name])
  })

  it('whatever names there are', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(names, { minLength: 1, maxLength: 3 }), fc.boolean(), async (given, url) => {
        expect((await namesIn(given, url)).toSorted()).toEqual(given.toSorted())
      }),
      { numRuns: runs(15) },
    )
  })
})

describe('init with an environment of such a name', () => {
  it.each(['1e3', '0x1f', 'true', 'null'])('%s', async (environment) => {
    for (const live of ['push', 'tag']) {
      const folder = repository({ Dockerfile: dockerfile })
      await run(folder, { given: { environment, live } })
      expect(config(folder)).toMatchObject({
        ...(live === 'push' ? { branches: { main: environment } } : { tags: { 'v*': environment } }),
        environments: { [environment]: { host } },
      })
      expect(Object.keys((config(folder) as { environments: object }).environments)).toEqual([environment])
      expect(workflow(folder, 'push.yml').jobs['deploy']).toMatchObject({ environment })
    }
  })

  it('and with services, images and accessories of such names', async () => {
    const text = `services:
  'null': { build: a, ports: ['80:8000'] }
  '1e3': { build: b, command: run }
  'true': { image: 'redis:7' }
`
    const folder = repository({ ...shop, 'compose.yaml': text, 'a/Dockerfile': dockerfile, 'b/Dockerfile': dockerfile })
    await run(folder)
    const made = config(folder) as { images: object; environments: { production: { services: object; accessories: object } } }
    const { services, accessories } = made.environments.production
    expect([made.images, services, accessories].map((one) => Object.keys(one).toSorted())).toEqual([
      ['1e3', 'null'],
      ['1e3', 'null'],
      ['true'],
    ])
  })
})
