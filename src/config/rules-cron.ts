import { parseSchedule } from './schedule.ts'
import type { Breach } from './rules.ts'
import type { EnvironmentConfig } from './schema.ts'
import type { ServiceConfig } from './schema-service.ts'

/** What says nothing of a command that runs at its times and ends, by why. */
const others: Partial<Record<keyof ServiceConfig, string>> = {
  port: 'nobody asks it anything',
  publish: 'nobody asks it anything',
  nginx: 'nobody asks it anything',
  assets: 'nobody asks it anything',
  health: 'how it ended tells whether it is well',
  overlap: 'two runs never overlap',
  restart: 'it is started at its times alone',
}

/** @param cron its times, as they were written */
export function cronBreaches(path: (string | number)[], service: ServiceConfig, cron: string): Breach[] {
  const at = path.join('.')
  const { problem } = parseSchedule(cron)
  const beside = Object.entries(others).filter(([key]) => Object.hasOwn(service, key))
  return [
    ...(problem === undefined ? [] : [{ path: [...path, 'cron'], message: `${at}.cron: ${problem}` }]),
    ...beside.map(([key, why]): Breach => ({
      path: [...path, key],
      onKey: true,
      message: `${at}: ${key} makes no sense beside cron: ${why}`,
    })),
  ]
}

/** The state folder becomes a part of a crontab line, which cron and a shell of the account's choice read. */
export function schedulePathBreaches(name: string, environment: EnvironmentConfig, services: readonly ServiceConfig[]): Breach[] {
  const { state } = environment
  if (state === undefined || /^[\w./-]+$/.test(state) || services.every(({ cron }) => cron === undefined)) return []
  const message = `environments.${name}.state: where a service has cron it must be of letters, digits and . _ - / alone, since it stands in a crontab`
  return [{ path: ['environments', name, 'state'], message }]
}
