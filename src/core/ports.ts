import type { Readable, Writable } from 'node:stream'
import type { Command } from './command.ts'
import type { SshSettings } from './deployment.ts'
import type { LaunchwayError, Place } from './error.ts'
import type { Assets, GitHub, Notices } from './github.ts'
import type { Probe } from './probe.ts'
import type { Registry as RegistrySettings } from './release.ts'
import type { Secret } from './secret.ts'
import type { Engine } from './engine.ts'
import type { OpenWatcher } from './watcher.ts'

export type * from './engine.ts'
export type * from './watcher.ts'

export type { AssetFile, Assets, Branches, DeploymentStatus, GitHub, Notices, SarifStatus } from './github.ts'

/**
 * Everything a stage can reach outside of itself. The doors build the real ones (adapters/), tests may bring their own.
 * A stage gets them as one argument and never imports an adapter.
 */
export interface Ports {
  exec: Exec
  ssh: Ssh
  engine: Engine
  registry: Registries
  probe: Probe
  github: GitHub | undefined
  /** The commit that a branch is at on GitHub; undefined where it is not there. Absent where there is no GitHub to ask. */
  branchHead?(this: void, branch: string): Promise<string | undefined>
  /** Of the release on GitHub that set this run off; undefined where none did. */
  assets: Assets | undefined
  /** What people are told on GitHub; absent where there is no GitHub to tell it on. */
  notices?: Notices
  cache: Cache
  files: Files
  tools: Tools
  /** Ears for changes of files. */
  watcher: OpenWatcher
  clock: Clock
  log: Log
  /** The working tree that launchway.yml stands in. */
  root: string
  /** A folder for what somebody may want to look at afterwards; each stage has one of its own in it. */
  evidence: string
  /** All variables of this run's environment by name; whoever looks here masks nothing by that. */
  environment: ReadonlyMap<string, Secret>
  /** A secret by the name of its environment variable. */
  secret(this: void, name: string): Secret | undefined
  /** Takes a value that was found elsewhere than in the environment for a secret: from now on it is masked. */
  conceal(this: void, value: string): Secret
  /** The text without any secret that was asked for so far: for what others wrote, before it is kept. */
  redact(this: void, text: string): string
  /** Who runs this, for the note that a held lock shows: `ada@laptop`, or the address of a workflow run. */
  who: string
  /** This process, by which a later run on this machine can tell whether it is still there. */
  self: Self
  /** Undefined where nobody can be asked. */
  prompt?: Prompt | undefined
  /** Aborted when the run is cancelled or another stage failed. */
  signal: AbortSignal
}

/** Asks a question, and returns the line that was typed. */
export type Prompt = (question: string) => Promise<string>

export interface Self {
  id: string
  /** Whether the process of that ID has ended; undefined where it cannot be seen from here. */
  isGone(this: void, id: string): boolean | undefined
}

export interface Output {
  code: number
  /** It was ended by a signal, here on this machine: the code is 128 and the number of the signal. */
  isKilled?: true
  stdout: string
  stderr: string
  ms: number
}

export interface RunOptions {
  signal?: AbortSignal
  /** Each line as it comes, without its end. */
  onLine?: (line: string, stream: 'stdout' | 'stderr') => void
  /** Exit codes that are an answer, not a failure. Default: 0 alone. */
  accept?: readonly number[]
  /** The rest of what the program reads, of which nobody knows yet when it starts. */
  input?: Promise<string | Secret>
  /** Instead of lines and of what `Output` holds, which then is empty: byte for byte. */
  streams?: Streams
}

/** Where a program's bytes come from and go to. The two outputs are left open. */
export interface Streams {
  /** Follows what the command has as its `stdin`. Destroyed when the program ends, who may not have read it all. */
  input: Readable | undefined
  output: Writable
  errors: Writable
}

/** Runs programs on this machine. */
export interface Exec {
  /** A short question: its standard output, trimmed. Throws TOOL_MISSING or COMMAND_FAILED. */
  read(command: Command): Promise<string>
  /** A longer call: followed line by line, ended with the signal. Throws TOOL_MISSING or COMMAND_FAILED. */
  run(command: Command, options?: RunOptions): Promise<Output>
}

