import { quote } from '../core/command.ts'
import { milliseconds } from '../core/units.ts'
import type { Ports, Remote } from '../core/ports.ts'
import { chainWarnings } from './chains.ts'
import { heldWords } from './held.ts'
import { look } from './look.ts'
import type { Observation } from './observation.ts'
import { homeOf } from './program.ts'
import { unfit } from './unfit.ts'
import { leftBehind, leftUnnamed } from './volume-lacks.ts'
import { showWait, waitOf, waysOut } from './waiting.ts'
import type { Lack, Wanted } from './wanted.ts'

/** What a host would say to a deploy, asked without one. */
export interface Examined {
  /** What a deploy would be refused for. */
  lacks: readonly Lack[]
  /** What would make it wait, or be refused today: somebody holds it, a version waits. */
  held: readonly Lack[]
  /** The host's clock is that much ahead of the one here; 0 where the difference is within the time of the question. */
  skewMs: number
  freeBytes: number | undefined
  /** Folders and files of the host that services mount and that are not there. */
  absent: readonly string[]
  /** What browsers would say of the certificates that nginx presents. */
  certificates: readonly string[]
}

/**
 * Looks at a host as a deploy would, and changes nothing.
 * @throws LaunchwayError SSH_UNREACHABLE, SSH_HOST_KEY, HOST_UNFIT
 */
export async function examine(
  host: string,
  wanted: Pick<Wanted, 'app' | 'environment' | 'repositories' | 'images'>,
  ports: Pick<Ports, 'ssh' | 'secret' | 'signal' | 'clock'>,
): Promise<Examined> {
  const { environment } = wanted
  await using remote = await ports.ssh.connect(host, environment.ssh, { key: ports.secret(environment.ssh.key), signal: ports.signal })
  const before = ports.clock.now()
  const seen = await look(remote, homeOf(wanted), environment, wanted.images)
  const after = ports.clock.now()
  const whole = { ...wanted, release: '', isReturn: false, logins: new Map() }
  return {
    lacks: [...unfit(whole, seen), ...leftBehind(whole, seen), ...(environment.project === undefined ? leftUnnamed(whole, seen) : [])],
    held: heldBy(seen, environment.name),
    skewMs: seen.clock === undefined ? 0 : skew(seen.clock, before, after),
    freeBytes: seen.freeBytes,
    absent: await absentOn(remote, mountsOf(wanted)),
    certificates: chainWarnings(environment, seen.nginx),
  }
}

/** Hosts say whole seconds, rounded down. */
export function skew(at: Date, before: Date, after: Date): number {
  const [early, late] = [before.getTime() - at.getTime() - 1000, at.getTime() - after.getTime()]
  return late > 0 ? late : early > 0 ? -early : 0
}

function heldBy(seen: Observation, environment: string): Lack[] {
  const { lockedBy, held, isInterrupted } = seen
  const wait = waitOf(seen)
  return [
    ...(lockedBy === undefined ? [] : [{ what: `somebody deploys right now: ${lockedBy}`, hint: 'Wait for its end.' }]),
    ...(held === undefined ? [] : [{ what: `deploys are locked: ${heldWords(held)}`, hint: 'Ask them, or lift it: launchway unlock' }]),
    ...(wait === undefined
      ? []
      : [{ what: `a version waits for a confirmation: ${showWait(wait)}`, hint: waysOut(environment, 'the version before') }]),
    ...(isInterrupted && lockedBy === undefined
      ? [{ what: 'an earlier attempt broke off here', hint: 'The next deploy finishes or undoes it first.' }]
      : []),
  ]
}

function mountsOf({ environment }: Pick<Wanted, 'environment'>): string[] {
  const volumes = [...environment.services, ...environment.accessories].flatMap((one) => one.volumes)
  return [...new Set(volumes.flatMap((volume) => (volume.startsWith('/') ? [volume.split(':')[0] ?? ''] : [])))]
}

async function absentOn(remote: Remote, paths: readonly string[]): Promise<string[]> {
  if (paths.length === 0) return []
  const asked = paths.map(
    (path) => `test -e ${quote(path)} || sudo -n test -e ${quote(path)} 2> /dev/null || printf 'absent\\t%s\\n' ${quote(path)}`,
  )
  const { stdout } = await remote.sh([...asked, ':', ''].join('\n'), { timeoutMs: milliseconds('20s') })
  return stdout.split('\n').flatMap((line) => (line.startsWith('absent\t') ? [line.slice('absent\t'.length)] : []))
}
