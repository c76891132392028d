import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { cornflowCelery, unwell } from '../../lab/examples/cornflow.ts'
import { type Opened, openSystem } from '../../lab/examples/open.ts'
import { newName } from './support/repository.ts'

const lab = inject('lab')

/** Of the campaign: vitest.config.ts leaves it out of every other run. */
describe('examples/cornflow with workers, on a host', { timeout: 900_000 }, () => {
  const app = newName('workers')
  let system: Opened
  const workers = async (): Promise<string[]> => {
    const words = [
      'docker',
      'ps',
      '--filter',
      `label=launchway.app=${app}`,
      '--filter',
      'name=.celery.worker',
      '--format',
      '{{.ID}} {{.Status}}',
    ]
    return (await system.site.onHost(...words)).split('\n')
  }

  beforeAll(async () => {
    system = await openSystem('cornflow', cornflowCelery, lab, app)
  })
  afterAll(() => system[Symbol.asyncDispose]())

  it('has three workers, one of which solves what is sent, and Flower behind a login', async () => {
    const ended = await system.launchway('run')
    expect(ended, ended.stderr).toMatchObject({ code: 0 })
    await cornflowCelery.use(system.site, '1.0.0')
    expect(await workers()).toHaveLength(3)
    expect((await system.site.ask('/flower/')).status).toBe(401)
    expect((await system.site.ask('/flower/healthcheck')).body).toContain('OK')
  })

  it('whose worker is dead in a container that is up does not go live; the old one solves on', async () => {
    const before = await workers()
    await system.commit('A newer click', {
      'airflow/requirements.txt': ['click==8.1.8', 'click==8.3.0'],
      'launchway.yml': ['smoke:', 'smoke: false\nx-smoke:'],
    })
    const ended = await system.launchway('run')
    expect(ended.code).not.toBe(0)
    expect(ended.stderr).toMatch(/DEPLOY_ROLLED_BACK[\s\S]*worker/)
    expect((await workers()).map((line) => line.split(' ')[0]).toSorted()).toEqual(before.map((line) => line.split(' ')[0]).toSorted())
    expect(await unwell(system.site)).toEqual([])
    await cornflowCelery.use(system.site, '1.0.0')
  })
})
