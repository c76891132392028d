import { z } from 'zod'

// Every schema of ours is used once in a run: compiling it to a function first would take longer than it saves.
z.config({ jitless: true })

/**
 * The names that other programs see: containers, labels, tags, folders. They are a contract: a host or a registry
 * keeps them for years (docs/reference/names.md, docs/adr/0003-names.md).
 */

/** An application, environment, service or image name. No dot, so that dots can join names and be taken apart again. */
export const Name = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,39}$/, 'must be 1 to 40 characters of a-z, 0-9, "_" and "-", starting with a letter or digit')

/** `20261121-101500-4f2a9c1`: when the release was planned (UTC) and the commit; sorts by time. */
export const ReleaseId = z.string().regex(/^\d{8}-\d{6}-[0-9a-f]{7}$/, 'must look like 20261121-101500-4f2a9c1')

/** One of the two places beside each other that a release can run in. A release has one on each host. */
export const Slot = z.enum(['a', 'b'])
export type Slot = z.infer<typeof Slot>

/** `sha256:…` of a manifest, an index or an image configuration. */
export const Digest = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'must be sha256: and 64 hexadecimal digits')

/** The content key of an image: the first 32 hexadecimal digits of a SHA-256 over what determines it. */
export const ContentKey = z.string().regex(/^[0-9a-f]{32}$/)

export function releaseId(at: Date, sha: string): string {
  const time = at.toISOString().replaceAll(/[-:]/g, '').slice(0, 15).replace('T', '-')
  return `${time}-${sha.slice(0, 7)}`
}

/** Labels on every container (and image that launchway builds). */
export const labels = {
  app: 'launchway.app',
  environment: 'launchway.environment',
  service: 'launchway.service',
  slot: 'launchway.slot',
  release: 'launchway.release',
} as const

/** What a container does that serves nobody, such as `before-switch`. */
export const taskLabel = 'launchway.task'
/** On a container of a scheduled command, with its times: one that is started at those alone. */
export const cronLabel = 'launchway.cron'
/** On a container of `exec --new`, with `addie.production`: it has none of the labels by which those of a release are found. */
export const oneOffLabel = 'launchway.exec'

/** On an image: its content key. */
export const keyLabel = 'launchway.key'

/** `addie.production.web.20261121-101500-4f2a9c1` */
export function containerName(of: { app: string; environment: string; service: string; release: string }): string {
  return [of.app, of.environment, of.service, of.release].join('.')
}

/** Labels on an accessory, beside those of its application and environment: it belongs to no release. */
export const accessoryLabels = {
  accessory: 'launchway.accessory',
  /** What it was started as, in JSON; no secret. */
  configuration: 'launchway.configuration',
  /** A hash of what it mounts of the repository and of its texts, without their secrets. */
  contents: 'launchway.contents',
} as const

/** `addie.production.redis`: one part fewer than a container of a release has. */
export function accessoryName(of: { app: string; environment: string; accessory: string }): string {
  return [of.app, of.environment, of.accessory].join('.')
}

/** The network of what says no other, in an environment with accessories. */
export function environmentNetwork(of: { app: string; environment: string }): string {
  return `${of.app}.${of.environment}`
}

/** Labels on everything that a smoke test makes, so that what a killed run left can be found and removed. */
export const smokeLabels = {
  /** The compose project: `launchway-smoke-addie-4f2a9c1b`. */
  project: 'launchway.smoke',
  /** The process that will remove it, with `watch:` before it while it waits for changes; `kept:` and the working tree where somebody wants to look around. */
  owner: 'launchway.smoke.owner',
} as const

const keptPrefix = 'kept:'
/** The owner of a stack that stays until it is taken down from the same working tree. */
export const keptBy = (root: string): string => `${keptPrefix}${root}`
/** No process has such an ID: it would end with a number after its last colon, and no machine has a slash in its name. */
export const isKept = (owner: string): boolean => owner.startsWith(`${keptPrefix}/`)

const watchedPrefix = 'watch:'
/** The owner of a stack that stays for as long as that process watches its files, which may be a day. */
export const watchedBy = (self: string): string => `${watchedPrefix}${self}`
export const isWatched = (owner: string): boolean => owner.startsWith(watchedPrefix)
/** The process of an owner. */
export const processOf = (owner: string): string => (isWatched(owner) ? owner.slice(watchedPrefix.length) : owner)