/** One connection to a host, over which any number of programs run. */
export interface Remote extends AsyncDisposable {
  readonly host: string
  /**
   * Feeds a POSIX shell program to a shell on the host. Nothing of it stands on a command line. With `streams` the
   * program finds their input as its own.
   * Throws SSH_UNREACHABLE when the connection breaks, COMMAND_FAILED when the program does.
   */
  sh(program: string | Secret, options?: Omit<RunOptions, 'input'> & { sudo?: boolean; timeoutMs?: number }): Promise<Output>
  /**
   * Opens a shell for a program that `sh` will be given, while others run: what three round trips take has passed by
   * then. It is of no use to one with `sudo`, `streams` or a time limit, and where it cannot be had nothing is lost.
   */
  ready?(): void
}

export interface Ssh {
  /** Throws SSH_UNREACHABLE or SSH_HOST_KEY. */
  connect(host: string, settings: SshSettings, options: { key: Secret | undefined; signal: AbortSignal }): Promise<Remote>
}
export interface Descriptor {
  mediaType: string
  digest: string
  size: number
}

/** A repository of a registry, as the OCI distribution specification has it. */
export interface Repository {
  /** As it was opened: `ghcr.io/team/app`. */
  readonly name: string
  /** What a tag or digest points at; undefined when it is not there. */
  resolve(reference: string): Promise<Descriptor | undefined>
  /** The manifest or index, byte for byte, checked against its digest. */
  manifest(reference: string): Promise<{ descriptor: Descriptor; body: Buffer } | undefined>
  putManifest(reference: string, mediaType: string, body: Buffer): Promise<Descriptor>
  blob(digest: string): Promise<Buffer | undefined>
  /** In bytes, without reading it; undefined when it is not there. */
  blobSize(digest: string): Promise<number | undefined>
  putBlob(body: Buffer): Promise<Descriptor>
  /** The bytes of a blob from that one on, as they come. */
  readBlob(digest: string, offset: number): Promise<Readable>
  /**
   * Brings a blob of another repository here: within one registry by a word, else through this machine in a stream.
   * `there`: it was here already.
   */
  copyBlob(blob: Descriptor, from: Repository): Promise<'there' | 'mounted' | 'sent'>
  /** Removes a manifest by its digest, and with it every tag that names it. What is not there is removed. */
  remove(digest: string): Promise<Removal>
  /** Removes a tag, and nothing that others name. */
  untag(tag: string): Promise<Removal>
  tags(): Promise<string[]>
  /** What says that its subject is this digest; through the tag schema where the registry has no referrers API. */
  referrers(digest: string, artifactType?: string): Promise<(Descriptor & { artifactType: string; annotations: Record<string, string> })[]>
  /** Begins an upload and cancels it: throws what a push would be refused with. There is no blob, tag or repository afterwards. */
  tryPush(): Promise<void>
  /** Attaches a document to a manifest as a referrer. */
  attach(subject: Descriptor, artifactType: string, body: Buffer, annotations?: Record<string, string>): Promise<Descriptor>
}

/** Whether a registry lets anything be removed is its operator's choice. */
export type Removal = 'removed' | 'not permitted'

export interface Credentials {
  username: string
  password: Secret
  /** Whose it is, where nobody gave one for this registry: docker's own, or GitHub's for its runs. */
  of?: 'docker' | 'GitHub'
  /** The password is what docker calls an identity token: only the registry's token server takes it, and gives others for it. */
  isIdentity?: true
}

export interface Registries {
  /**
   * @param name such as `ghcr.io/team/app`
   * @param signal that ends what is asked of it. Default: that of the run
   */
  repository(name: string, settings: RegistrySettings, signal?: AbortSignal): Promise<Repository>
  /**
   * What to log in with: the password that the configuration names, the general one where it is meant for this registry,
   * the GitHub token on ghcr.io, else what `docker login` left here.
   * @throws LaunchwayError SECRET_MISSING, or CONFIG_INVALID where it is unclear whose login is meant
   */
  credentials(settings: RegistrySettings): Promise<Credentials | undefined>
}

/** Folders that outlive a run: @actions/cache on a runner, a folder of the user elsewhere. */
export interface Cache {
  /** The key that was found (the exact one, or the newest with one of the prefixes), its paths being in place again. */
  restore(paths: string[], key: string, prefixes?: string[]): Promise<string | undefined>
  save(paths: string[], key: string): Promise<void>
}

