/** What a project says that a Swarm does otherwise, or not at all. */
export interface Note {
  level: 'error' | 'warning'
  /** Of a service; of the project without one. */
  service?: string
  what: string
  /** What to write instead. */
  instead: string
}

/** Collects them while a service is converted. */
export class Notes {
  readonly all: Note[] = []
  readonly #service: string | undefined

  constructor(service?: string, all: Note[] = []) {
    this.#service = service
    this.all = all
  }

  /** Those that follow are of this service. */
  of(service: string): Notes {
    return new Notes(service, this.all)
  }

  warn(what: string, instead: string): void {
    this.#add('warning', what, instead)
  }

  refuse(what: string, instead: string): void {
    this.#add('error', what, instead)
  }

  #add(level: Note['level'], what: string, instead: string): void {
    this.all.push({ level, what, instead, ...(this.#service === undefined ? {} : { service: this.#service }) })
  }
}

export function showNote({ service, what, instead }: Note): string {
  return `${service === undefined ? '' : `${service}: `}${what}: ${instead}`
}
