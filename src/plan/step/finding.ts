/** The next ways to run the same services: each says what the one before it cannot, and the other way round. */
export type Step = 'compose' | 'swarm'

/** What becomes of something that an environment says. */
export interface Finding {
  /**
   * `lost`: there is no such thing. `otherwise`: it comes along, and means something else there. `write`: the same,
   * to be written in another place.
   */
  level: 'lost' | 'otherwise' | 'write'
  /** A service or an accessory; the environment without one. */
  service?: string
  /** What is said: `privileged`, `publish 127.0.0.1:8080`. */
  what: string
  /** What to write instead. */
  instead: string
}

export const levels = ['lost', 'otherwise', 'write'] as const satisfies Finding['level'][]
