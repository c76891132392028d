import { readFileSync } from 'node:fs'
import { quote } from '../core/command.ts'
import type { Environment } from '../core/deployment.ts'
import { hostPaths, type Slot } from '../core/names.ts'
import type { Project } from '../core/project.ts'
import { Secret } from '../core/secret.ts'
import { challengeFolder } from '../tools/certbot.ts'
import type { HostCall } from './call.ts'
import type { OwnSecrets } from './env-files.ts'
import type { Detach } from './observation.ts'

// Written out one by one: the bundler finds the files by these expressions.
const journalSh = readFileSync(new URL('./host/journal.sh', import.meta.url), 'utf8')
const stateSh = readFileSync(new URL('./host/state.sh', import.meta.url), 'utf8')
export const membersSh = readFileSync(new URL('./host/members.sh', import.meta.url), 'utf8')
const orderSh = readFileSync(new URL('./host/order.sh', import.meta.url), 'utf8')
const carrySh = readFileSync(new URL('./host/carry.sh', import.meta.url), 'utf8')
const recoverySh = readFileSync(new URL('./host/recovery.sh', import.meta.url), 'utf8')
const pruneSh = readFileSync(new URL('./host/prune.sh', import.meta.url), 'utf8')
const hostLockSh = readFileSync(new URL('./host/host-lock.sh', import.meta.url), 'utf8')
const nginxSh = readFileSync(new URL('./host/nginx.sh', import.meta.url), 'utf8')
const boxSh = readFileSync(new URL('./host/box.sh', import.meta.url), 'utf8')
const siteSh = readFileSync(new URL('./host/site.sh', import.meta.url), 'utf8')
const assetsSh = readFileSync(new URL('./host/assets.sh', import.meta.url), 'utf8')
const engineSh = readFileSync(new URL('./host/engine.sh', import.meta.url), 'utf8')
const containersSh = readFileSync(new URL('./host/containers.sh', import.meta.url), 'utf8')
const accessorySh = readFileSync(new URL('./host/accessory.sh', import.meta.url), 'utf8')
const certificateSh = readFileSync(new URL('./host/certificate.sh', import.meta.url), 'utf8')
const behindSh = readFileSync(new URL('./host/behind.sh', import.meta.url), 'utf8')
const beforeSwitchSh = readFileSync(new URL('./host/before-switch.sh', import.meta.url), 'utf8')
const confirmSh = readFileSync(new URL('./host/confirm.sh', import.meta.url), 'utf8')
const crontabSh = readFileSync(new URL('./host/crontab.sh', import.meta.url), 'utf8')
const cronSh = readFileSync(new URL('./host/cron.sh', import.meta.url), 'utf8')
const jobSh = readFileSync(new URL('./host/job.sh', import.meta.url), 'utf8')
const observeCronSh = readFileSync(new URL('./host/observe-cron.sh', import.meta.url), 'utf8')
const observeLoginSh = readFileSync(new URL('./host/observe-login.sh', import.meta.url), 'utf8')
const observeFilesSh = readFileSync(new URL('./host/observe-files.sh', import.meta.url), 'utf8')
const observeTlsSh = readFileSync(new URL('./host/observe-tls.sh', import.meta.url), 'utf8')
const observeEngineSh = readFileSync(new URL('./host/observe-engine.sh', import.meta.url), 'utf8')
const observeDataSh = readFileSync(new URL('./host/observe-data.sh', import.meta.url), 'utf8')
const observeCarriedSh = readFileSync(new URL('./host/observe-carried.sh', import.meta.url), 'utf8')
const healthSh = readFileSync(new URL('./host/health.sh', import.meta.url), 'utf8')
const staySh = readFileSync(new URL('./host/stay.sh', import.meta.url), 'utf8')
const applySh = readFileSync(new URL('./host/apply.sh', import.meta.url), 'utf8')
const launchSh = readFileSync(new URL('./host/launch.sh', import.meta.url), 'utf8')
const filesSh = readFileSync(new URL('./host/files.sh', import.meta.url), 'utf8')
const receiveSh = readFileSync(new URL('./host/receive.sh', import.meta.url), 'utf8')
const maintenanceSh = readFileSync(new URL('./host/maintenance.sh', import.meta.url), 'utf8')
export const factsSh = readFileSync(new URL('./host/facts.sh', import.meta.url), 'utf8')
export const ownSh = readFileSync(new URL('./host/own.sh', import.meta.url), 'utf8')
const swarmSh = readFileSync(new URL('./host/swarm.sh', import.meta.url), 'utf8')
const swarmLockSh = readFileSync(new URL('./host/swarm-lock.sh', import.meta.url), 'utf8')
const swarmUndoSh = readFileSync(new URL('./host/swarm-undo.sh', import.meta.url), 'utf8')
const observeSwarmSh = readFileSync(new URL('./host/observe-swarm.sh', import.meta.url), 'utf8')
const observeSh = readFileSync(new URL('./host/observe.sh', import.meta.url), 'utf8')

