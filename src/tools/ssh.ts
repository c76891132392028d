import { createHash } from 'node:crypto'
import type { Command } from '../core/command.ts'
import { command, option } from '../core/command.ts'
import type { SshSettings } from '../core/deployment.ts'
import { type ErrorCode, LaunchwayError } from '../core/error.ts'

/** `user@host:port` taken apart; an IPv6 address stands in brackets. */
export interface Address {
  user?: string
  host: string
  port?: number
}

/** @param address checked by the configuration's schema */
export function parseAddress(address: string): Address {
  const at = address.lastIndexOf('@')
  const user = at === -1 ? undefined : address.slice(0, at)
  const [, bracketed, bare, port] = /^(?:\[(.+)\]|([^:]+))(?::(\d+))?$/.exec(address.slice(at + 1)) ?? []
  const host = bracketed ?? bare ?? address
  return { host, ...(user === undefined ? {} : { user }), ...(port === undefined ? {} : { port: Number(port) }) }
}

/** Where one connection keeps its files. */
export interface Files {
  config: string
  control: string
  log: string
}

/**
 * The client's configuration for one connection. Ours comes first, and in ssh_config(5) the first value wins; the
 * user's own follows, so that Host aliases, ports and jumps written there hold; also those below HOME, where
 * that is another folder than the account's home, which is the one that ssh means by `~`. A file, not `-o` options, because
 * `ssh -J` hands only the file on to the client it starts for the jump, which must check host keys as well.
 */
export function clientConfig(
  settings: SshSettings,
  paths: { knownHosts: string | undefined; key: string | undefined; home?: string | undefined },
): string {
  const lines = [
    'StrictHostKeyChecking yes',
    'BatchMode yes',
    `ConnectTimeout ${Math.max(1, Math.ceil(settings.connectTimeoutMs / 1000))}`,
    'ServerAliveInterval 15',
    'ServerAliveCountMax 4',
    'ForwardAgent no',
  ]
  if (paths.knownHosts !== undefined) lines.push(`UserKnownHostsFile ${quoted(paths.knownHosts)}`)
  if (paths.key !== undefined) lines.push(`IdentityFile ${quoted(paths.key)}`, 'IdentitiesOnly yes', 'IdentityAgent none')
  const { home } = paths
  if (home !== undefined) lines.push(`Include ${quoted(`${home}/.ssh/config`)}`)
  lines.push('Include ~/.ssh/config', 'Include /etc/ssh/ssh_config')
  // Last, so that the user's own word on it holds.
  if (home !== undefined) lines.push(`UserKnownHostsFile ${quoted(`${home}/.ssh/known_hosts`)} ~/.ssh/known_hosts`)
  return [...lines, ''].join('\n')
}

