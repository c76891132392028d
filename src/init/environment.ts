import { hasLogin, refusedSecret } from '../core/secret-names.ts'
import type { FileService } from '../tools/compose-file.ts'

/** Which variables of a compose service are secrets, and which are not. */

const secretName =
  /(PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|API_?KEY|PRIVATE_?KEY|ACCESS_KEY|CREDENTIALS?|_DSN|_PWD)(_|$)|^(SECRET_KEY.*|DATABASE_URL|REDIS_URL|BROKER_URL|CELERY_BROKER_URL)$/i

/** What launchway.yml says of the variables of a service. */
export function environmentOf(
  { name, environment, envFiles, secrets: mounted, command, entrypoint, asks }: FileService,
  says: string[],
  health: { words: readonly string[]; asks: readonly string[] } = { words: [], asks: [] },
): { env?: Record<string, string>; secrets?: string[] } {
  const env: Record<string, string> = {}
  const secrets: string[] = []
  for (const [key, value] of environment) {
    const kind = kindOf(key, value)
    const file = /^(\w+)_FILE$/.exec(key)?.[1]
    // What the official images of databases take from a file, they take from a variable as well.
    if (file !== undefined && secretName.test(file) && (value ?? '').startsWith('/run/secrets/')) secrets.push(file)
    else if (kind === 'secret' && refusedSecret(key) === undefined) secrets.push(key)
    else if (value === undefined || value.includes('$'))
      says.push(`${name} takes ${key} from the environment: say its value under env, or its name under secrets`)
    else env[key] = value
  }
  for (const [what, keys, of, lines] of [
    ['command', asks, 'command', [command ?? [], entrypoint ?? []]],
    ['health check', health.asks, 'health.command', [health.words]],
  ] as const) {
    for (const key of keys) {
      const unread = lines.some((words) => words.some((word) => word.includes(`$${key}`) || word.includes(`\${${key}`)) && !isShell(words))
      if (unread) says.push(`no shell reads the ${what} of ${name}, so ${key} stays as it is written there: ${of}: [sh, -c, …]`)
      if (environment.has(key)) continue
      if (secretName.test(key) && refusedSecret(key) === undefined) secrets.push(key)
      else if (!unread) says.push(`the ${what} of ${name} asks for ${key}: say its value under env`)
    }
  }
  if (mounted.length > 0 && secrets.length === 0)
    says.push(`${name} reads ${mounted.map((one) => `/run/secrets/${one}`).join(', ')}: launchway gives secrets as variables`)
  if (envFiles.length > 0)
    says.push(
      `${name} reads ${envFiles.join(', ')}: name its variables under env and secrets, or the file under env-files if the deploy has it`,
    )
  return { ...(Object.keys(env).length === 0 ? {} : { env }), ...(secrets.length === 0 ? {} : { secrets: [...new Set(secrets)] }) }
}

function isShell([program = '']: readonly string[]): boolean {
  return /^(\/\S*\/)?(ba|da|a|z)?sh$/.test(program)
}

function kindOf(name: string, value: string | undefined): 'secret' | 'plain' {
  if (!/^[A-Za-z_]\w*$/.test(name)) return 'plain'
  if (value !== undefined && hasLogin(value)) return 'secret'
  // An address without a login is no secret, whatever it is called.
  if (value !== undefined && /^\w+:\/\/[^@$]*$/.test(value)) return 'plain'
  return secretName.test(name) ? 'secret' : 'plain'
}
