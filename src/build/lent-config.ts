import { join, resolve } from 'node:path'
import { z } from 'zod'
import type { Command } from '../core/command.ts'
import { authsOf } from '../core/docker-config.ts'
import { parseJson } from '../core/json.ts'
import type { Credentials, Files, Ports } from '../core/ports.ts'
import { loginKey } from '../core/reference.ts'
import { Secret } from '../core/secret.ts'

const configName = 'config.json'

/** What of a user's says where a login is. All else is kept as it is. */
const Config = z.looseObject({
  auths: z.record(z.string(), z.unknown()).nullish(),
  credHelpers: z.record(z.string(), z.string()).nullish(),
  credsStore: z.string().nullish(),
})

/**
 * The user's config.json with these logins in it, which come before those that the user has for the same registry. What GitHub
 * has for its runs gives way to the user's own. Undefined where none is left.
 * @param text of the user's; what is none counts for nothing, as it does for docker
 */
export function configWith(logins: ReadonlyMap<string, Credentials>, text: string | undefined): Secret | undefined {
  const own = text === undefined ? {} : (parseJson(text, Config) ?? {})
  const { auths, credHelpers, credsStore } = own
  // A store that has a login leaves the name of its registry there, with nothing behind it.
  const isKept = (host: string): boolean => [auths, credHelpers].some((known) => Object.hasOwn(known ?? {}, loginKey(host)))
  const added = new Map([...logins].filter(([host, login]) => login.of !== 'docker' && !(login.of === 'GitHub' && isKept(host))))
  if (added.size === 0) return undefined
  // Where a store is named, docker looks for no login in the file but of a registry whose own helper is none.
  const inFile = Object.fromEntries([...added.keys()].map((host) => [loginKey(host), '']))
  const hasStore = (credsStore ?? '') !== '' || Object.keys(credHelpers ?? {}).length > 0
  return new Secret(
    JSON.stringify({
      ...own,
      auths: { ...auths, ...authsOf(added) },
      ...(hasStore ? { credHelpers: { ...credHelpers, ...inFile } } : {}),
    }),
  )
}

/** A docker configuration for one program. */
export interface Lent {
  /** What leads the program to it; nothing where the user's own will do. */
  env: NonNullable<Command['env']>
  remove(this: void): Promise<void>
}

/**
 * The user's docker configuration with these logins in it, for a program that needs both: contexts, plugins, builders and logins
 * for other registries are where the user has them.
 */
export async function lendConfig(
  logins: ReadonlyMap<string, Credentials>,
  { files, environment, root }: Pick<Ports, 'files' | 'environment' | 'root'>,
): Promise<Lent> {
  const value = (name: string): string => environment.get(name)?.reveal() ?? ''
  const home = value('HOME')
  const chosen = value('DOCKER_CONFIG') || (home === '' ? '' : join(home, '.docker'))
  // Without a home there is nothing of the user's to keep.
  const own = chosen === '' ? undefined : resolve(root, chosen)
  const text = own === undefined ? undefined : await files.read(join(own, configName))
  const merged = configWith(logins, text?.toString())
  if (merged === undefined) return { env: {}, remove: async () => undefined }
  const folder = await files.temporary('docker-config')
  const remove = (): Promise<void> => files.remove(folder)
  try {
    await files.write(join(folder, configName), merged.reveal(), 0o600)
    if (own !== undefined) for (const name of await namesIn(own, files)) await files.link(join(own, name), join(folder, name))
  } catch (error) {
    await remove()
    throw error
  }
  // Where its folder is not there yet it would be made in the one that goes.
  const builders = value('BUILDX_CONFIG') || (own === undefined ? '' : join(own, 'buildx'))
  return { env: { DOCKER_CONFIG: folder, ...(builders === '' ? {} : { BUILDX_CONFIG: builders }) }, remove }
}

/** All that is there beside the configuration itself. */
async function namesIn(folder: string, files: Files): Promise<string[]> {
  const names: string[] = []
  if ((await files.look(folder)) === undefined) return names
  await files.walk(folder, (path, kind) => {
    if (path !== configName) names.push(path)
    return kind === 'directory' ? 'prune' : 'skip'
  })
  return names
}