/** Which state folder a program works on. */
export interface Home {
  app: string
  environment: string
  stateRoot: string
}

export interface Attempt extends Home {
  release: string
  /** Hexadecimal, unlike that of any other attempt. */
  attempt: string
  slot: Slot
  keep: number
  /** Whom a held lock names. */
  by: string
  /** What people call the release, for the history. */
  version?: string
  /** What the attempt is, for the history: `deploy`, `rollback`, `stop`… */
  did?: string
}

export function homeOf({ app, environment }: { app: string; environment: Environment }): Home {
  return { app, environment: environment.name, stateRoot: environment.stateRoot }
}

/** What a release wants of a host, that has to be looked for. */
export interface Sought {
  /** `80`, `53/udp`. */
  ports: readonly (number | string)[]
  nginx: boolean
  /** In which nginx runs; without it it is a program of the host. */
  container?: string
  /** It has scheduled commands. */
  cron: boolean
  /** What may be left running is asked what it is made from. */
  definitions: boolean
  /** And whether it answers: `askedOf`. */
  asked: readonly string[]
  /** Paths on the host. */
  files: readonly string[]
  /** By what certbot knows them. */
  certificates: readonly string[]
  /** Files of certificates that somebody else sees to. */
  chains?: readonly string[]
  /** What somebody else has to have made. */
  external?: Project['external']
  /** Names of volumes that it writes to, and nobody else may. */
  volumes?: readonly string[]
  /** References that it pulls, where they are not there. */
  images?: readonly string[]
}

/** The program that looks at a host. */
export function observeProgram(
  home: Home,
  { ports, nginx, container = '', cron, definitions, asked, files, certificates, chains = [], external, volumes = [], images = [] }: Sought,
): string {
  const sought = {
    LW_WANTED: ports.join(' '),
    LW_NGINX: nginx ? 'yes' : '',
    LW_BOX: container,
    LW_CRON: cron ? 'yes' : '',
    LW_DEFINITIONS: definitions ? 'yes' : '',
    LW_ASKED: asked.join('\n'),
    LW_FILES: files.join('\n'),
    LW_CERTIFICATES: certificates.join(' '),
    LW_CHAINS: chains.join('\n'),
    LW_CHALLENGES: challengeFolder,
    LW_PATHS: external?.paths.join('\n') ?? '',
    LW_NETWORKS: external !== undefined && external.networks.length > 0 ? 'yes' : '',
    LW_VOLUMES: external !== undefined && external.volumes.length > 0 ? 'yes' : '',
    LW_DATA: volumes.join(' '),
    LW_IMAGES: images.join(' '),
  }
  const parts = [
    factsSh,
    ownSh,
    orderSh,
    boxSh,
    crontabSh,
    observeCronSh,
    observeFilesSh,
    observeEngineSh,
    observeDataSh,
    observeLoginSh,
    healthSh,
    observeCarriedSh,
  ]
  return `${variables({ ...homeVariables(home), ...sought })}${parts.join('')}${observeTlsSh}${observeSh}`
}

/** The program that takes an archive into the folder of an attempt. */
export function receiveProgram(home: Home, attempt: string): string {
  return `${variables({ ...homeVariables(home), LW_ATTEMPT: attempt })}${receiveSh}`
}

/** What the look at a manager asks of its Swarm, after what it asks of the host. @param sought variables of observe-swarm.sh */
export const observeSwarm = (sought: Readonly<Record<string, string>>): string => `${variables({ ...sought })}${observeSwarmSh}`

/** What the apply program of a stack needs beside that of a release. @param sought variables of swarm.sh */
export const swarmFunctions = (sought: Readonly<Record<string, string>>): string =>
  `${variables({ ...sought })}${swarmLockSh}${swarmSh}${swarmUndoSh}`

/** The program that closes an application for its visitors, or opens it again. */
export function maintenanceProgram(home: Home, { wanted, by }: { wanted: 'on' | 'off'; by: string }): string {
  return `${variables({ ...homeVariables(home), LW_MAINTENANCE: wanted, LW_BY: by })}${maintenanceSh}`
}