/** Paths in ssh_config(5) stand in double quotes, which no path can hold; `%` begins a token there. */
function quoted(path: string): string {
  if (/["\p{Cc}]/u.test(path))
    throw new LaunchwayError('USAGE', `ssh cannot be given the path ${JSON.stringify(path)}`, { hint: 'Rename it.' })
  return `"${path.replaceAll('%', '%%')}"`
}

/** Opens the connection that the others share, and returns once it stands. It ends by itself a minute after its last use. */
export function openMaster(address: Address, settings: SshSettings, files: Files): Command {
  return command('ssh', [
    common(address, files),
    option('-J', settings.proxyJump),
    ['-f', '-N', '-M', '-E', files.log],
    ['-o', 'ControlPersist=60'],
    '--',
    address.host,
  ])
}

/** What ssh says when nothing is heard from the client that it started for a jump. */
export const jumpFailed = /Connection closed by UNKNOWN port/

/** Connects once more without sharing, because ssh hides what a jump says from a connection that is shared. */
export function askJump(address: Address, settings: SshSettings, files: Files): Command {
  return command('ssh', [
    common(address, { ...files, control: 'none' }),
    option('-J', settings.proxyJump),
    '-T',
    '--',
    address.host,
    'true',
  ])
}

/** Runs `sh -s`: what it shall do stands on its input, and nothing of it on the command line. */
export function remoteShell(address: Address, settings: SshSettings, files: Files, sudo: boolean): Command {
  return onHost(address, settings, files, sudo ? 'sudo -n sh -s' : 'sh -s')
}

/**
 * Runs a program that stands at the beginning of the input, after a line with its length in bytes, and leaves the rest
 * of the input to it. `sh -s` would not: shells read ahead. One command line for all of them, without a newline, which
 * some login shells do not take between quotes.
 */
export function remoteReader(address: Address, settings: SshSettings, files: Files, sudo = false): Command {
  return onHost(address, settings, files, `${sudo ? 'sudo -n ' : ''}sh -c 'read -r n && p=$(dd bs=1 count="$n" 2> /dev/null) && eval "$p"'`)
}

function onHost(address: Address, settings: SshSettings, files: Files, line: string): Command {
  return command('ssh', [
    common(address, files),
    option('-J', settings.proxyJump),
    ['-T', '-o', 'ControlMaster=no'],
    ['--', address.host],
    line,
  ])
}

/** Ends with 0 while the connection stands. */
export function checkMaster(address: Address, files: Files): Command {
  return command('ssh', [common(address, files), ['-O', 'check'], '--', address.host])
}

export function closeMaster(address: Address, files: Files): Command {
  return command('ssh', [common(address, files), ['-O', 'exit'], '--', address.host])
}

function common(address: Address, files: Files): string[] {
  return ['-F', files.config, '-o', `ControlPath=${files.control}`, ...option('-l', address.user), ...option('-p', address.port)]
}

/**
 * What OpenSSH's own words on its error stream mean, and what to do about it.
 * @param file the known_hosts file that counts
 * @param known the fingerprint of the key that it has, where the host shows another
 */
export function explainSsh(
  stderr: string,
  address: string,
  file = '.github/known_hosts',
  known?: string,
): { code: ErrorCode; message: string; hint: string } {
  const asked = parseAddress(address)
  // Where a jump host or an alias stands between, it is not the host that was asked for whose key is in question.
  const [, named] = /(?:host key is known for|Host key for) (\S+) (?:and|has)/.exec(stderr) ?? []
  const other = named === undefined || parseAddress(named).host === asked.host ? undefined : parseAddress(named)
  const { host, port } = other ?? asked
  const whose = other === undefined ? address : `${host}${port === undefined ? '' : `:${port}`}`
  const folder = file.includes('/') && !file.startsWith('/') ? `mkdir -p ${file.slice(0, file.lastIndexOf('/'))} && ` : ''
  const scan = `${folder}ssh-keyscan ${port === undefined ? '' : `-p ${port} `}${host} >> ${file}`
  const said = stderr.trim().split('\n').slice(-12).join('\n')
  if (/REMOTE HOST IDENTIFICATION HAS CHANGED/.test(stderr)) {
    return {
      code: 'SSH_HOST_KEY',
      message: `${whose} shows another host key than the one in known_hosts`,
      hint: `${bothKeys(stderr, known)}${said}\nIf the host was set up anew, remove its old line, run \`${scan}\`, and compare the fingerprint with the one on the host's console.`,
    }
  }
  if (/host key is known for|Host key verification failed/.test(stderr)) {
    return {
      code: 'SSH_HOST_KEY',
      message: `the host key of ${whose} is not in known_hosts`,
      hint: `Run \`${scan}\`, compare the fingerprint (\`ssh-keygen -lf ${file}\`) with the one on the host's console, and commit the file if it belongs to the repository.`,
    }
  }
  if (/Load key|invalid format|error in libcrypto/.test(stderr)) {
    return {
      code: 'SSH_UNREACHABLE',
      message: `the private key for ${address} cannot be read`,
      hint: `${said}\nGive the whole file, with its BEGIN and END lines; a key with a passphrase needs an agent.`,
    }
  }
  if (/Permission denied/.test(stderr)) {
    return {
      code: 'SSH_UNREACHABLE',
      message: `${address} refused the key`,
      hint: `${said}\nAdd the public key to ~/.ssh/authorized_keys of that account, or give another private key (secret SSH_KEY, input ssh-key).`,
    }
  }
  return { code: 'SSH_UNREACHABLE', message: `${address} cannot be reached over SSH`, hint: said === '' ? 'ssh said nothing.' : said }
}

function bothKeys(said: string, known: string | undefined): string {
  const [, kind = '', shown] = /fingerprint for the (\S+) key sent by the remote host is\s+(SHA256:[A-Za-z0-9+/]+)/.exec(said) ?? []
  if (known === undefined || shown === undefined) return ''
  return `known_hosts has ${known}\nthe host shows  ${shown} (${kind})\n`
}

/** Where ssh says that the key stands which the host does not have. */
export function offendingKey(said: string): { file: string; line: number } | undefined {
  const [, file, line] = /^Offending \S+ key in (.+):(\d+)\s*$/m.exec(said) ?? []
  return file === undefined ? undefined : { file, line: Number(line) }
}

/** A line of known_hosts as `ssh-keygen -l` names it: `SHA256:… (ED25519)`; undefined where it holds no key. */
export function fingerprint(line: string): string | undefined {
  const [, type, key] = /(?:^|\s)((?:ssh|ecdsa|sk)-[\w@.-]+)\s+([A-Za-z0-9+/]+=*)/.exec(line) ?? []
  if (type === undefined || key === undefined) return undefined
  const sum = createHash('sha256').update(Buffer.from(key, 'base64')).digest('base64').replace(/=+$/, '')
  const kind = type.replace(/^sk-/, '').replace(/^ssh-/, '').replace(/-.*$/, '').toUpperCase()
  return `SHA256:${sum} (${kind})`
}

/** A private key as it should be: editors, copy and paste and CI settings add CR and take the last newline away. */
export function normaliseKey(key: string): string {
  return `${key.replaceAll(/\r\n?/g, '\n').trim()}\n`
}
