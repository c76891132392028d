import { createHash } from 'node:crypto'
import type { Row } from './description.ts'

/** What GitHub would remember of one repository. Rows are resources as the API shows them. */
export class Repository {
  readonly owner: string
  readonly name: string
  readonly id: number
  /** `heads/main` → sha, as far as a test has said so. */
  readonly refs: Record<string, string> = {}
  readonly deployments: Row[] = []
  /** By the deployment's id, oldest first, as are all lists here. */
  readonly deploymentStatuses: Record<string, Row[]> = {}
  /** By sha. */
  readonly commitStatuses: Record<string, Row[]> = {}
  readonly checkRuns: Row[] = []
  readonly issues: Row[] = []
  readonly comments: Row[] = []
  readonly releases: Row[] = []
  readonly sarifs: Row[] = []
  /** The bytes of release assets, by id. */
  readonly #files = new Map<number, Buffer>()

  constructor(owner: string, name: string, id: number) {
    this.owner = owner
    this.name = name
    this.id = id
  }

  get fullName(): string {
    return `${this.owner}/${this.name}`
  }

  /** A ref that no test has set has a sha of its own all the same: there is no git here. */
  shaOf(ref: string): string {
    if (/^[0-9a-f]{40}$/.test(ref)) return ref
    const short = ref.replace(/^refs\//, '')
    return this.refs[short] ?? this.refs[`heads/${short}`] ?? this.refs[`tags/${short}`] ?? createHash('sha1').update(short).digest('hex')
  }

  keep(asset: number, body: Buffer): void {
    this.#files.set(asset, body)
  }

  file(asset: number): Buffer | undefined {
    return this.#files.get(asset)
  }
}

export class State {
  readonly repositories: Record<string, Repository> = {}
  /** How many times an upload for code scanning is asked for while it is processed. */
  processingAsks = 0
  #lastId = 1000

  /** Every repository is there as soon as someone asks for it. Names are told apart as GitHub does, without regard to case. */
  repository(owner: string, name: string): Repository {
    return (this.repositories[`${owner}/${name}`.toLowerCase()] ??= new Repository(owner, name, this.newId()))
  }

  newId(): number {
    this.#lastId += 1
    return this.#lastId
  }
}

export interface Seen {
  method: string
  path: string
  status: number
  body: Row | string | null
}
