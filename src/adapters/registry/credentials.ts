import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { command } from '../../core/command.ts'
import { LaunchwayError } from '../../core/error.ts'
import type { Credentials, Exec } from '../../core/ports.ts'
import type { Registry as Settings } from '../../core/release.ts'
import { Secret } from '../../core/secret.ts'

const DockerConfig = z.object({
  auths: z.record(z.string(), z.object({ auth: z.string().optional() })).optional(),
  credHelpers: z.record(z.string(), z.string()).optional(),
  credsStore: z.string().optional(),
})
/** What a credential helper answers to `get`. @see https://github.com/docker/docker-credential-helpers */
const HelperAnswer = z.object({ Username: z.string(), Secret: z.string() })

/** Docker keeps the Hub's login under this name, since before it had another. */
const hubKey = 'https://index.docker.io/v1/'

export interface CredentialSources {
  env: Record<string, string | undefined>
  secret: (name: string) => Secret | undefined
  exec: Exec
}

/** Looks, in this order: the configuration's own secret, the GitHub token for ghcr.io, docker's configuration. */
export async function findCredentials(settings: Settings, { env, secret, exec }: CredentialSources): Promise<Credentials | undefined> {
  const password = secret(settings.password ?? 'REGISTRY_PASSWORD')
  const username = settings.username ?? env['REGISTRY_USERNAME']
  // The general pair is for one registry: it is used where the configuration names none of its own, if it is complete.
  if (password !== undefined && username !== undefined) return { username, password }
  const token = secret('GITHUB_TOKEN')
  const actor = env['GITHUB_ACTOR']
  if (settings.host === 'ghcr.io' && token !== undefined && actor !== undefined) return { username: actor, password: token }
  return fromDocker(settings.host, env, exec)
}

async function fromDocker(host: string, env: Record<string, string | undefined>, exec: Exec): Promise<Credentials | undefined> {
  const file = join(env['DOCKER_CONFIG'] ?? join(env['HOME'] ?? homedir(), '.docker'), 'config.json')
  const text = await readFile(file, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const config = parseConfig(file, text)
  const key = host === 'docker.io' ? hubKey : host
  const helper = config.credHelpers?.[key] ?? config.credHelpers?.[host] ?? config.credsStore
  if (helper !== undefined) {
    const answer = await exec.run({ ...command(`docker-credential-${helper}`, ['get']), stdin: key, secret: true }, { accept: [0, 1] })
    const parsed = answer.code === 0 ? HelperAnswer.safeParse(JSON.parse(answer.stdout)) : undefined
    if (parsed?.success === true) return { username: parsed.data.Username, password: new Secret(parsed.data.Secret) }
  }
  const auths = Object.entries(config.auths ?? {})
  const [, found] = auths.find(([name]) => name === key) ?? auths.find(([name]) => bareHost(name) === bareHost(key)) ?? []
  if (found?.auth === undefined || found.auth === '') return undefined
  const [username = '', ...rest] = Buffer.from(found.auth, 'base64').toString().split(':')
  return { username, password: new Secret(rest.join(':')) }
}

function parseConfig(file: string, text: string): z.infer<typeof DockerConfig> {
  try {
    return DockerConfig.parse(JSON.parse(text))
  } catch (error) {
    throw new LaunchwayError('CONFIG_INVALID', `${file} is not a configuration of docker`, {
      cause: error,
      hint: 'docker login writes it anew.',
    })
  }
}

/** Older clients wrote `https://ghcr.io/v1/` where newer ones write `ghcr.io`; docker takes one for the other. */
function bareHost(name: string): string | undefined {
  return name.replace(/^https?:\/\//, '').split('/')[0]
}
