import { isAbsolute, join } from 'node:path'
import type { Command } from '../core/command.ts'
import { LaunchwayError } from '../core/error.ts'
import type { BuildSecret, BuildSsh, PlannedBase } from '../core/planned-image.ts'
import type { Ports } from '../core/ports.ts'
import type { Secret } from '../core/secret.ts'
import { field } from '../tools/buildx.ts'
import { normaliseKey } from '../tools/ssh.ts'
import { type Given, givenKey } from './plan.ts'

export interface Gathered extends Given {
  /** What buildx finds the values in. */
  env: NonNullable<Command['env']>
  /** Removes the files that hold some. */
  remove(): Promise<void>
}

/** In the environment of buildx alone: no variable of the user's has such a name. */
const variable = (number: number): string => `LAUNCHWAY_BUILD_SECRET_${number}`

/**
 * Finds what the builds may ask for, before anything is built. A value goes to buildx in its environment, a file by its
 * path, a private key in a file that only this user can read, for as long as the build takes.
 * @throws LaunchwayError SECRET_MISSING, naming all that is missing
 */
export async function gather(images: readonly PlannedBase[], ports: Ports): Promise<Gathered> {
  const found = { secrets: new Map<string, string>(), ssh: new Map<string, string>(), env: new Map<string, Secret>() }
  const missing = { variables: new Set<string>(), files: new Set<string>(), agent: false }
  const written: string[] = []

  async function takeSecret(image: string, { id, env = id, file }: BuildSecret): Promise<void> {
    if (file !== undefined) {
      const path = isAbsolute(file) ? file : join(ports.root, file)
      const content = await ports.files.read(path)
      if (content === undefined) return void missing.files.add(file)
      ports.conceal(content.toString())
      return void found.secrets.set(givenKey(image, id), field('src', path))
    }
    const secret = ports.secret(env)
    if (secret === undefined) return void missing.variables.add(env)
    const name = [...found.env].find(([, other]) => other.reveal() === secret.reveal())?.[0] ?? variable(found.env.size + 1)
    found.env.set(name, secret)
    found.secrets.set(givenKey(image, id), `env=${name}`)
  }

  async function takeSsh(image: string, { id, key: name, file }: BuildSsh): Promise<void> {
    if (file !== undefined) {
      const path = isAbsolute(file) ? file : join(ports.root, file)
      if ((await ports.files.look(path)) === undefined) missing.files.add(file)
      return void found.ssh.set(givenKey(image, id), path)
    }
    if (name === undefined) {
      missing.agent ||= (ports.environment.get('SSH_AUTH_SOCK')?.reveal() ?? '') === ''
      return
    }
    const key = ports.secret(name)
    if (key === undefined) return void missing.variables.add(name)
    const path = join(await ports.files.temporary('build-ssh'), 'key')
    written.push(path)
    await ports.files.write(path, normaliseKey(key.reveal()), 0o600)
    found.ssh.set(givenKey(image, id), path)
  }

  const remove = async (): Promise<void> => {
    for (const path of written) await ports.files.remove(path)
  }
  try {
    for (const { name, secrets = [], ssh = [] } of images) {
      for (const secret of secrets) await takeSecret(name, secret)
      for (const one of ssh) await takeSsh(name, one)
    }
    refuseMissing(missing)
  } catch (error) {
    await remove()
    throw error
  }
  return { secrets: found.secrets, ssh: found.ssh, env: Object.fromEntries(found.env), remove }
}

function refuseMissing({ variables, files, agent }: { variables: Set<string>; files: Set<string>; agent: boolean }): void {
  const all = [...variables, ...files, ...(agent ? ['an SSH agent'] : [])]
  if (all.length === 0) return
  const names = [...variables]
  throw new LaunchwayError('SECRET_MISSING', `the build needs ${all.join(', ')}: nothing was built`, {
    hint: [
      names.length > 0 &&
        `At a terminal: export ${names.map((name) => `${name}=…`).join(' ')}\nIn a workflow, in the step:\n  env:\n${names.map((name) => `    ${name}: \${{ secrets.${name} }}`).join('\n')}`,
      files.size > 0 && 'Files of images.<name>.secrets are read from the root of the repository: write them in a step before.',
      agent && 'SSH_AUTH_SOCK is empty: start an agent, or give a key: images.<name>.ssh: [{ key: NAME_OF_A_VARIABLE }]',
    ]
      .filter((line) => line !== false)
      .join('\n'),
  })
}
