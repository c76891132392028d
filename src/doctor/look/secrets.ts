import { dirname, isAbsolute, join, resolve } from 'node:path'
import { anyCode, command } from '../../core/command.ts'
import { resolveEvidence } from '../../config/evidence.ts'
import { LaunchwayError } from '../../core/error.ts'
import type { Ports } from '../../core/ports.ts'
import { parseEnvFile, requireKeys, unreadable } from '../../deploy/index.ts'
import { readPrivateKey } from '../../tools/signing-key.ts'
import { normaliseKey } from '../../tools/ssh.ts'
import type { Where } from '../finding.ts'
import type { Sources } from '../sources.ts'

/** What is wrong with a private key. */
export type KeyFault = 'public' | 'putty' | 'passphrase' | 'unreadable'

/** A variable that the configuration names. Nothing of its value is kept. */
export interface SeenSecret {
  name: string
  /** Who needs it: `production`, `ghcr.io`, `the build of app`. */
  for: string
  /** `key` is that to the hosts, `build-key` that of a build; both are SSH's. */
  kind: 'service' | 'key' | 'password' | 'build' | 'build-key' | 'signing-key' | 'signing-password'
  where: Where
  state: 'there' | 'empty' | 'absent'
  /** Of line ends: carriage returns in it, or a newline at its end. */
  ends?: 'carriage returns' | 'a newline at its end'
  fault?: KeyFault
  /** Why nothing can be signed with it, in words that end a sentence. */
  unusable?: string
  /** There are workflows that do what it is for, and none of them gives it to launchway. */
  isUngiven: boolean
}

/** A file that launchway.yml names, and what is wrong with it. */
interface WrongFile {
  where: Where
  said: string
}

export interface SeenSecrets {
  secrets: readonly SeenSecret[]
  /** In a workflow what is missing is missing; at a terminal somebody else may have it. */
  isRunner: boolean
  /** Files of variables that are not there, or that no container can be given. */
  envFiles: readonly { path: string; where: Where; said: string }[]
  /** Secrets of a build that are files, and are not there. */
  buildFiles: readonly WrongFile[]
  /** Public keys that are not there, or are none. */
  verifyKeys: readonly WrongFile[]
  /** Certificates of registries that are not there, or are none. */
  authorities: readonly (WrongFile & { isElsewhere: boolean })[]
}

export async function lookAtSecrets(sources: Sources, ports: Ports): Promise<SeenSecrets> {
  const asked = [...namesIn(sources)]
  const workflows = [...sources.workflows.values()]
  return {
    secrets: await Promise.all(
      asked.map(async (one) => {
        const concerned = workflows.filter((text) => performs[stageOf(one)].test(text))
        const isUngiven = concerned.length > 0 && !concerned.some((text) => gives(text, one))
        return { ...(await lookAtSecret(one, sources, ports)), isUngiven }
      }),
    ),
    isRunner: ports.environment.has('GITHUB_ACTIONS') || ports.environment.has('CI'),
    envFiles: await lookAtFiles(sources, ports),
    buildFiles: await lookAtBuildFiles(sources, ports),
    verifyKeys: await lookAtVerifyKeys(sources, ports),
    authorities: await lookAtAuthorities(sources, ports),
  }
}

/** The action that does it all, that of the stage alone, or the command line. */
const performs = {
  build: /uses:\s*\S*launchway(\/actions\/build)?@|\blaunchway\s+(run|build)\b/,
  push: /uses:\s*\S*launchway(\/actions\/push)?@|\blaunchway\s+(run|push)\b/,
  deploy: /uses:\s*\S*launchway(\/actions\/deploy)?@|\blaunchway\s+(run|deploy)\b/,
} as const

/** Which stage needs it. */
function stageOf({ kind }: Asked): keyof typeof performs {
  if (kind === 'build' || kind === 'build-key') return 'build'
  return kind === 'signing-key' || kind === 'signing-password' ? 'push' : 'deploy'
}

