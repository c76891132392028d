import { resolve } from 'node:path'
import { refusedSecret } from '../core/secret-names.ts'
import type { Environment } from '../core/deployment.ts'
import { LaunchwayError } from '../core/error.ts'
import type { Ports } from '../core/ports.ts'
import type { Secret } from '../core/secret.ts'
import { parseVariables } from '../core/text.ts'

/** By service or accessory: what its files say, and what is composed for it alone, by name. */
export type OwnSecrets = ReadonlyMap<string, ReadonlyMap<string, Secret>>

/** An environment whose files have been read: their names are among the secrets of each service, their values apart. */
interface WithFiles {
  environment: Environment
  own: OwnSecrets
}

/**
 * Reads the env files of an environment, where the deploy runs. A later file wins over an earlier one; `env` and
 * `secrets` win over both.
 * @throws LaunchwayError SECRET_MISSING for files that are not there, CONFIG_INVALID for what no container can be given
 */
export async function withEnvFiles(environment: Environment, ports: Ports): Promise<WithFiles> {
  const owners = [...environment.services, ...environment.accessories]
  const texts = new Map<string, string>()
  const missing: string[] = []
  const unread: string[] = []
  for (const path of new Set(owners.flatMap(({ envFiles }) => envFiles))) {
    try {
      const body = await ports.files.read(resolve(ports.root, path))
      if (body === undefined) missing.push(path)
      else texts.set(path, body.toString())
    } catch (error) {
      const why = unreadable(error)
      if (why === undefined) throw error
      missing.push(path)
      unread.push(`${path} ${why}`)
    }
  }
  if (missing.length > 0) throw withoutFiles(environment.name, owners, missing, unread, ports.root)
  const own = new Map<string, Map<string, Secret>>()
  const plain = new Map<string, Record<string, string>>()
  for (const { name, envFiles, env, secrets } of owners) {
    const found = new Map<string, Secret>()
    for (const path of envFiles) {
      for (const [key, value] of parseEnvFile(texts.get(path) ?? '', path)) {
        if (isAccount(key, value)) plain.set(name, { [key]: value })
        else if (!Object.hasOwn(env, key) && !secrets.includes(key)) found.set(key, ports.conceal(value))
      }
    }
    if (found.size > 0) own.set(name, found)
  }
  const named = <T extends { name: string; env: Record<string, string>; secrets: string[] }>(of: T): T => ({
    ...of,
    env: { ...plain.get(of.name), ...of.env },
    secrets: [...of.secrets, ...(own.get(of.name)?.keys() ?? [])],
  })
  return {
    environment: { ...environment, services: environment.services.map(named), accessories: environment.accessories.map(named) },
    own,
  }
}

/** Files for compose say it often. No shell on the host takes it as a variable, and a number is no secret: docker is given it as it is. */
const isAccount = (name: string, value: string): boolean => name === 'UID' && /^\d+$/.test(value)

/** Why what is there is no file for us; undefined where the file is not to blame. */
export function unreadable(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  // Docker makes a folder of what is mounted from where no file is.
  if (code === 'EISDIR') return 'is a folder'
  return code === 'EACCES' || code === 'EPERM' ? 'may not be read by this account' : undefined
}

/** @param unread of those that are there, why nobody can read them */
function withoutFiles(
  environment: string,
  owners: readonly { name: string; envFiles: readonly string[] }[],
  missing: readonly string[],
  unread: readonly string[],
  root: string,
): LaunchwayError {
  const of = owners.filter(({ envFiles }) => envFiles.some((path) => missing.includes(path))).map(({ name }) => name)
  const what = unread.length === 0 ? 'which is not there' : `which cannot all be read: ${unread.join(', ')}`
  const hint = [
    `env-files of ${of.join(', ')} are read from ${root}, where this runs.`,
    'At a terminal: put the file there.',
    'In a workflow: commit it, or write it in a step before:',
    `  - run: printf '%s' "$ENV_FILE" > ${missing[0]}`,
    '    env:',
    '      ENV_FILE: ${{ secrets.ENV_FILE }}',
  ]
  return new LaunchwayError('SECRET_MISSING', `${environment} needs ${missing.join(', ')}, ${what}`, { hint: hint.join('\n') })
}

/**
 * What a dotenv file says, as node reads it: quotes, values of several lines, `\n` between double quotes; no interpolation.
 * @throws LaunchwayError CONFIG_INVALID for a name that no container can be given; no message repeats a value
 */
export function parseEnvFile(text: string, path: string): Map<string, string> {
  const found = new Map<string, string>()
  for (const [name, value = ''] of Object.entries(parseVariables(text))) {
    const reason = /^[A-Za-z_][A-Za-z0-9_]*$/.test(name)
      ? isAccount(name, value)
        ? undefined
        : refusedSecret(name)
      : 'it must be letters, digits and _'
    if (reason !== undefined) throw refused(`${path}: a variable cannot be called ${JSON.stringify(name)}`, reason)
    if (value.includes('\0')) throw refused(`${path}: ${name} holds a NUL character`, 'no program can be given one')
    found.set(name, value)
  }
  return found
}

function refused(message: string, hint: string): LaunchwayError {
  return new LaunchwayError('CONFIG_INVALID', message, { hint })
}
