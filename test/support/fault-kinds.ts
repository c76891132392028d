/** What can happen to a deploy from outside. `interrupts` says whether requests may fail until the host is itself again. */
export const faultKinds = {
  'the connection is cut': { interrupts: false },
  'the runner is killed': { interrupts: false },
  'the program on the host is killed': { interrupts: false },
  'the engine is restarted': { interrupts: true },
  'the engine is gone, and comes back later': { interrupts: true },
  'the host is rebooted': { interrupts: true },
} as const
export type FaultKind = keyof typeof faultKinds
