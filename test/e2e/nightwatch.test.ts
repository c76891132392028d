import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { nightwatch } from '../../lab/examples/nightwatch.ts'
import { type Opened, openSystem } from '../../lab/examples/open.ts'
import { newName } from './support/repository.ts'

const lab = inject('lab')

/** Upgrade, verify, confirm, as its document has it. Of the campaign: vitest.config.ts leaves it out of every other run. */
describe('examples/nightwatch, on a host', { timeout: 400_000 }, () => {
  const app = newName('nightwatch')
  let system: Opened
  const released = async (...args: string[]): Promise<string> => {
    const ended = await system.launchway(...args)
    expect(ended, ended.stderr).toMatchObject({ code: 0 })
    return ended.stdout
  }

  beforeAll(async () => {
    system = await openSystem('nightwatch', nightwatch, lab, app)
  })
  afterAll(() => system[Symbol.asyncDispose]())

  it('runs as the owner of the files, without any capability, and serves the nights that lie on the host', async () => {
    await released('run')
    await nightwatch.use(system.site, '1.0.0')
    const names = (await system.site.onHost('docker', 'ps', '--filter', `label=launchway.app=${app}`, '--format', '{{.Names}}')).split('\n')
    const seen = await system.site.onHost('docker', 'inspect', '--format', '{{.Config.User}} {{.HostConfig.CapDrop}}', ...names)
    expect(seen.split('\n')).toEqual(['38305:58102 [ALL]', '38305:58102 [ALL]'])
  })

  it('keeps the old version until somebody has looked at the next one and confirms', async () => {
    await system.commit('The next version', nightwatch.next)
    const load = system.traffic()
    await load.seen('1.0.0')
    await released('run')
    const { failed, failures } = await load.stop()
    expect([failed, Object.fromEntries(failures)]).toEqual([0, {}])
    await nightwatch.use(system.site, '1.1.0')
    expect(await released('status', '--environment', 'production')).toMatch(/confirm/)
    await released('confirm', '--environment', 'production')
    await nightwatch.use(system.site, '1.1.0')
  })

  it('goes back when somebody has looked and aborts', async () => {
    await system.commit('Another version', { 'images/app/version.py': ['1.1.0', '1.1.1'] })
    await released('run')
    await nightwatch.use(system.site, '1.1.1')
    await released('abort', '--environment', 'production')
    await expect(nightwatch.use(system.site, '1.1.0')).resolves.toBeUndefined()
  })

  it('that is broken and was not tested is undone on the host; the old one serves', async () => {
    await system.commit('A broken version', { ...nightwatch.broken, 'images/app/version.py': ['1.1.1', '1.2.0'] })
    const ended = await system.launchway('run')
    expect(ended.code).not.toBe(0)
    expect(ended.stderr).toMatch(/DEPLOY_ROLLED_BACK[\s\S]*__nam__/)
    await nightwatch.use(system.site, '1.1.0')
  })
})
