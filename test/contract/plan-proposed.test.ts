import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { startRelease } from '../../src/plan/index.ts'
import { localPorts, temporaryFolder } from '../unit/support/ports.ts'
import { gitInit } from '../unit/support/repository.ts'

const config = `image: ghcr.io/team/shop
branches: { main: production }
smoke: false
environments:
  production: { host: deploy@shop.example.org, compose: compose.yml, secrets: [DB_PASSWORD] }
`

/** The plan of a pull request that has this compose file, where no secret is set. */
async function proposed(compose: string) {
  const root = temporaryFolder()
  gitInit(root)
  writeFileSync(join(root, 'launchway.yml'), config)
  writeFileSync(join(root, 'compose.yml'), compose)
  const { ports, warnings } = localPorts(root)
  const trigger = { event: 'pull_request', sha: 'a'.repeat(40), ref: 'refs/pull/7/merge', pullRequest: 7, base: 'main' } as const
  return { plan: (await startRelease('launchway.yml', trigger, ports)).plan, warnings }
}

describe('a pull request of a compose project', () => {
  it('is told what compose makes of its files, without a secret and without a registry', async () => {
    const { plan } = await proposed(
      'services:\n  web: { build: ., ports: ["8080:5000"], environment: { DB: "x${DB_PASSWORD}" } }\n  cache: { image: "redis:7" }\n',
    )
    expect(plan.proposed).toMatchObject({ environment: 'production', at: 'shop.example.org:8080' })
    expect(plan.proposed?.containers.map(({ name, kind, image }) => [name, kind, image])).toEqual([
      ['cache', 'service', 'redis:7'],
      ['web', 'service', 'app (built here)'],
    ])
  })

  it('that could not be deployed is warned of it, and not refused', async () => {
    const { plan, warnings } = await proposed('services:\n  web: { build: ., network_mode: "service:gone" }\n')
    expect(plan.proposed).toBeUndefined()
    expect(plan.stages.build.run).toBe(true)
    expect(warnings.join('\n')).toContain('once this is merged, production could not be deployed: ')
  })
})
