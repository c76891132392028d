import type { Environment } from '../core/deployment.ts'
import type { BeforeSwitch } from '../core/lifecycle.ts'
import type { Credentials } from '../core/ports.ts'

/** What shall run, apart from what the host looks like. */
export interface Wanted {
  app: string
  release: string
  environment: Environment
  /** A release that the host has kept: its containers are started again, and nothing is brought. */
  isReturn: boolean
  /** What runs once before anything is touched; not on the hosts after the first. */
  beforeSwitch?: readonly BeforeSwitch[]
  /** Why nobody should do this, and that somebody wants it done all the same. */
  forced?: string
  /** By image name: what to pull, `repository@sha256:…`, and how large it is. */
  images: ReadonlyMap<string, { reference: string; bytes: number; platforms: readonly string[] }>
  /** Where the images of the application are pushed: the first is the name under which the host knows whose state it has. */
  repositories: readonly [string, ...string[]]
  /** For the registries that ask for one, one for each. */
  logins: ReadonlyMap<string, Credentials>
}

/** What a host lacks, and what to do about it. */
export interface Lack {
  what: string
  hint: string
}
