import type { Command } from '../core/command.ts'
import type { Ports } from '../core/ports.ts'
import { showMs } from '../core/units.ts'
import { type Trivy, trivyCodes } from '../tools/trivy.ts'
import { isBusy, tooOld, whyEnded } from './trivy-errors.ts'

/** Why a mirror was of no use. */
export interface Refusal {
  mirror: string
  why: string
  /** It is there, and too old or from the future. */
  unfit?: string
  /** It may serve in a moment. */
  busy: boolean
}

const lookEveryMs = 5_000
/** A mirror that sends nothing for so long sends nothing any more: Trivy itself waits for it until the time for all of it is up. */
const silenceMs = 60_000
const tellEveryMs = 30_000

/**
 * Has Trivy download something from a mirror, and ends it when nothing comes any more.
 * @param how with a cache folder that nobody else uses @param what it is, for the log
 * @returns why it could not be had
 */
export async function downloadWatched(
  mirror: string,
  how: Command,
  what: string,
  { cacheDir }: Trivy,
  ports: Ports,
): Promise<Refusal | undefined> {
  // There Trivy writes what comes, before it unpacks it into its cache.
  const arriving = await ports.files.temporary('download')
  const silence = new AbortController()
  const over = new AbortController()
  const watched = watch([arriving, cacheDir], `${what}: ${mirror}`, silence, over.signal, ports)
  try {
    const { code, stderr } = await ports.exec.run(
      { ...how, env: { ...how.env, TMPDIR: arriving } },
      { signal: AbortSignal.any([ports.signal, silence.signal]), accept: trivyCodes },
    )
    tooOld(stderr)
    return code === 0 ? undefined : { mirror, why: whyEnded(code, stderr), busy: isBusy(stderr) }
  } catch (error) {
    ports.signal.throwIfAborted()
    if (silence.signal.aborted) return { mirror, why: `it sent nothing for ${showMs(silenceMs)}`, busy: false }
    throw error
  } finally {
    over.abort()
    await watched
    await ports.files.remove(arriving)
  }
}

async function watch(folders: readonly string[], title: string, silence: AbortController, over: AbortSignal, ports: Ports): Promise<void> {
  let [bytes, silentMs, untoldMs] = [0, 0, 0]
  while (await slept(lookEveryMs, over, ports)) {
    const now = await bytesIn(folders, bytes, ports)
    silentMs = now === bytes ? silentMs + lookEveryMs : 0
    untoldMs += lookEveryMs
    bytes = now
    if (silentMs >= silenceMs) return silence.abort()
    if (untoldMs < tellEveryMs) continue
    untoldMs = 0
    ports.log.info(`${title}: ${Math.round(bytes / 1e6)} MB so far`)
  }
}

async function slept(ms: number, over: AbortSignal, { clock }: Ports): Promise<boolean> {
  try {
    await clock.sleep(ms, over)
    return !over.aborted
  } catch {
    return false
  }
}

/** What was there before is as good as nothing new: folders that go away meanwhile are looked at again the next time. */
async function bytesIn(folders: readonly string[], before: number, { files }: Ports): Promise<number> {
  let sum = 0
  try {
    for (const folder of folders)
      for (const { size } of await files.walk(folder, (_, kind) => (kind === 'file' ? 'keep' : 'skip'))) sum += size
  } catch {
    return before
  }
  return sum
}
