import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { command } from '../../core/command.ts'
import { LaunchwayError } from '../../core/error.ts'
import { parseJson } from '../../core/json.ts'
import type { Credentials, Exec } from '../../core/ports.ts'
import { loginKey } from '../../core/reference.ts'
import type { Registry as Settings } from '../../core/release.ts'
import { Secret } from '../../core/secret.ts'

const DockerConfig = z.object({
  auths: z.record(z.string(), z.object({ auth: z.string().optional(), identitytoken: z.string().optional() })).optional(),
  credHelpers: z.record(z.string(), z.string()).optional(),
  credsStore: z.string().optional(),
})
/** The name that docker gives to whom an identity token is for, where it does not know it; a helper says by it that its secret is one. */
const tokenUsername = '<token>'
/** What a credential helper answers to `get`. @see https://github.com/docker/docker-credential-helpers */
const HelperAnswer = z.object({ Username: z.string(), Secret: z.string() })

export interface CredentialSources {
  env: Record<string, string | undefined>
  secret: (name: string) => Secret | undefined
  exec: Exec
  /** Told of each secret that comes from docker, so that it is masked like one of the step. */
  onSecret: (secret: Secret) => void
}

/** The password that is for the one registry which has none of its own. */
const generalPassword = 'REGISTRY_PASSWORD'

/**
 * Looks, in this order: the password that the configuration names, which must be there; the general login, where the
 * plan says that it is for this registry; the GitHub token for ghcr.io; docker's configuration. A registry never sees a
 * password that could be meant for another.
 * @throws LaunchwayError SECRET_MISSING, CONFIG_INVALID
 */
export async function findCredentials(settings: Settings, sources: CredentialSources): Promise<Credentials | undefined> {
  const { host, password: name, generalLogin: meant = [] } = settings
  const { env, secret, exec, onSecret } = sources
  if (name !== undefined) return withUsername(settings, name, secret(name) ?? missing(host, name), env)
  const general = meant.includes(host) ? secret(generalPassword) : undefined
  if (general !== undefined) return meant.length === 1 ? withUsername(settings, generalPassword, general, env) : unclear(meant)
  const token = secret('GITHUB_TOKEN')
  const actor = actorOn(host, env)
  if (token !== undefined && actor !== undefined) return { username: actor, password: token, of: 'GitHub' }
  return fromDocker(host, env, exec, onSecret)
}

function withUsername(
  { host, username, generalLogin: meant = [] }: Settings,
  name: string,
  password: Secret,
  env: CredentialSources['env'],
): Credentials {
  const general = meant.length === 1 && meant[0] === host ? given(env, 'REGISTRY_USERNAME') : undefined
  const who = username ?? general ?? actorOn(host, env)
  if (who !== undefined) return { username: who, password }
  throw new LaunchwayError('CONFIG_INVALID', `${name} is the password for ${host}, and there is no username to it`, {
    hint: `Name it in launchway.yml:\n  registries:\n    ${host}: { username: ACCOUNT }\nor give the input registry-username (REGISTRY_USERNAME).`,
  })
}

function missing(host: string, name: string): never {
  throw new LaunchwayError('SECRET_MISSING', `${host} needs ${name}`, {
    hint: `registries.${host}.password in launchway.yml names it. Give it in the environment of the step:\n  env:\n    ${name}: \${{ secrets.${name} }}`,
  })
}

function unclear(hosts: readonly string[]): never {
  throw new LaunchwayError('CONFIG_INVALID', `${generalPassword} is one login, and could be meant for ${hosts.join(' or ')}`, {
    hint: `Name a password for each, so that none is sent to another registry:\n  registries:\n${hosts.map((host) => `    ${host}: { username: ACCOUNT, password: NAME_OF_A_VARIABLE }`).join('\n')}`,
  })
}

/** Who started the run, to whom GitHub's registry gives the rights of the token. */
function actorOn(host: string, env: CredentialSources['env']): string | undefined {
  return host === 'ghcr.io' ? given(env, 'GITHUB_ACTOR') : undefined
}

/** A workflow gives what it does not have as an empty text. */
function given(env: CredentialSources['env'], name: string): string | undefined {
  return env[name] === '' ? undefined : env[name]
}

async function fromDocker(
  host: string,
  env: CredentialSources['env'],
  exec: Exec,
  onSecret: CredentialSources['onSecret'],
): Promise<Credentials | undefined> {
  const file = join(env['DOCKER_CONFIG'] ?? join(env['HOME'] ?? homedir(), '.docker'), 'config.json')
  const text = await readFile(file, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const config = parseJson(text, DockerConfig)
  if (config === undefined)
    throw new LaunchwayError('CONFIG_INVALID', `${file} is not a configuration of docker`, { hint: 'docker login writes it anew.' })
  const key = loginKey(host)
  const kept = (username: string, password: string): Credentials => {
    const login: Credentials = { username, password: new Secret(password), of: 'docker' }
    onSecret(login.password)
    // In base64 docker writes the pair, not the password alone.
    onSecret(new Secret(`${username}:${password}`))
    return login
  }
  const identity = (username: string, token: string): Credentials => {
    const login: Credentials = { username, password: new Secret(token), of: 'docker', isIdentity: true }
    onSecret(login.password)
    return login
  }
  const helper = config.credHelpers?.[key] ?? config.credHelpers?.[host] ?? config.credsStore
  if (helper !== undefined) {
    const answer = await exec.run({ ...command(`docker-credential-${helper}`, ['get']), stdin: key, secret: true }, { accept: [0, 1] })
    const found = answer.code === 0 ? parseJson(answer.stdout, HelperAnswer) : undefined
    if (found !== undefined)
      return found.Username === tokenUsername ? identity(tokenUsername, found.Secret) : kept(found.Username, found.Secret)
  }
  const auths = Object.entries(config.auths ?? {})
  const [, found] = auths.find(([name]) => name === key) ?? auths.find(([name]) => bareHost(name) === bareHost(key)) ?? []
  const { auth = '', identitytoken: token = '' } = found ?? {}
  const [username = '', ...rest] = Buffer.from(auth, 'base64').toString().split(':')
  // Beside it docker keeps a name, and no password.
  if (token !== '') return identity(username === '' ? tokenUsername : username, token)
  if (auth === '') return undefined
  return kept(username, rest.join(':'))
}

/** Older clients wrote `https://ghcr.io/v1/` where newer ones write `ghcr.io`; docker takes one for the other. */
function bareHost(name: string): string | undefined {
  return name.replace(/^https?:\/\//, '').split('/')[0]
}
