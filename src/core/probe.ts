/** An answer over HTTP; of a long body the beginning. */
export interface Answer {
  status: number
  headers: Readonly<Record<string, string>>
  body: string
}

/** A request over HTTP, without its address. */
interface HttpRequest {
  method: string
  /** `host` among them. Names in lower case. */
  headers: Readonly<Record<string, string>>
  body?: string
  /** Whether a certificate is checked, for the name in `host`; else it is taken as it is, for stacks that make their own. */
  isChecked: boolean
  /** In PEM, whose certificates are good instead of those that this machine trusts. */
  ca?: string
  signal: AbortSignal
}

/** Asks what runs on this machine, or at a public address, as somebody outside would. */
export interface Probe {
  /** One request, no redirect followed. Rejects when nobody answers. */
  ask(url: string, request: HttpRequest): Promise<Answer>
  /** The same with GET and nothing but its host. */
  get(url: string, options: { host: string; signal: AbortSignal; isChecked?: boolean }): Promise<Answer>
  /** Whether somebody takes a connection and keeps it: a proxy of the engine takes it for nobody, too. */
  connects(address: string, port: number, signal: AbortSignal): Promise<boolean>
}
