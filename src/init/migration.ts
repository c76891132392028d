import type { FileService } from '../tools/compose-file.ts'
import { isDatabase } from './accessories.ts'
import type { Seen } from './seen.ts'

const migrates = /\b(migrate|db upgrade|upgrade_db|alembic upgrade|db:migrate|migrations? deploy)\b/

const commands = {
  django: ['python', 'manage.py', 'migrate', '--noinput'],
  'flask-migrate': ['flask', 'db', 'upgrade'],
  alembic: ['alembic', 'upgrade', 'head'],
}

interface Migration {
  command: string[]
  /** The compose service that does it and nothing else, if there is one. */
  service?: string
}

/**
 * What brings the database to the version of the code, once for a deploy, before the switch: a service of the compose file
 * that others wait for until it has ended, else what the framework has for it, where there is a database.
 */
export function migrationOf({ hints }: Seen, own: readonly FileService[], all: readonly FileService[]): Migration | undefined {
  const ends = new Set(
    all.flatMap(({ needs }) => [...needs].flatMap(([name, how]) => (how === 'service_completed_successfully' ? name : []))),
  )
  const once = own.find(({ name, command, entrypoint }) => ends.has(name) && command !== undefined && entrypoint === undefined)
  if (once?.command !== undefined) return { command: once.command, service: once.name }
  const started = own.some(({ command, entrypoint }) => migrates.test([...(entrypoint ?? []), ...(command ?? [])].join(' ')))
  if (started || !all.some(isDatabase)) return undefined
  return hints.migration === undefined ? undefined : { command: commands[hints.migration] }
}