export interface FileEntry {
  /** Relative to the root that was walked, with `/`. */
  path: string
  kind: 'file' | 'link' | 'directory'
  /** Permission bits. */
  mode: number
  size: number
  /** Of a link, by `walk`: where it says that it leads. */
  target?: string
}

/** What a path leads to, links followed. */
interface Found {
  /** Absolute, without links. */
  path: string
  /** Neither file nor folder: a socket, a pipe, a device. */
  kind: 'file' | 'directory' | 'other'
  /** Permission bits. */
  mode: number
  size: number
}

export interface Files {
  /** Undefined when it is not there. */
  look(path: string): Promise<Found | undefined>
  /** Undefined when it is not there. */
  read(path: string): Promise<Buffer | undefined>
  /** @param mode permission bits of the file, before the umask. Default: 0o666 */
  write(path: string, body: string | Buffer, mode?: number): Promise<void>
  /** The entries under the root, a folder before what is in it, in the order of their names. A pruned folder is not entered. */
  walk(root: string, choose: (path: string, kind: FileEntry['kind']) => 'keep' | 'skip' | 'prune'): Promise<FileEntry[]>
  /** Bytes, and the last writing in milliseconds since 1970; undefined when it is not there. */
  stat(path: string): Promise<{ size: number; modified: number } | undefined>
  /** SHA-256 of a file's bytes, or of a link's target, in hexadecimal. */
  hash(path: string): Promise<string>
  /** As `walk`, one entry after the other, in the order of git's index: by whole paths, where a folder's name ends with a slash. */
  tree(root: string, choose: (path: string, kind: FileEntry['kind']) => 'keep' | 'skip' | 'prune'): Iterable<FileEntry>
  /** What git calls a file's bytes, or a link's target: the SHA-1 of a blob. @param entry kind and size as `tree` has them */
  blobId(path: string, entry: Pick<FileEntry, 'kind' | 'size'>): Promise<string>
  /** A folder of this run alone, removed at its end. */
  temporary(name: string): Promise<string>
  /** Bytes that the disk below a folder still takes. */
  free(folder: string): Promise<number>
  /** @param mode permission bits, whatever the umask is */
  chmod(path: string, mode: number): Promise<void>
  /** Gives a file another name, on another disk too. Who reads that name sees what was there before, or this, whole. */
  move(from: string, to: string): Promise<void>
  /** Makes a symbolic link. The target need not be there yet. */
  link(target: string, path: string): Promise<void>
  /** Removes a file or a folder, if it is there. */
  remove(path: string): Promise<void>
}

/** Programs that launchway brings by itself, and where it keeps what can be had again. */
interface Tools {
  /**
   * The path of Trivy: that of PATH, of an earlier run or of the runner's tool cache, else the official release of the
   * pinned version, fetched once and checked. Throws TOOL_MISSING when it cannot be had, DIGEST_MISMATCH when what was
   * fetched is not what was pinned.
   * @param how.trivyMirrors who is asked for the release instead of Trivy's own server
   */
  trivy(how: { offline: boolean; trivyMirrors?: readonly string[] | undefined }): Promise<string>
  /** The same of cosign, which signatures by identity need. */
  cosign(): Promise<string>
  /** Whether a file is a database (SQLite) with so many rows in this table, or more. */
  hasRows(file: string, table: string, least: number): Promise<boolean>
  /** Whether a database (bbolt) has all of its pages. */
  isWhole(file: string): Promise<boolean>
  /** A folder of this user that outlives a run. */
  folder: string
  /** What outlives the machine, on a runner that is thrown away with that folder. */
  cache: Cache | undefined
}

export interface Clock {
  now(): Date
  /** Milliseconds that never go back, for measuring. */
  elapsed(): number
  /** Rejects with the signal's reason when it is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** Where people read. Each stage has one of its own, so that stages side by side do not mix their lines. */
export interface Log {
  info(line: string): void
  /** Shown when the run is a debug run. */
  debug(line: string): void
  notice(message: string, place?: Place): void
  warning(message: string, place?: Place): void
  /** Reported once, at the door. */
  error(error: LaunchwayError): void
  /** What follows belongs to this stage; `end` says that it is complete. */
  stage(name: string): Log & { end(outcome: string): void }
}
