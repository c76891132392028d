import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config/load.ts'
import { resolveEnvironment } from '../../src/config/resolve.ts'
import { parseSchedule } from '../../src/config/schedule.ts'
import { Service } from '../../src/core/deployment.ts'
import { serviceWarnings } from '../../src/plan/warnings.ts'
import { failureIn } from './support/deploy.ts'

const head = 'image: ghcr.io/team/shop\nenvironments:\n  production:\n'
const config = (text: string): string => `${head}    ${text.replaceAll('\n', '\n    ')}\n`

function serviceIn(text: string, name: string): Service | undefined {
  return resolveEnvironment(loadConfig(config(text), 'launchway.yml'), 'production', undefined)?.services.find((one) => one.name === name)
}

function problems(text: string): string[] {
  return (failureIn(() => loadConfig(config(text), 'launchway.yml')).hint ?? '').split('\n')
}

describe('the times of a scheduled command', () => {
  it.each([
    ['0 3 * * *', '0 3 * * *'],
    ['  05  03 * * 1-5 ', '5 3 * * 1-5'],
    ['*/15 8-18/2 1,15 * *', '*/15 8-18/2 1,15 * *'],
    ['0 0 * JAN-mar mon,Thu', '0 0 * 1-3 1,4'],
    ['0 0 * * 7', '0 0 * * 0'],
    ['0 0 * * fri-sun', '0 0 * * 5,6,0'],
    ['0 0 * * sun-tue', '0 0 * * 0-2'],
    ['0 0 * * 1-7/2', '0 0 * * 1,3,5,0'],
    ['0 0 29 2 *', '0 0 29 2 *'],
    ['0 0 31 2 1', '0 0 31 2 1'],
    ['@hourly', '0 * * * *'],
    ['@daily', '0 0 * * *'],
    ['@weekly', '0 0 * * 0'],
    ['@Monthly', '0 0 1 * *'],
  ])('%j is %j', (text, times) => {
    expect(parseSchedule(text)).toEqual({ times })
  })

  it.each([
    ['', 'must be five fields (minute, hour, day of the month, month, day of the week), such as "0 3 * * *"'],
    ['0 3 * *', 'it has 4'],
    ['0 0 3 * * *', 'it has 6; there is none for seconds or years'],
    ['@reboot', '"@reboot" is none of @hourly, @daily, @weekly, @monthly'],
    ['@every 5m', '"@every 5m" is none of'],
    ['@hourly *', '"@hourly *" is none of'],
    ['60 3 * * *', 'minute "60": must be 0 to 59'],
    ['0 24 * * *', 'hour "24": must be 0 to 23'],
    ['0 0 0 * *', 'day of the month "0": must be 1 to 31'],
    ['0 0 * 13 *', 'month "13": must be 1 to 12, or jan, feb'],
    ['0 0 * * 8', 'day of the week "8": must be 0 to 7, or sun, mon, tue, wed, thu, fri, sat'],
    ['0 0 * * monday', 'day of the week "monday": must be 0 to 7'],
    ['5/15 * * * *', 'minute "5/15": a step needs a range or *: 5-59/15'],
    ['*/0 * * * *', 'minute "*/0": the step must be 1 to 59'],
    ['*/90 * * * *', 'minute "*/90": the step must be 1 to 59'],
    ['0 22-6 * * *', 'hour "22-6": a range goes upwards: 22-23,0-6'],
    ['0 3 L * *', 'day of the month "L": must be 1 to 31'],
    ['0 3 ? * *', 'day of the month "?": cannot be read'],
    ['0 3 * * 1#2', 'day of the week "1#2": cannot be read'],
    ['0,,5 3 * * *', 'minute "": cannot be read'],
    ['0 3 * * *%id', 'cannot be read'],
    ['0 0 30 2 *', '"0 0 30 2 *" never comes: no month of those has such a day'],
    ['0 0 31 4,6 *', 'never comes'],
  ])('%j is refused: %s', (text, problem) => {
    expect(parseSchedule(text).problem).toContain(problem)
  })

  it('whatever is written, what comes out is five fields that the record takes, and comes out of itself', () => {
    const field = fc.oneof(
      fc.constantFrom('*', '*/2', '1-5', '1,2', 'mon', 'sat-sun', '0-7', '7', 'jan', '%', '$(id)', '\n', ';', '`', '1-5/2'),
      fc.string({ maxLength: 4 }),
    )
    fc.assert(
      fc.property(fc.array(field, { minLength: 4, maxLength: 6 }), (parts) => {
        const { times } = parseSchedule(parts.join(' '))
        if (times === undefined) return
        expect(Service.shape.cron.parse(times)).toBe(times)
        expect(parseSchedule(times)).toEqual({ times })
      }),
    )
  })

  it('a record whose times hold anything else is not read', () => {
    for (const cron of ['@daily', '* * * * * id', '* * * * *\n* * * * * id', '0 3 * * *%', '0 3 * * mon'])
      expect(Service.shape.cron.safeParse(cron).success).toBe(false)
  })
})

