import { hostname } from 'node:os'
import type { Self } from '../core/ports.ts'

/** In a container the host's name is the container's own, so processes of different containers are not taken for one another. */
export const thisProcess: Self = {
  id: `${hostname()}:${process.pid}`,
  isGone(id) {
    const [, machine, pid] = /^(.*):(\d+)$/.exec(id) ?? []
    if (machine !== hostname()) return false
    try {
      process.kill(Number(pid), 0)
      return false
    } catch (error) {
      // EPERM: it is there, and somebody else's.
      return error instanceof Error && 'code' in error && error.code === 'ESRCH'
    }
  },
}
