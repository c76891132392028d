import { join, resolve } from 'node:path'
import { anyCode, command } from '../../core/command.ts'
import { LaunchwayError } from '../../core/error.ts'
import type { Ports } from '../../core/ports.ts'
import { parseAddress } from '../../tools/ssh.ts'
import type { Sources } from '../sources.ts'

/** What the repository knows of the key of a host. */
export interface SeenKey {
  environment: string
  /** As launchway.yml has it, and as ssh would look for it. */
  host: string
  /** The file that counts; undefined where there is none, and the account's own does. */
  file: string | undefined
  state: 'known' | 'unknown' | 'no file'
  /** Releases run on GitHub, where no account has known_hosts of its own. */
  onGitHub: boolean
}

export async function lookAtKeys({ environments }: Sources, { exec, files, root, signal }: Ports): Promise<SeenKey[]> {
  const onGitHub = (await files.look(join(root, '.github/workflows'))) !== undefined
  const asked = environments.flatMap(({ name, hosts, ssh }) => hosts.map((host) => ({ environment: name, host, file: ssh.knownHosts })))
  const seen = await Promise.all(
    asked.map(async ({ environment, host, file }): Promise<SeenKey | undefined> => {
      const one = { environment, host, file, onGitHub }
      if (file === undefined || (await files.look(resolve(root, file))) === undefined) return { ...one, state: 'no file' }
      const { host: name, port } = parseAddress(host)
      // A name without a dot is often one of ~/.ssh/config: what it stands for is not known here.
      if (!/[.:]/.test(name)) return undefined
      const line = port === undefined || port === 22 ? name : `[${name}]:${port}`
      try {
        const { code } = await exec.run(command('ssh-keygen', ['-F', line, '-f', resolve(root, file)]), { accept: anyCode, signal })
        return { ...one, state: code === 0 ? 'known' : 'unknown' }
      } catch (error) {
        if (error instanceof LaunchwayError && error.code === 'TOOL_MISSING') return undefined
        throw error
      }
    }),
  )
  return seen.filter((one) => one !== undefined)
}
