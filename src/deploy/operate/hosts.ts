import type { Environment } from '../../core/deployment.ts'
import { type ErrorCode, errorCodes, LaunchwayError } from '../../core/error.ts'
import { isHostNamed } from '../../core/names.ts'
import type { Ports, Remote } from '../../core/ports.ts'
import type { Secret } from '../../core/secret.ts'
import { unseen } from '../status.ts'

/** What runs, and where: an application in one of its environments. */
export interface Target {
  app: string
  environment: Environment
}

/** What a verb comes to. */
export interface Answer {
  text: string
  /** The same, for `--json`. */
  json: unknown
  /** The exit code, where it is not 0. */
  exit?: number
}

/** What one host answered; or why it did not. */
export type Answered<T> = (T & { host: string; error?: never }) | { host: string; error: Refusal }

export interface Refusal {
  code: ErrorCode
  message: string
  hint?: string
}

export function connectTo(host: string, { environment: { ssh } }: Target, ports: Ports): Promise<Remote> {
  return ports.ssh.connect(host, ssh, { key: ports.secret(ssh.key), signal: ports.signal })
}

/** Asks every host, side by side. One that does not answer hides no other. */
export function askAll<T>(hosts: readonly string[], ask: (host: string) => Promise<T>, ports: Ports): Promise<Answered<T>[]> {
  return Promise.all(hosts.map((host) => answerOf(host, ask, ports)))
}

/** Has something done on every host, one after the other. What one refuses, the others do all the same. */
export async function changeAll<T>(hosts: readonly string[], change: (host: string) => Promise<T>, ports: Ports): Promise<Answered<T>[]> {
  const answers: Answered<T>[] = []
  for (const host of hosts) answers.push(await answerOf(host, change, ports))
  return answers
}

async function answerOf<T>(host: string, ask: (host: string) => Promise<T>, ports: Ports): Promise<Answered<T>> {
  try {
    return { ...(await ask(host)), host }
  } catch (error) {
    return toRefused(unseen(host, error, ports))
  }
}

function toRefused({ host, error }: ReturnType<typeof unseen>): { host: string; error: Refusal } {
  if (error === undefined) throw new TypeError(`${host} has not refused`)
  return { host, error }
}

/** The exit code of the first host that refused. */
export function exitOf(answers: readonly { error?: Refusal }[]): { exit: number } | Record<string, never> {
  const failed = answers.find(({ error }) => error !== undefined)?.error
  return failed === undefined ? {} : { exit: errorCodes[failed.code].exit }
}

export function showRefusal(host: string, { code, message, hint }: Refusal): string {
  const more = hint === undefined ? [] : hint.split('\n').map((line) => `  ${line}`)
  return [`${host}: ${code}: ${message}`, ...more].join('\n')
}

/**
 * The hosts that are meant.
 * @param wanted an address as launchway.yml has it, or its host alone; all of them without one
 * @throws LaunchwayError USAGE
 */
export function hostsOf({ environment }: Target, wanted: string | undefined): [string, ...string[]] {
  const [first = '', ...others] = environment.hosts.filter((host) => wanted === undefined || isHostNamed(host, wanted))
  if (first !== '') return [first, ...others]
  throw new LaunchwayError('USAGE', `${environment.name} has no host "${wanted ?? ''}"`, {
    hint: `It has: ${environment.hosts.join(', ')}`,
  })
}

/** What a program answered: values by the name of the fact. */
export class Facts {
  readonly #lines: readonly (readonly string[])[]

  constructor(text: string) {
    this.#lines = text.split('\n').map((line) => line.split('\t'))
  }

  all(name: string): (readonly string[])[] {
    return this.#lines.flatMap(([key, ...values]) => (key === name ? [values] : []))
  }

  first(name: string): string | undefined {
    return this.all(name)[0]?.join('\t')
  }
}

const timeoutMs = 60_000

/**
 * Has a program answer a question.
 * @throws LaunchwayError HOST_UNFIT when the account may not, or the program does not come to its end
 */
export async function ask(remote: Remote, program: string | Secret): Promise<Facts> {
  const output = await remote.sh(program, { timeoutMs }).catch((error: unknown) => {
    if (error instanceof LaunchwayError && error.code === 'COMMAND_FAILED')
      throw unanswered(remote.host, `${error.message}\n${error.hint ?? ''}`, error)
    throw error
  })
  const facts = new Facts(output.stdout)
  const account = facts.first('refused')
  if (account !== undefined) throw refused(remote.host, account)
  if (facts.first('answered') !== 'yes') throw unanswered(remote.host, output.stderr.trim())
  return facts
}

function unanswered(host: string, said: string, cause?: unknown): LaunchwayError {
  return new LaunchwayError('HOST_UNFIT', `${host} did not answer to the end`, {
    hint: `${said}\nAn engine that does not answer is a usual cause. On the host: docker version, docker ps`.trim(),
    cause,
  })
}

export function refused(host: string, account: string): LaunchwayError {
  return new LaunchwayError('HOST_UNFIT', `the account ${account} may not use docker on ${host}`, {
    hint: `As root on the host: usermod -aG docker ${account}, or let the account sudo without a password. If docker is down: systemctl status docker`,
  })
}
