import { randomBytes } from 'node:crypto'
import { inject } from 'vitest'
import { docker } from '../../../lab/run.ts'
import { host } from './ssh.ts'

/** An account of a host whose login sees other programs than the rest of the host: what is missing there is missing for it alone. */
export interface Account extends AsyncDisposable {
  /** For SSH. */
  address: string
  /** A folder that it may write to. */
  state: string
}

interface Differs {
  /** Programs that it does not have. */
  without?: readonly string[]
  /** Programs that it has in the place of others; the host's own are called by their path. */
  instead?: Readonly<Record<string, string>>
  /** Variables of its login. */
  env?: Readonly<Record<string, string>>
}

/** It may use docker, as the account deploy. */
export async function accountWith(suite: string, { without = [], instead = {}, env = {} }: Differs): Promise<Account> {
  const container = inject('lab').hosts[suite]?.container ?? ''
  // No account has a name of digits alone.
  const user = `u${randomBytes(4).toString('hex')}`
  const folder = `/opt/${user}`
  const exported = Object.entries({ PATH: `${folder}/bin`, ...env }).map(([name, value]) => `export ${name}='${value}'\n`)
  const shell = `#!/bin/sh\n${exported.join('')}exec /bin/sh "$@"\n`
  const scripts = Object.entries(instead).map(
    ([name, text]) => `rm -f bin/${name}\ncat > bin/${name} <<'END'\n#!/bin/sh\n${text}\nEND\nchmod 755 bin/${name}`,
  )
  const make = `
    mkdir -p ${folder}/bin && cd ${folder}
    ln -sf /usr/sbin/* /usr/bin/* /usr/local/sbin/* /usr/local/bin/* bin/
    rm -f ${without.map((name) => `bin/${name}`).join(' ')}
    ${scripts.join('\n')}
    printf '%s' "$1" > shell && chmod 755 shell
    useradd --create-home --groups docker --shell ${folder}/shell ${user}
    install -d -o ${user} -m 700 /home/${user}/.ssh
    install -o ${user} -m 600 /home/deploy/.ssh/authorized_keys /home/${user}/.ssh/authorized_keys
    install -d -o ${user} ${folder}/state`
  await docker('exec', container, 'sh', '-euc', make, 'sh', shell)
  return {
    address: host(suite, user),
    state: `${folder}/state`,
    [Symbol.asyncDispose]: async () =>
      void (await docker('exec', container, 'sh', '-c', `userdel --remove --force ${user}; rm -rf ${folder}`)),
  }
}
