import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { camcops, logIn } from '../../lab/examples/camcops.ts'
import { type Opened, openSystem } from '../../lab/examples/open.ts'
import { newName } from './support/repository.ts'

const lab = inject('lab')

/** Six containers, their database and what a release does to it. Of the campaign: vitest.config.ts leaves it out of every other run. */
describe('examples/camcops, on a host', { timeout: 1_800_000 }, () => {
  const app = newName('camcops')
  let system: Opened
  const released = async (...args: string[]): Promise<string> => {
    const ended = await system.launchway(...args)
    expect(ended, ended.stderr).toMatchObject({ code: 0 })
    return ended.stdout + ended.stderr
  }
  const refused = async (...args: string[]): Promise<string> => {
    const ended = await system.launchway(...args)
    expect(ended.code, ended.stdout).not.toBe(0)
    return ended.stderr
  }
  /** What the database says, asked as its root. */
  const sql = async (words: string): Promise<string> => {
    const command = 'exec mysql --batch --skip-column-names --user root --password="$MYSQL_ROOT_PASSWORD" camcops --execute "$1"'
    const name = `${app}.production.mysql`
    return (await system.site.onHost('docker', 'exec', name, 'sh', '-c', command, 'sh', words)).trim()
  }

  beforeAll(async () => {
    system = await openSystem('camcops', camcops, lab, app)
  }, 600_000)
  afterAll(() => system[Symbol.asyncDispose]())

  it('makes its tables and its superuser, who logs in over HTTPS; a worker does what the scheduler asks for', async () => {
    const said = await released('run')
    expect(said).toMatch(/camcops_release: the database was upgraded from nothing to 0087/)
    expect(said).toMatch(/camcops_release: the superuser admin was made/)
    expect(said).not.toContain(camcops.secrets['CAMCOPS_SUPERUSER_PASSWORD'])
    await camcops.use(system.site, '1.0.0')
  })

  it('goes to the next version without a failed request; the database and the broker are left alone', async () => {
    const since = async (): Promise<string> =>
      system.site.onHost(
        'docker',
        'inspect',
        '--format',
        '{{.Id}} {{.State.StartedAt}}',
        ...['mysql', 'rabbitmq'].map((one) => `${app}.production.${one}`),
      )
    const before = await since()
    await system.commit('The next version', camcops.next)
    const load = system.traffic()
    await load.seen('1.0.0')
    const said = await released('run')
    const { failed, failures } = await load.stop()
    expect([failed, Object.fromEntries(failures)]).toEqual([0, {}])
    expect(said).toMatch(/camcops_release: the database is at 0087, as this version needs it/)
    expect(said).toMatch(/camcops_release: admin is there/)
    expect(await since()).toBe(before)
    await camcops.use(system.site, '1.1.0')
  })

  it('does not upgrade the database where nobody asked for it, and says so; with a word of somebody a backup comes first', async () => {
    // As if the database were that of an earlier CamCOPS: the last step of its schema is taken back.
    const name = (
      await system.site.onHost(
        'docker',
        'ps',
        '--filter',
        `label=launchway.app=${app}`,
        '--filter',
        'label=launchway.service=camcops_server',
        '--format',
        '{{.Names}}',
      )
    ).trim()
    await system.site.onHost(
      'docker',
      'exec',
      name,
      'camcops_server',
      'dev_downgrade_db',
      '--config',
      '/camcops/cfg/camcops.conf',
      '--destination_db_revision',
      '0086',
      '--confirm_downgrade_db',
    )
    expect(await sql('SELECT version_num FROM _alembic_version')).toBe('0086')
    await system.commit('Nobody asks', {
      'launchway.yml': ["CAMCOPS_UPGRADE_DB_TO: '0087'\n    secrets", "CAMCOPS_UPGRADE_DB_TO: '0086'\n    secrets"],
      'server/version.txt': ['1.1.0', '1.1.1'],
    })
    const said = await refused('run')
    expect(said).toMatch(/RELEASE_COMMAND_FAILED[\s\S]*the database is at 0086, and this version needs 0087. Nobody has asked for that/)
    expect(await sql('SELECT version_num FROM _alembic_version')).toBe('0086')
    expect((await system.site.ask('/static/version.txt')).body.trim()).toBe('1.1.0')

    await system.commit('Somebody asks', {
      'launchway.yml': ["CAMCOPS_UPGRADE_DB_TO: '0086'\n    secrets", "CAMCOPS_UPGRADE_DB_TO: '0087'\n    secrets"],
    })
    const upgraded = await released('run')
    expect(upgraded).toMatch(
      /camcops_release: backup \/camcops\/backups\/camcops-0086-\w+\.sql\.gz, \d+ bytes[\s\S]*upgraded from 0086 to 0087/,
    )
    expect(await sql('SELECT version_num FROM _alembic_version')).toBe('0087')
    await camcops.use(system.site, '1.1.1')
  })

  it('with a configuration that listens for nobody else is stopped by its smoke test, in the words of CamCOPS', async () => {
    await system.commit('A mistake of its document', { 'smoke/cfg/camcops.conf': ['HOST = 0.0.0.0', 'HOST = 127.0.0.1'] })
    expect(await refused('run')).toMatch(/SMOKE_UNHEALTHY[\s\S]*Config parameter HOST is '127.0.0.1', but should be '0.0.0.0'/)
    await system.commit('Mended', { 'smoke/cfg/camcops.conf': ['HOST = 127.0.0.1', 'HOST = 0.0.0.0'] })
  })

  it('that is broken and was not tested is undone on the host; the old one serves, and the version before comes back', async () => {
    await system.commit('A broken version', { ...camcops.broken, 'server/version.txt': ['1.1.1', '1.2.0'] })
    expect(await refused('run')).toMatch(/DEPLOY_ROLLED_BACK[\s\S]*serve_cherypy/)
    await camcops.use(system.site, '1.1.1')
    await released('rollback', '--environment', 'production')
    await camcops.use(system.site, '1.1.0')
    expect(await logIn(system.site)).toMatch(/log ?out/i)
  })
})
