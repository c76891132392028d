import { readdirSync, readFileSync } from 'node:fs'

/** Between two looks: a client may be there for a blink. */
const everyMs = 10

/** The number that the newest process of this machine was given; those of containers have one here, too. */
function newest(): number {
  return Number(readFileSync('/proc/loadavg', 'utf8').trim().split(' ').at(-1))
}

/**
 * Watches the command lines of all processes. To list them and read hundreds, a hundred times a second, would take a
 * processor of its own, away from what is watched: only those that are new are looked at that often, since a process
 * becomes another program soon after it has begun; and all of them now and then.
 */
export function watchCommandLines(isMeant: (line: string) => boolean): { stop(): string[] } {
  const found = new Set<string>()
  /** By process how often it was looked at, and whether it was there. */
  const young = new Map<number, { looks: number; seen: boolean }>()
  let last = newest()
  let ticks = 0
  const isThere = (pid: number): boolean => {
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      if (isMeant(line)) found.add(line.replaceAll('\0', ' '))
      return true
    } catch {
      return false
    }
  }
  const look = (): void => {
    const now = newest()
    // After the last number the first one follows: those few are met among all of them.
    for (let pid = last + 1; pid <= now; pid += 1) young.set(pid, { looks: 0, seen: false })
    last = now
    for (const [pid, one] of young) {
      one.looks += 1
      if (one.looks > 10 && one.looks % 5 !== 0) continue
      const there = isThere(pid)
      // Its number is given before it can be seen.
      if ((!there && (one.seen || one.looks > 5)) || one.looks >= 60) young.delete(pid)
      one.seen ||= there
    }
    if (ticks % 100 === 0) for (const name of readdirSync('/proc')) if (/^\d+$/.test(name)) isThere(Number(name))
    ticks += 1
  }
  look()
  const timer = setInterval(look, everyMs)
  return {
    stop() {
      clearInterval(timer)
      return [...found]
    },
  }
}