function gives(text: string, { name, kind }: Asked): boolean {
  const input = kind === 'key' ? 'ssh-key:' : kind === 'password' ? 'registry-password:' : undefined
  if (input !== undefined && text.includes(input)) return true
  return new RegExp(String.raw`\b${name}\b|toJSON\(\s*secrets\s*\)|secrets:\s*inherit`, 'i').test(text)
}

type Asked = Pick<SeenSecret, 'name' | 'for' | 'kind' | 'where'>

function* namesIn({ environments, registries, images, config, at }: Sources): Iterable<Asked> {
  for (const environment of environments) {
    const base = ['environments', environment.name]
    const isInline = config.environments?.[environment.name]?.services === undefined
    const owners = [
      ...environment.services.map(({ name, secrets }) => ({ secrets, path: isInline ? base : [...base, 'services', name] })),
      ...environment.accessories.map(({ name, secrets }) => ({ secrets, path: [...base, 'accessories', name] })),
    ]
    for (const { secrets, path } of owners)
      for (const [index, name] of secrets.entries())
        yield { name, for: environment.name, kind: 'service', where: at([...path, 'secrets', index]) }
    yield { name: environment.ssh.key, for: environment.name, kind: 'key', where: at([...base, 'ssh', 'key'], true) }
  }
  for (const { host, password } of registries)
    if (password !== undefined) yield { name: password, for: host, kind: 'password', where: at(['registries', host, 'password']) }
  for (const { image } of images) {
    const whose = { for: `the build of ${image.name}` }
    for (const [index, { env }] of (image.secrets ?? []).entries())
      if (env !== undefined) yield { name: env, ...whose, kind: 'build', where: at(['images', image.name, 'secrets', index]) }
    for (const [index, { key }] of (image.ssh ?? []).entries())
      if (key !== undefined) yield { name: key, ...whose, kind: 'build-key', where: at(['images', image.name, 'ssh', index]) }
  }
  const sign = resolveEvidence(config)?.sign
  if (sign?.kind !== 'key') return
  const whose = { for: 'the signature' }
  yield { name: sign.key, ...whose, kind: 'signing-key', where: at(['evidence', 'sign', 'key'], true) }
  // A key without a password needs none: only one that is named is asked for.
  if (hasOwnPassword(config))
    yield { name: sign.password, ...whose, kind: 'signing-password', where: at(['evidence', 'sign', 'password'], true) }
}

function hasOwnPassword({ evidence }: Sources['config']): boolean {
  const sign = evidence === false ? undefined : evidence?.sign
  return typeof sign === 'object' && sign.password !== undefined
}

async function lookAtSecret(asked: Asked, { config }: Sources, ports: Ports): Promise<Omit<SeenSecret, 'isUngiven'>> {
  const given = ports.environment.get(asked.name)?.reveal()
  if (given === undefined) return { ...asked, state: 'absent' }
  const secret = ports.secret(asked.name)
  if (secret === undefined || given.trim() === '') return { ...asked, state: 'empty' }
  // A key is put right before it is used.
  if (asked.kind === 'key' || asked.kind === 'build-key') {
    const fault = await faultOf(given, ports)
    return { ...asked, state: 'there', ...(fault === undefined ? {} : { fault }) }
  }
  if (asked.kind === 'signing-key') {
    const sign = resolveEvidence(config)?.sign
    const password = sign?.kind === 'key' ? ports.secret(sign.password)?.reveal() : undefined
    const key = await readPrivateKey(secret.reveal(), password ?? '')
    return { ...asked, state: 'there', ...(typeof key === 'string' ? { unusable: key } : {}) }
  }
  const ends = given.includes('\r')
    ? 'carriage returns'
    : given.endsWith('\n') && !given.slice(0, -1).includes('\n')
      ? 'a newline at its end'
      : undefined
  return { ...asked, state: 'there', ...(ends === undefined ? {} : { ends }) }
}

