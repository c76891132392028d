import { describe, expect, it } from 'vitest'
import { LaunchwayError } from '../../src/core/error.ts'
import type { DeploymentStatus, Log, Ports } from '../../src/core/ports.ts'
import type { DeploySection } from '../../src/core/release.ts'
import { announced, announceReturn } from '../../src/deploy/announce.ts'
import { environment, record, service } from './support/deploy.ts'

describe('the GitHub deployment beside the real one', () => {
  const section: DeploySection = { environment: 'production', hosts: [], ms: 1 }
  const release = { ...record(), plan: { ...record().plan, environment: environment([service()], { url: 'https://addie.example.org' }) } }

  function recorded(refuse = false) {
    const said: string[] = []
    const tell = (word: string): void => {
      said.push(word)
      if (refuse) throw new LaunchwayError('GITHUB_REFUSED', 'GitHub refused', { hint: 'permissions:' })
    }
    const github: Ports['github'] = {
      mayDeploy: async () => true,
      startDeployment: async ({ ref, environment: name }) => (tell(`${name} ${ref}`), 7),
      setDeploymentStatus: async (id: number, { state, url }: DeploymentStatus) => tell([id, state, url].filter(Boolean).join(' ')),
    }
    const warnings: string[] = []
    const infos: string[] = []
    const log: Pick<Log, 'warning' | 'info'> = { warning: (text) => void warnings.push(text), info: (text) => void infos.push(text) }
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the two ports that an announcement uses
    return { said, warnings, infos, ports: { github, log } as Ports }
  }

  it('is begun, and ends with the address', async () => {
    const { said, ports } = recorded()
    expect(await announced(release, ports, async () => section)).toBe(section)
    expect(said).toEqual([`production ${release.plan.sha}`, '7 in_progress', '7 success https://addie.example.org'])
  })

  it('fails with the deploy, whose error stays what it was', async () => {
    const { said, ports } = recorded()
    const error = new LaunchwayError('DEPLOY_ROLLED_BACK', 'web: healthy failed')
    await expect(
      announced(release, ports, async () => {
        throw error
      }),
    ).rejects.toBe(error)
    expect(said.at(-1)).toBe('7 failure')
  })

  it.each([
    new LaunchwayError('DEPLOY_UNKNOWN', 'the connection broke'),
    new LaunchwayError('CANCELLED', 'cancelled by SIGINT'),
    new TypeError('a bug'),
  ])('is in error, not failed, when nobody knows what runs: $message', async (error) => {
    const { said, ports } = recorded()
    await expect(
      announced(release, ports, async () => {
        throw error
      }),
    ).rejects.toBe(error)
    expect(said.at(-1)).toBe('7 error')
  })

  it('does not keep a deploy from happening when GitHub refuses it', async () => {
    const { said, warnings, ports } = recorded(true)
    expect(await announced(release, ports, async () => section)).toBe(section)
    expect(said).toHaveLength(1)
    expect(warnings).toEqual(['GitHub refused\npermissions:'])
  })

  it('is not there without an environment', async () => {
    const { said, ports } = recorded()
    expect(await announced(record(), ports, async () => section)).toBe(section)
    expect(said).toEqual([])
  })

  describe('of a return to a version that the hosts had kept', () => {
    const { environment: where } = release.plan
    const returned = { ...section, release: '20261121-101500-0a1b2c3', version: 'v1.2.3', sha: '0a1b2c3d4e5f60718293a4b5c6d7e8f901234567' }

    it('says which commit is live again', async () => {
      const { said, ports } = recorded()
      await announceReturn(where, returned, ports)
      expect(said).toEqual([`production ${returned.sha}`, '7 success https://addie.example.org'])
    })

    it('fails nothing when GitHub refuses it: the hosts have switched', async () => {
      const { warnings, ports } = recorded(true)
      await announceReturn(where, returned, ports)
      expect(warnings).toEqual(['GitHub refused\npermissions:'])
    })

    it('is not there for a release that was kept without its commit, and says so', async () => {
      const { said, infos, ports } = recorded()
      const { sha: _, ...older } = returned
      await announceReturn(where, older, ports)
      expect([said, infos]).toEqual([[], [expect.stringContaining('do not know the commit of v1.2.3')]])
    })
  })
})
