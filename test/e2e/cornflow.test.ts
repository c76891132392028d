import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { cornflow } from '../../lab/examples/cornflow.ts'
import { launchway } from '../../lab/examples/launchway.ts'
import { type Opened, openSystem } from '../../lab/examples/open.ts'
import { newName } from './support/repository.ts'

const lab = inject('lab')

/** Airflow, cornflow and their databases, as its document has them. Of the campaign: vitest.config.ts leaves it out of every other run. */
describe('examples/cornflow, on a host', { timeout: 900_000 }, () => {
  const app = newName('cornflow')
  let system: Opened
  const released = async (...args: string[]): Promise<void> => {
    const ended = await system.launchway(...args)
    expect(ended, ended.stderr).toMatchObject({ code: 0 })
  }
  /** Since when the databases run, and the volumes that they write to. */
  const databases = (): Promise<string> => {
    const format = '{{.Id}} {{.State.StartedAt}} {{range .Mounts}}{{.Name}}{{end}}'
    return system.site.onHost('docker', 'inspect', '--format', format, `${app}.production.cornflow_db`, `${app}.production.airflow_db`)
  }
  let before: string

  beforeAll(async () => {
    system = await openSystem('cornflow', cornflow, lab, app)
  })
  afterAll(() => system[Symbol.asyncDispose]())

  it('solves an instance, with every container healthy, and answers what nginx refuses as JSON', async () => {
    await released('run')
    await cornflow.use(system.site, '1.0.0')
    before = await databases()
    expect(before).toMatch(/_postgres_cf_data\n.*_postgres_af_data$/)
    // The limit of launchway.yml is 50 MB: nginx refuses by what the request says of itself.
    const refused = await system.site.ask('/instance/', {}, { json: {}, headers: { 'content-length': '60000000' } })
    expect(JSON.parse(refused.body)).toMatchObject({ error: { code: 413 } })
  })

  it('goes to the next version, of cornflow and of its solver, without a failed request and without touching a database', async () => {
    await system.commit('The next version', cornflow.next)
    const load = system.traffic()
    await load.seen('1.0.0')
    await released('run')
    const { failed, failures } = await load.stop()
    expect([failed, Object.fromEntries(failures)]).toEqual([0, {}])
    await cornflow.use(system.site, '1.1.0')
    expect(await databases()).toBe(before)
  })

  it('is not released with a password of its documents, whoever gives it', async () => {
    const env = {
      ...cornflow.secrets,
      CORNFLOW_ADMIN_PWD: 'Cornflow_admin1234',
      SSH_KEY: readFileSync(lab.key, 'utf8'),
      XDG_STATE_HOME: join(system.site.folder, '../state'),
    }
    await system.commit('Another version', { 'cornflow/version.py': ['1.1.0', '1.1.1'] })
    const ended = await launchway(system.site.folder, ['run'], env)
    expect(ended.code).not.toBe(0)
    expect(ended.stderr).toMatch(/RELEASE_COMMAND_FAILED[\s\S]*CORNFLOW_ADMIN_PWD is a password of cornflow's documents/)
    expect((await system.site.ask('/version')).body.trim()).toBe('1.1.0')
  })

  it('that is broken and was not tested is undone on the host; the old one serves and solves', async () => {
    await system.commit('A broken version', { ...cornflow.broken, 'cornflow/version.py': ['1.1.1', '1.2.0'] })
    const ended = await system.launchway('run')
    expect(ended.code).not.toBe(0)
    expect(ended.stderr).toMatch(/DEPLOY_ROLLED_BACK[\s\S]*creat_app/)
    await cornflow.use(system.site, '1.1.0')
  })

  it('goes back to the version before, with the data of now', async () => {
    await released('rollback', '--environment', 'production')
    await cornflow.use(system.site, '1.0.0')
    expect(await databases()).toBe(before)
  })
})