/** By OpenSSH itself, which is to read it later. Undefined where it can, and where there is no ssh-keygen to ask. */
async function faultOf(key: string, { exec, files, signal }: Ports): Promise<KeyFault | undefined> {
  if (/^\s*(ssh-|ecdsa-)\S+ AAAA/.test(key)) return 'public'
  if (/^\s*PuTTY-User-Key-File/.test(key)) return 'putty'
  const file = join(await files.temporary('doctor'), 'key')
  try {
    await files.write(file, normaliseKey(key), 0o600)
    const { code, stderr } = await exec.run(
      { ...command('ssh-keygen', ['-y', '-P', '', '-f', file]), secret: true },
      { accept: anyCode, signal },
    )
    if (code === 0) return undefined
    return /passphrase/.test(stderr) ? 'passphrase' : 'unreadable'
  } catch (error) {
    if (error instanceof LaunchwayError && error.code === 'TOOL_MISSING') return undefined
    throw error
  } finally {
    await files.remove(dirname(file))
  }
}

async function lookAtFiles({ environments, at }: Sources, { files, root }: Ports): Promise<SeenSecrets['envFiles']> {
  const paths = environments.flatMap(({ name, services, accessories }) =>
    [...services, ...accessories].flatMap(({ envFiles }) => envFiles.map((path) => ({ path, where: at(['environments', name], true) }))),
  )
  const seen = await Promise.all(
    paths.map(async ({ path, where }) => {
      try {
        const body = await files.read(join(root, path))
        if (body === undefined) return { path, where, said: 'it is not there' }
        parseEnvFile(body.toString(), path)
        return undefined
      } catch (error) {
        const why = unreadable(error)
        if (why !== undefined) return { path, where, said: `it ${why}` }
        if (!(error instanceof LaunchwayError)) throw error
        return { path, where, said: `${error.message}: ${error.hint ?? ''}` }
      }
    }),
  )
  return seen.filter((one) => one !== undefined)
}

async function lookAtBuildFiles({ images, at }: Sources, { files, root }: Ports): Promise<WrongFile[]> {
  const named = images.flatMap(({ image: { name, secrets = [] } }) =>
    secrets.flatMap(({ file }, index) => (file === undefined ? [] : [{ name, file, where: at(['images', name, 'secrets', index]) }])),
  )
  const seen = await Promise.all(named.map(async (one) => ({ ...one, found: await files.look(resolve(root, one.file)) })))
  return seen.flatMap(({ name, file, where, found }) =>
    found === undefined ? [{ where, said: `the build of ${name} needs ${file}, which is not there` }] : [],
  )
}

async function lookAtVerifyKeys({ environments, at }: Sources, ports: Ports): Promise<WrongFile[]> {
  const named = environments.flatMap(({ name, verify }) =>
    verify?.kind === 'key' ? verify.keys.map((key) => ({ key, where: at(['environments', name, 'verify', 'key'], true) })) : [],
  )
  const seen = await Promise.all(
    named.map(async ({ key, where }) => {
      try {
        await requireKeys({ verify: { kind: 'key', keys: [key] } }, ports)
        return undefined
      } catch (error) {
        if (!(error instanceof LaunchwayError)) throw error
        return { where, said: error.message }
      }
    }),
  )
  return seen.filter((one) => one !== undefined)
}

async function lookAtAuthorities({ registries, at }: Sources, { files, root }: Ports): Promise<SeenSecrets['authorities']> {
  const seen = await Promise.all(
    registries.map(async ({ host, ca }) => {
      if (ca === undefined) return []
      const body = await files.read(resolve(root, ca)).catch((error: unknown) => unreadable(error) ?? 'cannot be read')
      if (body !== undefined && typeof body !== 'string' && body.includes('-----BEGIN CERTIFICATE-----')) return []
      const said = body === undefined ? 'is not there' : typeof body === 'string' ? body : 'is no certificate in PEM'
      const where = at(['registries', host, 'ca'])
      return [{ where, said: `${ca}, the authority of ${host}, ${said}`, isElsewhere: body === undefined && isAbsolute(ca) }]
    }),
  )
  return seen.flat()
}
