import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import type { Self } from '../core/ports.ts'

/** Nothing where there is no such file: outside of Linux. */
function had(read: () => string): string {
  try {
    return read().trim()
  } catch {
    return ''
  }
}

/**
 * Where a process ID means the same: the machine, its boot, and the namespace of the IDs. Two containers, or the machine
 * before and after a start, can have the same name and the same numbers.
 */
const place = [
  hostname(),
  had(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')),
  had(() => readlinkSync('/proc/self/ns/pid')).replaceAll(/\D/g, ''),
].join(':')

/** When a process was started, in ticks since the boot: its number may be given again. Its name stands in brackets, and may hold anything. */
function startOf(pid: string | number): string {
  const stat = had(() => readFileSync(`/proc/${pid}/stat`, 'utf8'))
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
}

const start = startOf(process.pid)

export const thisProcess: Self = {
  id: `${place}:${process.pid}${start === '' ? '' : `.${start}`}`,
  isGone(id) {
    const [, other, pid = '', began] = /^(.*):(\d+)(?:\.(\d+))?$/.exec(id) ?? []
    if (other !== place) return undefined
    try {
      process.kill(Number(pid), 0)
      const now = startOf(pid)
      return began !== undefined && now !== '' && now !== began
    } catch (error) {
      // EPERM: it is there, and somebody else's.
      return error instanceof Error && 'code' in error && error.code === 'ESRCH'
    }
  },
}