/**
 * The program that performs a release: what is saved on the host and started there, detached.
 * @param more functions beside those of a release
 */
export function applyProgram(attempt: Attempt, calls: readonly HostCall[], more = ''): string {
  const head = variables({
    ...homeVariables(attempt),
    LW_RELEASE: attempt.release,
    LW_ATTEMPT: attempt.attempt,
    LW_SLOT: attempt.slot,
    LW_KEEP: String(attempt.keep),
    LW_BY: attempt.by,
    LW_VERSION: attempt.version ?? '',
    LW_DID: attempt.did ?? '',
  })
  const programs = [
    journalSh,
    engineSh,
    stateSh,
    recoverySh,
    membersSh,
    orderSh,
    hostLockSh,
    pruneSh,
    filesSh,
    nginxSh,
    boxSh,
    siteSh,
    assetsSh,
    containersSh,
    carrySh,
    accessorySh,
    crontabSh,
    cronSh,
    `job_text() {\ncat <<'LW_END_OF_JOB'\n${jobSh}LW_END_OF_JOB\n}\n`,
    healthSh,
    staySh,
    certificateSh,
    behindSh,
    beforeSwitchSh,
    confirmSh,
    applySh,
    more,
  ]
  return `#!/bin/sh\n${head}${programs.join('')}\n[ "\${1:-}" != rescue ] || rescue\n${calls.map((call) => `${call.map(quote).join(' ')}\n`).join('')}`
}

/** A file that travels with the apply program, into the folder of the attempt: attempts/<id>/ of the state. */
export interface Parcel {
  name:
    | 'apply.sh'
    | 'images'
    | 'secrets'
    | 'definitions'
    | 'config.json'
    | 'release.json'
    | `site.${string}`
    | 'texts'
    | `texts.${string}`
    | `swarm.${string}`
  mode: '0600' | '0644'
  body: string | Secret
}

/**
 * The program that brings the parcels, starts the apply program and follows it. It may hold secrets, so it is one as
 * a whole: it exists as the standard input of ssh, and nowhere else.
 */
export function launchProgram(attempt: Attempt, parcels: readonly Parcel[], detach: Detach = 'setsid'): Secret {
  const head = variables({ ...homeVariables(attempt), LW_RELEASE: attempt.release, LW_ATTEMPT: attempt.attempt, LW_DETACH: detach })
  const received = parcels.map(({ name, mode, body }) => {
    const text = body instanceof Secret ? body.reveal() : body
    const end = `LW_END_${attempt.attempt}`
    if (text.includes(end)) throw new TypeError(`${name} holds the end mark ${end}`)
    return `receive ${name} ${mode} <<'${end}'\n${text}${text.endsWith('\n') ? '' : '\n'}${end}\n`
  })
  return new Secret(`${head}${launchSh}\nprepare\n${received.join('')}start\nfollow\n`)
}

/** The program that joins an attempt which an earlier connection started, and follows it to its end. */
export function attachProgram(attempt: Home & Pick<Attempt, 'release' | 'attempt'>): string {
  const head = variables({ ...homeVariables(attempt), LW_RELEASE: attempt.release, LW_ATTEMPT: attempt.attempt })
  return `${head}${launchSh}\nattach\nfollow\n`
}

/**
 * The file that gives a container its secrets, by way of the environment of `docker create`.
 * @param own by service, whose name is in LW_SERVICE: what it alone is given
 */
export function secretsFile(secrets: ReadonlyMap<string, Secret>, own: OwnSecrets = new Map()): Secret {
  const exports = (of: ReadonlyMap<string, Secret>): string =>
    [...of].map(([name, value]) => `export ${name}=${quote(value.reveal())}\n`).join('')
  const cases = [...own].map(([service, of]) => `${quote(service)})\n${exports(of)};;\n`)
  return new Secret(`${exports(secrets)}${cases.length === 0 ? '' : `case \${LW_SERVICE-} in\n${cases.join('')}esac\n`}`)
}

export function homeVariables({ app, environment, stateRoot }: Home): Record<string, string> {
  return { LW_APP: app, LW_ENVIRONMENT: environment, LW_ROOT: stateRoot, LW_HOME: hostPaths(stateRoot, app, environment).home }
}

export function variables(values: Record<string, string>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}=${quote(value)}\n`)
    .join('')
}