/** What a script that checks a stack finds in its environment. */
export const smokeVariables = {
  project: 'LAUNCHWAY_SMOKE_PROJECT',
  /** Followed by the service, and the port or CONTAINER. */
  address: 'LAUNCHWAY_SMOKE_',
} as const

/** `LAUNCHWAY_SMOKE_WEB_5000`: in capitals, and what no variable can have is an underscore. */
export function smokeVariable(service: string, what: number | 'CONTAINER'): string {
  return `${smokeVariables.address}${service.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}_${what}`
}

/** @param random a few hexadecimal digits: any number of runs stand side by side */
export const smokeProject = (app: string, random: string): string => `launchway-smoke-${app}-${random}`

/** The tag a candidate has before the gate: the only kind of tag written before smoke and scan have passed. */
export const keyTag = (key: string): string => `launchway-${key}`

/** Where an image keeps the layers of its builds, if its cache is the registry. */
export const cacheTag = (image: string): string => `launchway-cache-${image}`

/** The references under which an image exists before the gate: its key, in each repository. */
export function candidates(image: { repositories: readonly string[] }, key: string): string[] {
  return image.repositories.map((repository) => `${repository}:${keyTag(key)}`)
}

/** The name of an application that says none: the last part of its first repository. */
export function appOf(repository: string): string {
  return (repository.split('/').at(-1) ?? '').replaceAll('.', '-').slice(0, 40)
}

/**
 * The tag in a repository that points at the current release record of an environment. An application that is not
 * named after the repository may share it with others: its name then stands in the tag, and the dot, which no name
 * has, keeps the two shapes apart.
 */
export function environmentTag(of: { repository: string; app: string; environment: string }): string {
  return `launchway-env-${of.app === appOf(of.repository) ? '' : `${of.app}.`}${of.environment}`
}

/** The tag of what is being moved, by which a later run knows a set of tags that was left half moved; shared like that of an environment. */
export function movingTag(of: { repository: string; app: string }): string {
  return `launchway-moving${of.app === appOf(of.repository) ? '' : `-${of.app}`}`
}

/** Tags that mean something to launchway, or (`sha256-…`) to the referrers tag schema of OCI: nobody else's to write. */
export function isOwnTag(tag: string): boolean {
  return /^(launchway-|sha256-[0-9a-f]{64})/.test(tag)
}

/** The release record beside an image in the registry. */
export const recordType = 'application/vnd.launchway.release.v1+json'
/** What an image was built of, beside it in the registry: JSON, compressed. */
export const inputsType = 'application/vnd.launchway.inputs.v1.json+gzip'

/** Where a host keeps what it knows, unless the environment's `state` key names another root. */
export const stateRoot = '/var/lib/launchway'

/** Where a repository keeps the keys of its hosts, unless the configuration says otherwise. */
export const repositoryKnownHosts = '.github/known_hosts'

/** What lies where under the state root (docs/reference/names.md). */
export function hostPaths(root: string, app: string, environment: string) {
  const home = `${root}/${app}/${environment}`
  return {
    home,
    /** One deploy of this application and environment at a time. */
    lock: `${home}/lock`,
    /** One change of nginx and of ports on this host at a time. */
    hostLock: `${root}/host.lock`,
    journal: `${home}/journal.jsonl`,
    current: `${home}/current`,
    previous: `${home}/previous`,
    /** While it is there, slot b serves, else slot a: nginx looks for it at each request. */
    slotFile: `${home}/slot.b`,
    /** While it is there, visitors get a page instead of the application. */
    maintenance: `${home}/maintenance`,
    /** In which container nginx runs that leads here, and how that names the folder for what servers include. */
    nginxContainer: `${home}/nginx.container`,
    /** What a line of a crontab starts. */
    job: `${home}/job.sh`,
    release: (id: string) => `${home}/releases/${id}`,
    /** What the container of an accessory mounts that was made with that release. */
    accessory: (name: string, release: string) => `${home}/accessories/${name}/${release}`,
    /** What releases mount of the repository, by the hash of what it is. */
    files: `${home}/files`,
    /** What visitors are given of both slots of a service: `a/files/…` and `b/files/…`, by the path that they ask for. */
    assets: (service: string) => `${home}/assets/${service}`,
  }
}

/** Whether somebody means a host (`deploy@a.example.org:22`) by a word: its address, or the name in it. */
export function isHostNamed(host: string, word: string): boolean {
  return host === word || host.slice(host.indexOf('@') + 1).replace(/:\d+$/, '') === word
}
