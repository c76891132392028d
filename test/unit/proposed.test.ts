import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { startRelease, type Trigger } from '../../src/plan/index.ts'
import { summary } from '../../src/report/index.ts'
import { localPorts, temporaryFolder } from './support/ports.ts'

const config = `image: ghcr.io/team/shop
branches: { main: production, edge: {} }
environments:
  production:
    host: deploy@shop.example.org
    ssh: { known-hosts: known_hosts }
    services:
      web: { port: 5000, publish: 80, health: /, env: { MODE: fast }, secrets: [API_KEY] }
      worker: { command: [work], overlap: false }
    accessories:
      db: { image: 'postgres:15', volumes: ['db:/var/lib/postgresql/data'] }
`
const proposal: Trigger = { event: 'pull_request', sha: 'a'.repeat(40), ref: 'refs/pull/7/merge', pullRequest: 7, base: 'main' }

async function planned(trigger: Trigger) {
  const root = temporaryFolder()
  writeFileSync(join(root, 'launchway.yml'), config)
  return startRelease('launchway.yml', trigger, localPorts(root, { API_KEY: 'canary-key' }).ports)
}

describe('a pull request', () => {
  it('is told what it would put live: each container, and where it would be reached', async () => {
    const { plan } = await planned(proposal)
    expect(plan.environment).toBeUndefined()
    expect(plan.proposed).toEqual({
      environment: 'production',
      at: 'http://shop.example.org',
      containers: [
        { name: 'db', kind: 'accessory', image: 'postgres:15', how: 'keeps its data, and releases leave it alone' },
        {
          ...{ name: 'web', kind: 'service', image: 'app (built here)' },
          how: 'publishes 80:5000; when it is replaced the old one stops first: a port has one holder',
        },
        {
          ...{ name: 'worker', kind: 'service', image: 'app (built here)' },
          how: 'when it is replaced the old one stops first: two must not overlap',
        },
      ],
    })
  })

  it('has it in its summary and its comment, without a value of the environment', async () => {
    const text = summary(await planned(proposal))
    expect(text).toContain('Once this is merged, it goes to production (`http://shop.example.org`):')
    expect(text).toContain('| `worker` | service | `app (built here)` |')
    expect(text).not.toMatch(/canary-key|API_KEY|fast/)
  })

  it.each<[string, Trigger]>([
    ['into a branch that leads nowhere', { ...proposal, base: 'edge' }],
    ['into a branch without a rule', { ...proposal, base: 'other' }],
    ['that is a push', { event: 'push', sha: proposal.sha, ref: 'refs/heads/main' }],
  ])('%s has nothing of it', async (_, trigger) => {
    const release = await planned(trigger)
    expect(release.plan.proposed).toBeUndefined()
    expect(summary(release)).not.toContain('Once this is merged')
  })
})
