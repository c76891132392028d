import type { Hashes } from '../core/contents.ts'
import type { Environment } from '../core/deployment.ts'
import type { BeforeSwitch } from '../core/lifecycle.ts'
import type { Credentials } from '../core/ports.ts'

export interface WantedImage {
  reference: string
  bytes: number
  platforms: readonly string[]
  /** Of somebody else, taken as it is. */
  isPulled?: true
}

/** What shall run, apart from what the host looks like. */
export interface Wanted {
  app: string
  release: string
  environment: Environment
  /** A release that the host has kept: its containers are started again, and nothing is brought. */
  isReturn: boolean
  /** The release that this return takes back, since it failed on another host: it shall not count as one that ran. */
  takesBack?: string
  /** What runs once before anything is touched; not on the hosts after the first. */
  beforeSwitch?: readonly BeforeSwitch[]
  /** The release whose images are put live again. */
  redeploys?: string
  /** What runs once for all hosts runs here. */
  isFirstHost?: true
  /** Why nobody should do this, and that somebody wants it done all the same. */
  forced?: string
  /** By image name: what to pull, `repository@sha256:…`, and how large it is. */
  images: ReadonlyMap<string, WantedImage>
  /** Where the images of the application are pushed: the first is the name under which the host knows whose state it has. */
  repositories: readonly [string, ...string[]]
  /** Containers of the host that are made from what this release would make them from: `unchangedOn`. */
  unchanged?: ReadonlySet<string>
  /** By service, those of other releases that serve in this one: `placesOf` decides it. */
  containers?: ReadonlyMap<string, string>
  /** What it mounts of the repository. `digestOf` (core/contents.ts) says by it what a service is given; absent: nothing. */
  hashes?: Hashes
  /** Containers that say nothing of their logs are given a bound: the engine has none. It is no part of what they are. */
  boundsLogs?: boolean
  /** For the registries that ask for one, one for each. */
  logins: ReadonlyMap<string, Credentials>
}

/** What a host lacks, and what to do about it. */
export interface Lack {
  what: string
  hint: string
}
