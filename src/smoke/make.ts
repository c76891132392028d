import { randomInt } from 'node:crypto'
import { anyCode } from '../core/command.ts'
import { LaunchwayError } from '../core/error.ts'
import type { Output, Ports } from '../core/ports.ts'
import { showMs } from '../core/units.ts'
import { within } from '../core/within.ts'
import { build, create, type Stack } from '../tools/compose.ts'
import { lacksAddresses, needsRanges, spareRange, withRanges } from './addresses.ts'
import { inOrder, needsEngine } from './bases.ts'
import { lastOf } from './evidence.ts'

/** How often ranges are drawn, which somebody else may have. */
const draws = 5
/** Longer than any build and any pull that somebody waits for: what hangs has to end. */
const buildMs = 2 * 3_600_000
const makeMs = 3_600_000

/** Builds what is not ours. @throws LaunchwayError BUILD_FAILED */
export async function buildOthers(stack: Stack, builds: readonly string[], ports: Ports, signal: AbortSignal): Promise<void> {
  if (builds.length === 0) return
  // A builder in a container of its own, as runners often have it, sees nothing of what is on this engine.
  const isHere = needsEngine(stack.file, builds) && (await ports.engine.host()) === undefined
  const env = isHere ? { BUILDX_BUILDER: 'default' } : {}
  const done = await within(buildMs, signal, ports, async (inTime) => {
    let last: Output | undefined
    for (const layer of inOrder(stack.file, builds)) {
      last = await call(build(stack, layer, env), ports, inTime)
      if (last.code !== 0) break
    }
    return last
  })
  if (done?.code === 0) return
  const names = builds.join(', ')
  throw new LaunchwayError(
    'BUILD_FAILED',
    done === undefined ? `compose did not build ${names} within ${showMs(buildMs)}` : `compose could not build ${names}`,
    done === undefined ? {} : { hint: lastOf(`${done.stdout}\n${done.stderr}`, ports) },
  )
}

/**
 * Pulls what is missing, and makes the containers that are not there: none of it counts as time to come up.
 * @returns the stack as it was made: where the engine had no addresses left for its networks, with ranges that we chose
 * @throws LaunchwayError SMOKE_UNHEALTHY, with the image that cannot be had where that is why
 */
export async function make(stack: Stack, ports: Ports, signal: AbortSignal): Promise<Stack> {
  let made = stack
  const done = await within(makeMs, signal, ports, async (inTime) => {
    let last = await call(create(made), ports, inTime)
    for (let draw = 0; draw < draws && last.code !== 0 && lacksAddresses(last.stderr) && needsRanges(stack.file); draw += 1) {
      ports.log.info(`the engine has no addresses left for the networks of the stack: they get ranges of ${spareRange}`)
      // Networks that were made already stay as they are, or are made anew by a compose that compares them.
      made = { ...stack, file: withRanges(stack.file, randomInt) }
      last = await call(create(made), ports, inTime)
    }
    return last
  })
  if (done?.code === 0) return made
  const lacking = await lackingImages(stack, done?.stderr ?? '', ports)
  const what = lacking.length === 0 ? 'the stack could not be made' : `${lacking.join(' and ')} could not be had`
  throw new LaunchwayError('SMOKE_UNHEALTHY', done === undefined ? `${what} within ${showMs(makeMs)}` : what, {
    hint: done === undefined ? 'The registry, or the engine, does not answer.' : lastOf(done.stderr, ports),
  })
}

/** Images that are not here although compose was to pull them, with who needs them; where its words name some of them, those. */
async function lackingImages({ file }: Stack, said: string, { engine }: Ports): Promise<string[]> {
  const asked = new Map<string, string[]>()
  for (const [service, { image, build: own }] of Object.entries(file.services)) {
    if (image !== undefined && own === undefined) asked.set(image, [...(asked.get(image) ?? []), service])
  }
  const looked = await Promise.all(
    [...asked.keys()].map(async (image) => ({ image, here: await engine.image(image).catch(() => undefined) })),
  )
  const lacking = looked.flatMap(({ image, here }) => (here === undefined ? [image] : []))
  const named = [/[@:][^/]*$/, /\/.*$/].map((rest) => lacking.filter((image) => said.includes(image.replace(rest, ''))))
  const those = named.find((some) => some.length > 0) ?? lacking
  return those.map((image) => `the image ${image} of ${(asked.get(image) ?? []).join(', ')}`)
}

export function call(asked: Parameters<Ports['exec']['run']>[0], { exec, log }: Ports, signal: AbortSignal): Promise<Output> {
  return exec.run(asked, { signal, accept: anyCode, onLine: (line) => log.info(line) })
}
