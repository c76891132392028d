import type { Lab, LabHost } from '../lab.ts'

/** What programs send that forms do not. */
interface Asked {
  json?: unknown
  headers?: Readonly<Record<string, string>>
}

/** Where a system of an example runs in a lab, and what answers there. */
export interface Site {
  lab: Lab
  host: LabHost
  app: string
  /** The working tree of its team. */
  folder: string
  /** Asks it as people do, from this machine; a form or JSON is posted. */
  ask(this: void, path: string, form?: Readonly<Record<string, string>>, more?: Asked): Promise<{ status: number; body: string }>
  onHost(this: void, ...words: string[]): Promise<string>
}

/** The same before anything runs there. */
export type Ground = Omit<Site, 'ask'>

/** Files that are changed, by path: what is written, and what stands there instead. */
export type Change = Readonly<Record<string, readonly [string, string]>>

/** One of the examples, as far as releasing it in a lab differs from releasing it in the world. */
export interface System {
  branch: string
  environment: string
  /** Port of the host at which people reach it, of those that a lab leads to this machine. */
  port: '80' | '443' | '5000' | '6000'
  /** Its name on the internet. */
  serverName: string
  /** Images that its Dockerfiles begin from, beyond those that every set-up has. */
  bases?: readonly string[]
  /** Images of others that its compose files name. */
  pulled: readonly string[]
  /** It is asked over HTTPS; its certificate is by the authority of the lab. */
  https?: true
  /** Texts of its files that are otherwise in a lab. */
  texts: Readonly<Record<string, string>>
  /** What its team would have given to the step that deploys, beside the SSH key. */
  secrets: Readonly<Record<string, string>>
  /** What has to be there on the host before, as its document says. */
  prepare(site: Ground): Promise<void>
  /** Takes away what `prepare` has made. */
  clear(site: Ground): Promise<void>
  /** Its versions wait until somebody confirms them. */
  confirms?: true
  /** A POST that answers with the version alone. */
  version: string
  /** Makes the version 1.1.0 of 1.0.0. */
  next: Change
  /** What the smoke test would find: it is switched off with it. */
  broken: Change
  /** Does with it what people do with it. @throws where something is not as it should be */
  use(site: Site, version: string): Promise<void>
}