describe('the key cron', () => {
  it('makes a service that is started at its times and not by the engine', () => {
    const backup = serviceIn('host: h\nservices: { backup: { command: [backup], cron: "@daily", stop-timeout: 5m } }', 'backup')
    expect(backup).toMatchObject({ cron: '0 0 * * *', restart: 'no', stopTimeoutMs: 300_000, command: ['backup'] })
  })

  it('stands in the short form of an environment as well, which is one service', () => {
    expect(serviceIn('host: h\ncommand: [backup]\ncron: 0 3 * * *', 'web')).toMatchObject({ cron: '0 3 * * *' })
  })

  it('what cannot be read is told at its place', () => {
    expect(problems('host: h\nservices:\n  backup:\n    cron: 0 25 * * *')).toEqual([
      'launchway.yml:7:15: environments.production.services.backup.cron: hour "25": must be 0 to 23',
    ])
  })

  it.each(['*/5 * * * *', '* * * * *', '*/5 8-18 * * 1-5', '@daily'])('%s without quotes is told so', (times) => {
    const lines = problems(`host: h\nservices:\n  backup:\n    cron: ${times}`)
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(/^launchway\.yml:7:\d+: YAML reads what begins with \* or @ as something else: cron needs quotes/)
  })

  it.each([
    ['port: 80', 'nobody asks it anything'],
    ['publish: 80', 'nobody asks it anything'],
    ['nginx: { server-name: a.example.org }', 'nobody asks it anything'],
    ['health: /healthz', 'how it ended tells whether it is well'],
    ['overlap: false', 'two runs never overlap'],
    ['restart: always', 'it is started at its times alone'],
  ])('has no %s beside it', (text, why) => {
    const [key = ''] = text.split(':')
    const lines = problems(`host: h\nservices:\n  backup:\n    cron: "@daily"\n    ${text}`)
    expect(lines).toEqual([`launchway.yml:8:9: environments.production.services.backup: ${key} makes no sense beside cron: ${why}`])
  })

  it('wants a state folder that can stand in a crontab', () => {
    expect(problems('host: h\nstate: "/srv/100% ours"\nservices: { backup: { cron: "@daily" } }')[0]).toMatch(
      /^launchway\.yml:5:12: .*state: where a service has cron it must be of letters/,
    )
    expect(serviceIn('host: h\nstate: "/srv/100% ours"\nservices: { web: {} }', 'web')?.cron).toBeUndefined()
    expect(serviceIn('host: h\nstate: /srv/our_state-2.0\nservices: { backup: { cron: "@daily" } }', 'backup')?.cron).toBeDefined()
  })

  it('of several hosts is warned of: it runs on each', () => {
    const text = config('hosts: [a, b]\nservices: { backup: { command: [supercronic], cron: "@daily" }, web: {} }')
    expect(serviceWarnings(loadConfig(text, 'launchway.yml'), 'production')).toEqual([
      'backup has cron, and production has 2 hosts: it runs on each of them at its times.',
    ])
    expect(serviceWarnings(loadConfig(config('host: a\ncron: "@daily"'), 'launchway.yml'), 'production')).toEqual([])
  })
})
