import { dirname, join } from 'node:path'
import { anyCode, command } from '../../core/command.ts'
import { LaunchwayError } from '../../core/error.ts'
import type { Ports } from '../../core/ports.ts'
import { parseEnvFile } from '../../deploy/index.ts'
import { normaliseKey } from '../../tools/ssh.ts'
import type { Where } from '../finding.ts'
import type { Sources } from '../sources.ts'

/** What is wrong with a private key. */
export type KeyFault = 'public' | 'putty' | 'passphrase' | 'unreadable'

/** A variable that the configuration names. Nothing of its value is kept. */
export interface SeenSecret {
  name: string
  /** Who needs it: `production`, `ghcr.io`. */
  for: string
  kind: 'service' | 'key' | 'password'
  where: Where
  state: 'there' | 'empty' | 'absent'
  /** Of line ends: carriage returns in it, or a newline at its end. */
  ends?: 'carriage returns' | 'a newline at its end'
  fault?: KeyFault
}

export interface SeenSecrets {
  secrets: readonly SeenSecret[]
  /** In a workflow what is missing is missing; at a terminal somebody else may have it. */
  isRunner: boolean
  /** Names that no workflow gives to launchway, where there are workflows that deploy with it. */
  ungiven: ReadonlySet<string>
  /** Files of variables that are not there, or that no container can be given. */
  envFiles: readonly { path: string; where: Where; said: string }[]
}

export async function lookAtSecrets(sources: Sources, ports: Ports): Promise<SeenSecrets> {
  const asked = [...namesIn(sources)]
  const secrets = await Promise.all(asked.map((one) => lookAtSecret(one, ports)))
  const deploying = (await workflowsIn(ports)).filter((text) => deploys.test(text))
  return {
    secrets,
    isRunner: ports.environment.has('GITHUB_ACTIONS') || ports.environment.has('CI'),
    ungiven: new Set(
      deploying.length === 0 ? [] : asked.filter((one) => !deploying.some((text) => gives(text, one))).map(({ name }) => name),
    ),
    envFiles: await lookAtFiles(sources, ports),
  }
}

/** The action that does it all, that of the stage alone, or the command line. */
const deploys = /uses:\s*\S*launchway(\/actions\/deploy)?@|\blaunchway\s+(run|deploy)\b/

/** Without comments: what is only shown there is not given. */
async function workflowsIn({ files, root }: Pick<Ports, 'files' | 'root'>): Promise<string[]> {
  const folder = join(root, '.github/workflows')
  if ((await files.look(folder))?.kind !== 'directory') return []
  const found = await files.walk(folder, (path, kind) => (kind === 'file' && /\.ya?ml$/.test(path) ? 'keep' : 'prune'))
  const bodies = await Promise.all(found.map(({ path }) => files.read(join(folder, path))))
  return bodies.map((body) => (body?.toString() ?? '').replaceAll(/(^|\s)#.*$/gm, ''))
}

function gives(text: string, { name, kind }: Asked): boolean {
  const input = kind === 'key' ? 'ssh-key:' : kind === 'password' ? 'registry-password:' : undefined
  if (input !== undefined && text.includes(input)) return true
  return new RegExp(String.raw`\b${name}\b|toJSON\(\s*secrets\s*\)|secrets:\s*inherit`, 'i').test(text)
}

type Asked = Pick<SeenSecret, 'name' | 'for' | 'kind' | 'where'>

function* namesIn({ environments, registries, config, at }: Sources): Iterable<Asked> {
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
}

async function lookAtSecret(asked: Asked, ports: Ports): Promise<SeenSecret> {
  const given = ports.environment.get(asked.name)?.reveal()
  if (given === undefined) return { ...asked, state: 'absent' }
  const secret = ports.secret(asked.name)
  if (secret === undefined || given.trim() === '') return { ...asked, state: 'empty' }
  // A key is put right before it is used.
  if (asked.kind === 'key') {
    const fault = await faultOf(given, ports)
    return { ...asked, state: 'there', ...(fault === undefined ? {} : { fault }) }
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
      const body = await files.read(join(root, path))
      if (body === undefined) return { path, where, said: 'it is not there' }
      try {
        parseEnvFile(body.toString(), path)
        return undefined
      } catch (error) {
        if (!(error instanceof LaunchwayError)) throw error
        return { path, where, said: `${error.message}: ${error.hint ?? ''}` }
      }
    }),
  )
  return seen.filter((one) => one !== undefined)
}
