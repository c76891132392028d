import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { quote } from '../../core/command.ts'
import { Secret } from '../../core/secret.ts'
import { factsSh, type Home, homeVariables, variables } from '../program.ts'

// Written out one by one: the bundler finds the files by these expressions.
const rightsSh = readFileSync(new URL('../host/cluster-rights.sh', import.meta.url), 'utf8')
const nodeSh = readFileSync(new URL('../host/cluster-node.sh', import.meta.url), 'utf8')
const doSh = readFileSync(new URL('../host/cluster-do.sh', import.meta.url), 'utf8')
const stackSh = readFileSync(new URL('../host/cluster-stack.sh', import.meta.url), 'utf8')
const logsSh = readFileSync(new URL('../host/cluster-logs.sh', import.meta.url), 'utf8')
const execSh = readFileSync(new URL('../host/cluster-exec.sh', import.meta.url), 'utf8')
const connectionSh = readFileSync(new URL('../host/connection.sh', import.meta.url), 'utf8')
const apiSh = readFileSync(new URL('../host/cluster-api.sh', import.meta.url), 'utf8')

/** What an engine is in a swarm. */
export function nodeProgram(): string {
  return asWhoMay(nodeSh)
}

/** Makes a swarm of one manager. Its answer, which has a token in it, is not read. */
export function initProgram(address: string): string {
  return asWhoMay(
    `said=$(docker swarm init --advertise-addr ${quote(address)} 2>&1 > /dev/null < /dev/null) || fact failed "$said"\n${end}`,
  )
}

/** What lets a host join in a role. */
export function tokenProgram(role: Role): string {
  return asWhoMay(`fact token "$(docker swarm join-token --quiet ${role} < /dev/null)"\n${end}`)
}

/** Joins a swarm. `docker swarm join` takes the token on its command line alone, which everybody on the host can read. */
export function joinProgram(of: { address: string; manager: string; token: Secret }): Secret {
  const request = {
    ListenAddr: '0.0.0.0:2377',
    AdvertiseAddr: of.address,
    RemoteAddrs: [`${of.manager}:2377`],
    JoinToken: of.token.reveal(),
  }
  const join = `${apiSh}fact joined "$(api POST /swarm/join ${quote(JSON.stringify(request))} | tr -d '\\r' | tr '\\n' ' ')"\n${end}`
  return new Secret(asWhoMay(join))
}

export function promoteProgram(nodes: readonly string[]): string {
  return asWhoMay(`said=$(docker node promote ${nodes.map(quote).join(' ')} 2>&1 < /dev/null) || fact failed "$said"\n${end}`)
}

/** What a stack is: of a manager. */
export function stackProgram(stack: string, home: Home): string {
  return asWhoMay(`${variables({ ...homeVariables(home), LW_STACK: stack })}${stackSh}`)
}

/** Has docker do things, one after the other; `failed` is what it says of the one that it cannot. */
export function dockerProgram(calls: readonly (readonly string[])[]): string {
  const lines = calls.map((words) => `did ${words.map(quote).join(' ')}\n`)
  return asWhoMay(`${doSh}${lines.join('')}${end}`)
}

/** What of the logs of services is asked for. Empty texts stand for no limit. */
export interface LogRange {
  /** In the cluster. */
  services: readonly string[]
  lines: string
  since: string
  follow: boolean
}

export function logsProgram({ services, lines, since, follow }: LogRange): string {
  const values = { LW_LINES: lines, LW_SINCE: since, LW_FOLLOW: follow ? 'yes' : '' }
  return asWhoMay(
    `${variables(values)}${connectionSh}${logsSh}${services.map((name) => `follow_logs ${quote(name)}\n`).join('')}end_logs\n`,
  )
}

/** Which running container of a service this host has. */
export function findProgram(service: string): string {
  const format = '{{.ID}} {{.Names}}'
  return asWhoMay(
    `fact node "$(docker info --format '{{.Name}}' < /dev/null)"\nfact container "$(docker ps --no-trunc --filter ${quote(`label=com.docker.swarm.service.name=${service}`)} --format '${format}' < /dev/null | head -n 1)"\n${end}`,
  )
}

/** A command in a container of this host; standard input is left to it. */
export function withinProgram(container: string, command: readonly string[], of: { mark: string; input: boolean }): string {
  const call = `docker exec ${of.input ? '--interactive ' : ''}${[container, ...command].map(quote).join(' ')}${of.input ? '' : ' < /dev/null'}`
  const refused = `refused() { printf '%s\\trefused\\t%s\\n' ${quote(of.mark)} "$1" >&2; }\n`
  return `${refused}${rightsSh}printf '%s\\tbegun\\n' ${quote(of.mark)} >&2\nexec $as ${call}\n`
}

/** A service that runs once and goes. Its definition holds values of variables, so all of it is a secret. */
export function onceProgram(spec: string, mark: string): Secret {
  const values = variables({ LW_MARK: mark, LW_SPEC: spec })
  return new Secret(asWhoMay(`${values}${connectionSh}${apiSh}${execSh}once\n`))
}

export function inspectProgram(service: string): string {
  return asWhoMay(`fact spec "$(docker service inspect --format '{{json .Spec}}' ${quote(service)} < /dev/null)"\n${end}`)
}

export type Role = 'manager' | 'worker'

const end = 'fact answered yes\n'

/** Finds out who may, and has that account run the program: all on one round trip. */
function asWhoMay(program: string): string {
  const mark = `LW_END_${randomBytes(8).toString('hex')}`
  return `${factsSh}${rightsSh}$as sh -s <<'${mark}'\n${factsSh}set -u\n${program}${mark}\n`
}
