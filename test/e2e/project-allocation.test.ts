import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { type Opened, openSystem } from '../../lab/examples/open.ts'
import { call } from '../../lab/run.ts'
import { finished, projectAllocation, queueJob } from '../../lab/examples/project-allocation.ts'
import { named, tagsOf } from './support/host.ts'
import { newName } from './support/repository.ts'

const lab = inject('lab')
const isCampaign = process.env['LAUNCHWAY_CAMPAIGN'] !== undefined

/** From a push to the next version and back, as a team of its own would see it. */
describe('examples/project-allocation, on a host', { timeout: 400_000 }, () => {
  const app = newName('allocation')
  const { 'launchway.yml': off, ...broken } = projectAllocation.broken
  let system: Opened
  let redis: string
  let earlier: string

  const released = async (...args: string[]): Promise<void> => {
    const ended = await system.launchway('run', ...args)
    expect(ended, ended.stderr).toMatchObject({ code: 0 })
  }
  const version = async (): Promise<string> => (await system.site.ask('/api/version')).body.trim()
  /** Container, since when it runs, and the volume that it writes to. */
  const redisNow = async (): Promise<string> => {
    const names = await system.site.onHost(
      'docker',
      'ps',
      '--filter',
      `label=launchway.app=${app}`,
      '--filter',
      'label=launchway.accessory=redis',
      '--format',
      '{{.Names}}',
    )
    return system.site.onHost(
      'docker',
      'inspect',
      '--format',
      '{{.Id}} {{.State.StartedAt}} {{range .Mounts}}{{.Name}} {{end}}',
      names.trim(),
    )
  }

  beforeAll(async () => {
    system = await openSystem('project-allocation', projectAllocation, lab, app)
  })
  afterAll(() => system[Symbol.asyncDispose]())

  it('is built once for three services, tested, scanned, pushed, and does a job that is queued through its page', async () => {
    await released()
    expect(await version()).toBe('1.0.0')
    earlier = await queueJob(system.site)
    expect(await finished(system.site, earlier)).toMatchObject({ allocation: { ada: 'moon', ben: 'mars' }, version: '1.0.0' })
    const images = await system.site.onHost('docker', 'ps', '--filter', `label=launchway.app=${app}`, '--format', '{{.Image}}')
    const ours = images.split('\n').filter((image) => image.includes('/master-image'))
    expect([ours.length, new Set(ours).size]).toEqual([3, 1])
    redis = await redisNow()
    expect(redis).toMatch(/_jobs$/)
  })

  it('goes to the next version without a failed request; a job in flight is finished by the worker that has it, and Redis is left alone', async () => {
    await system.commit('The next version', projectAllocation.next)
    // As a team does whose work is on a branch first: what is then put live under traffic has been built and tested there.
    await call('git', ['-C', system.site.folder, 'branch', 'develop'])
    await released('--ref', 'refs/heads/develop')
    expect(await version()).toBe('1.0.0')
    const load = system.traffic()
    await load.seen('1.0.0')
    const inFlight = await queueJob(system.site, 15)
    await released()
    const { failed, failures, versions } = await load.stop()
    expect([failed, Object.fromEntries(failures)]).toEqual([0, {}])
    expect([...versions.keys()].toSorted()).toEqual(['1.0.0', '1.1.0'])
    expect(await finished(system.site, inFlight)).toMatchObject({ version: '1.0.0' })
    expect(await redisNow()).toBe(redis)
    expect(await finished(system.site, earlier)).toMatchObject({ version: '1.0.0' })
    await projectAllocation.use(system.site, '1.1.0')
  })

  it('that is broken is stopped by its smoke test: no tag moves, no host is touched', async ({ skip }) => {
    skip(!isCampaign, 'part of the campaign')
    const tags = async (): Promise<string[]> => named(await tagsOf(lab.registry.address, `${app}/master-image`))
    const before = await tags()
    await system.commit('A broken version', broken)
    const ended = await system.launchway('run')
    expect(ended.code).not.toBe(0)
    expect(ended.stderr).toMatch(/SMOKE_UNHEALTHY[\s\S]*(conection|Worker failed to boot)/)
    expect(await tags()).toEqual(before)
    expect(await version()).toBe('1.1.0')
  })

  it('that is broken and was not tested is undone on the host, which shows why; the old one serves and does jobs', async () => {
    await system.commit('Without the test', { ...(isCampaign ? {} : broken), 'launchway.yml': off ?? ['', ''] })
    const ended = await system.launchway('run')
    expect(ended.code).not.toBe(0)
    expect(ended.stderr).toMatch(/DEPLOY_ROLLED_BACK[\s\S]*(conection|Worker failed to boot)/)
    await projectAllocation.use(system.site, '1.1.0')
    expect(await redisNow()).toBe(redis)
  })

  it('goes back to the version before, with the jobs of now', async () => {
    const ended = await system.launchway('rollback', '--environment', 'production')
    expect(ended, ended.stderr).toMatchObject({ code: 0 })
    await projectAllocation.use(system.site, '1.0.0')
    expect(await finished(system.site, earlier)).toMatchObject({ version: '1.0.0' })
    expect(await redisNow()).toBe(redis)
  })
})
