import { join } from 'node:path'
import type { Credentials, Files } from './ports.ts'
import { loginKey } from './reference.ts'
import { Secret } from './secret.ts'

/**
 * The text of a config.json with these logins. Written by us, since `docker login` would put them into a credential
 * store of the system if it finds one, where they outlive the run; one that stands here is used as it is.
 * @param logins by registry host
 */
export function configFile(logins: ReadonlyMap<string, Credentials>): Secret {
  return new Secret(JSON.stringify({ auths: authsOf(logins) }))
}

/** By the names that docker has for registries. */
export function authsOf(logins: ReadonlyMap<string, Credentials>): Record<string, { auth: string; identitytoken?: string }> {
  return Object.fromEntries(
    [...logins].map(([host, { username, password, isIdentity }]) => {
      const auth = (text: string): string => Buffer.from(`${username}:${text}`).toString('base64')
      const token = password.reveal()
      return [loginKey(host), isIdentity === true ? { auth: auth(''), identitytoken: token } : { auth: auth(token) }] as const
    }),
  )
}

/** Writes these logins as the docker configuration of this run alone. Returns its folder, which goes with the run. */
export async function keepLogins(logins: ReadonlyMap<string, Credentials>, files: Files): Promise<string> {
  const folder = await files.temporary('docker-config')
  await files.write(join(folder, 'config.json'), configFile(logins).reveal(), 0o600)
  return folder
}
