import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { done, oddFolder, place, shells } from './support/crontab-folder.ts'
import { hostile } from '../support/text.ts'
import { first } from '../unit/support/deploy.ts'

const scratch = mkdtempSync(join(tmpdir(), 'launchway-job-'))
afterAll(() => rmSync(scratch, { recursive: true }))

/** What the engine has, as docker ps shows it to job.sh: name, state, release, times. */
const engine = (...containers: string[]): string => containers.join('\n')

/** Every run but the campaign takes one shell; the call that has certbot ask is run by the other. */
const taken = process.env['LAUNCHWAY_CAMPAIGN'] === undefined ? ['busybox'] : shells

describe.each(taken)('what a line of the crontab starts, with %s', (shell) => {
  const now = 'addie.production.backup.now'
  const scheduled = (): ReturnType<typeof place> => {
    const there = place(scratch, shell)
    there.run([['begin'], ['schedule', 'backup', '0 3 * * *'], ...done])
    return there
  }
  let there: ReturnType<typeof place>
  beforeAll(() => {
    there = scheduled()
  })

  it.each<[string, Parameters<ReturnType<typeof place>['fire']>[0], string, string]>([
    ['the container of the current release', { containers: engine(`old exited ${first} 0 3`, `${now} created r2 0 3`) }, `${now}\n`, ''],
    ['nothing while a run is under way', { containers: engine(`${now} running r2 0 3`) }, '', ''],
    ['nothing while a run of another release is', { containers: engine(`old running ${first} 0 3`, `${now} exited r2 0 3`) }, '', ''],
    [
      'nothing while what was kept running before still is',
      { containers: engine(`old running ${first} `, `${now} exited r2 0 3`) },
      '',
      '',
    ],
    [
      'no container that has no times',
      { containers: engine(`${now} exited r2 `) },
      '',
      'was not started: release r2 has no container for it',
    ],
    ['nothing before the first release is recorded', { containers: '', current: '' }, '', ''],
    ['nothing where there is none', { containers: '' }, '', 'was not started: release r2 has no container for it'],
    ['nothing for another account', { containers: engine(`${now} exited r2 0 3`), of: 'somebody' }, '', ''],
    [
      'and tells how it ended',
      { containers: engine(`${now} exited r2 0 3`), code: '3\n' },
      `${now}\n`,
      `ended with exit code 3; what it said: docker logs ${now}`,
    ],
    ['and tells that it could not', { containers: engine(`${now} exited r2 0 3`), fails: 'start' }, '', 'could not be started: no start'],
    ['and tells that the engine does not answer', { containers: '', fails: 'ps' }, '', 'was not started: no ps'],
  ])('%s', (_, has, started, said) => {
    const fired = there.fire({ current: 'r2', ...has })
    expect(fired).toMatchObject({ started, status: said === '' ? 0 : 1 })
    expect(fired.said).toBe(said === '' ? '' : `launchway: backup of addie.production ${said}\n`)
  })

  it('by the way to docker that the deploy had, whatever is in it', () => {
    expect(
      there
        .fire({ containers: engine(`${now} exited r2 0 3`), current: 'r2' })
        .path.split(':')
        .at(-1),
    ).toBe(oddFolder)
  })

  it('a container that somebody has removed, made again with every word of the deploy', () => {
    const host = place(scratch, shell)
    const name = `addie.production.backup.${first}`
    const words = [
      '--label',
      'launchway.cron=0 3 * * *',
      '--env',
      'TOKEN',
      'image',
      'sh',
      '-c',
      hostile.join('\n'),
      "ends with it's\n\n",
      '',
    ]
    host.run([
      ['begin'],
      ['create', 'backup', name, ...words],
      ['join', 'backup', 'second', name, 'backup'],
      ['schedule', 'backup', '0 3 * * *'],
      ...done,
    ])
    writeFileSync(join(host.home, 'releases', first, 'secrets'), "export TOKEN='t0ken'\nexport docker='/nowhere'\n")
    const made = ['create', '--restart', 'no', '--name', name, '--label', 'launchway.accessory=', ...words]
      .map((word) => `<${word}>`)
      .join('')
    expect(host.fire({ containers: '', current: first })).toEqual({
      status: 0,
      said: '',
      started: `${name}\n`,
      path: expect.any(String),
      made: `${made} t0ken\n<network><connect><--alias><backup><second><${name}> \n`,
    })
    const failed = host.fire({ containers: '', current: first, fails: 'create' })
    expect(failed).toMatchObject({ status: 1, started: '' })
    expect(failed.said).toContain('has no container any more, and none could be made: no create')
    // Of another release nothing is known.
    expect(host.fire({ containers: '', current: 'r2' }).said).toContain('release r2 has no container for it')
  })

  it('nothing, and not a word, when the state folder is gone', () => {
    const gone = scheduled()
    rmSync(gone.home, { recursive: true })
    expect(gone.fire({ containers: engine(`${now} exited r2 0 3`) })).toMatchObject({ status: 0, said: '', started: '' })
  })
})
