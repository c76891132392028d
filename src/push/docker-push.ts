import { type ErrorCode, LaunchwayError } from '../core/error.ts'
import type { Credentials, Ports } from '../core/ports.ts'
import { adviceFor, refusalOf } from '../core/registry-refusal.ts'
import type { BuiltImage } from '../core/release.ts'
import { type Client, push, pushedDigest } from '../tools/docker.ts'

/** Pauses before docker is called again: it tries a layer five times by itself, but gives up at once on much that passes. */
const pausesMs = [2_000, 8_000]
/** How often somebody who watches is told that it still goes on. */
const progressMs = 30_000
/** Lines of docker's that a message quotes. */
const quoted = 10

interface Upload {
  image: BuiltImage
  repository: string
  reference: string
  client: Client
  login: Credentials | undefined
  /** Fails as the registry itself says why it takes nothing: docker keeps that for itself. */
  ask(this: void): Promise<unknown>
}

/** No upload takes longer: ten minutes, and the time that its bytes need at 250 kB/s. */
function uploadLimitMs(bytes: number): number {
  return 600_000 + bytes / 250
}

/** Pushes an image with docker. Returns the digest that docker says it wrote. */
export async function pushWithDocker(upload: Upload, ports: Ports): Promise<string | undefined> {
  const done = new AbortController()
  try {
    const limit = uploadLimitMs(upload.image.size)
    const late = new AbortController()
    ports.clock.sleep(limit, AbortSignal.any([ports.signal, done.signal])).then(
      () => late.abort(tooSlow(upload, limit)),
      () => undefined,
    )
    return await uploadInTurns(upload, AbortSignal.any([ports.signal, late.signal]), ports)
  } finally {
    done.abort()
  }
}

async function uploadInTurns(upload: Upload, signal: AbortSignal, ports: Ports): Promise<string | undefined> {
  for (const pause of [...pausesMs, undefined]) {
    const { code, stdout, said } = await once(upload, signal, ports)
    if (code === 0) return pushedDigest(stdout)
    const error = refused(upload, said)
    if (error.code !== 'REGISTRY_UNAVAILABLE' || !isPassing(said)) throw error
    await upload.ask().catch((reason: unknown) => {
      throw reason instanceof LaunchwayError ? refusedAs(reason.code, upload, told(said, reason)) : reason
    })
    if (pause === undefined) throw error
    ports.log.info(`${upload.repository}: ${said.split('\n').at(-1)}; tried again in ${pause / 1000} s`)
    await ports.clock.sleep(pause, signal)
  }
  throw new TypeError('unreachable: the last try has returned or thrown')
}

async function once(upload: Upload, signal: AbortSignal, ports: Ports): Promise<{ code: number; stdout: string; said: string }> {
  const [all, there] = [new Set<string>(), new Set<string>()]
  const stop = new AbortController()
  const started = ports.clock.elapsed()
  const tell = async (): Promise<void> => {
    for (;;) {
      await ports.clock.sleep(progressMs, AbortSignal.any([signal, stop.signal]))
      const seconds = Math.round((ports.clock.elapsed() - started) / 1000)
      ports.log.info(`${upload.repository}: ${there.size} of ${all.size} layers are there after ${seconds} s`)
    }
  }
  tell().catch(() => undefined)
  let asked = false
  const onLine = (line: string): void => {
    const [, layer = '', state = ''] = /^([0-9a-f]{12}): (.*)$/.exec(line) ?? []
    if (layer !== '') all.add(layer)
    if (/^(Pushed|Layer already exists|Mounted from)/.test(state)) there.add(layer)
    // A line for each second of the pause: one is enough.
    if (!state.startsWith('Retrying in')) return ports.log.debug(`${upload.image.name}: ${line}`)
    if (asked) return
    asked = true
    ports.log.info(`${upload.repository}: docker sends a layer again`)
    upload.ask().catch((error: unknown) => {
      if (error instanceof LaunchwayError && error.code !== 'REGISTRY_UNAVAILABLE')
        stop.abort(refusedAs(error.code, upload, told(line, error)))
    })
  }
  try {
    const options = { signal: AbortSignal.any([signal, stop.signal]), accept: [0, 1], onLine }
    const { code, stdout, stderr } = await ports.exec.run(push(upload.reference, upload.client), options)
    return { code, stdout, said: stderr.trim().split('\n').slice(-quoted).join('\n') }
  } finally {
    stop.abort()
  }
}

/** What another try may make good; what docker says of a name, a certificate or the engine stays. */
function isPassing(said: string): boolean {
  return /toomanyrequests|too many requests|unexpected HTTP status: (408|429|5\d\d)|unknown: unknown error|connection (reset|refused)|broken pipe|\bEOF\b|i\/o timeout|TLS handshake timeout|deadline exceeded|Client\.Timeout|request canceled|use of closed network connection|service unavailable|bad gateway|gateway time-?out|internal server error/i.test(
    said,
  )
}

function tooSlow({ image, repository }: Upload, ms: number): LaunchwayError {
  return new LaunchwayError('REGISTRY_UNAVAILABLE', `${image.name} was not at ${repository} within ${Math.round(ms / 60_000)} minutes`, {
    hint: 'The registry, or the way to it, is very slow or hangs. Run it again once it is well: layers that are there are not sent again.',
  })
}

const what: Partial<Record<ErrorCode, string>> = {
  TAG_IMMUTABLE: ': its tags cannot be overwritten',
  REGISTRY_FULL: ': the registry has no room left',
  REPOSITORY_UNKNOWN: ': the registry has no such repository',
}

function refusedAs(code: ErrorCode, { repository, image, login }: Upload, hint: string): LaunchwayError {
  const who = login === undefined ? 'without a login' : `as ${login.username}`
  const message =
    code === 'REGISTRY_DENIED'
      ? `${repository} refused a push ${who}`
      : `${image.name} could not be pushed to ${repository}${what[code] ?? ''}`
  return new LaunchwayError(code, `${message}; nothing was tagged`, { hint })
}

function refused(upload: Upload, said: string): LaunchwayError {
  const code = refusalOf(said)
  const advice =
    code === 'REGISTRY_DENIED'
      ? "Give a username and a token with the right to push (registries: in launchway.yml, the secret in the step's environment)."
      : code === 'REGISTRY_UNAVAILABLE' && !isPassing(said)
        ? ''
        : adviceFor[code]
  return refusedAs(code, upload, `${said}\n${advice}`.trim())
}

/** What docker said, and why, as the registry itself says it. */
function told(said: string, { message, hint }: LaunchwayError): string {
  return [said, message, hint ?? ''].filter((line) => line !== '').join('\n')
}
