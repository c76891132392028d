import type { Log } from '../core/ports.ts'
import { showMs } from '../core/units.ts'
import { type BuildWarning, solveReader, type Vertex } from '../tools/solve-status.ts'

/** Lines of a step's own output that are kept in case it fails. */
const keptLines = 200

/** What a solve has told when it is over. */
export interface Told {
  /** The steps that failed, with the last lines that they wrote, in the order in which they failed. */
  failed: { step: string; error: string; lines: string[] }[]
  warnings: BuildWarning[]
  /** What was no document: the end of a build that failed, and what buildx itself has to say. */
  text: string[]
}

export interface Progress {
  /** @param line of buildx, whichever of its streams it came from */
  onLine(this: void, line: string): void
  /** Ends the groups of the images. */
  end(): Told
}

interface Step {
  number: number
  /** `[builder 2/4] RUN make`, without the image. */
  title: string
  /** Who shows it: the image that came first of those that share it. */
  owner: string
  shown: 'known' | 'started' | 'ended'
  lines: string[]
  /** The end of what it wrote, as long as no newline has come. */
  rest: string
}

interface Group {
  log: Log & { end?: (outcome: string) => void }
  failed: boolean
}

/**
 * Shows a solve as it goes on. One image is told of in the group of the stage; of several each has a group of its own,
 * and the stage's says which step begins. A step that images share is shown once, where it ran, and named at the others.
 */
export function followSolve(images: readonly string[], log: Log): Progress {
  const alone = images.length === 1 ? images[0] : undefined
  const groups = new Map(
    images.map((image): [string, Group] => [image, { log: alone === undefined ? log.stage(groupName(image)) : log, failed: false }]),
  )
  const steps = new Map<string, Step>()
  const shared = new Set<string>()
  const told: Told = { failed: [], warnings: [], text: [] }

  const say = (owner: string, line: string): void => (groups.get(owner)?.log ?? log).info(line)

  const write = (step: Step, line: string): void => {
    step.lines.push(line)
    if (step.lines.length > keptLines) step.lines.shift()
    say(step.owner, `#${step.number} ${line}`)
  }

  const read = solveReader({
    vertex(vertex) {
      const { image = '', title } = named(vertex.name, images)
      if (isPlumbing(title)) return
      const known = steps.get(vertex.digest)
      if (known !== undefined && known.owner !== image && known.shown !== 'known') {
        const pair = `${image} ${vertex.digest}`
        if (!shared.has(pair) && groups.has(image)) say(image, `#${known.number} ${title}: shared with ${known.owner}`)
        shared.add(pair)
        return
      }
      if (known === undefined && !hasBegun(vertex)) return
      const step = known ?? { number: steps.size + 1, title, owner: image, shown: 'known', lines: [], rest: '' }
      steps.set(vertex.digest, step)
      show(step, vertex)
    },
    log(digest, text) {
      const step = steps.get(digest)
      if (step === undefined) return
      const lines = `${step.rest}${text}`.split(/\r\n|\n|\r/)
      step.rest = lines.pop() ?? ''
      for (const line of lines) write(step, line)
    },
    warning: (warning) => void told.warnings.push(warning),
    text(line) {
      if (line.trim() !== '') told.text.push(line)
    },
  })

  function show(step: Step, vertex: Vertex): void {
    if (step.shown === 'ended') return
    const error = vertex.error ?? ''
    if (vertex.cached === true && error === '') {
      step.shown = 'ended'
      return say(step.owner, `#${step.number} ${step.title}: cached`)
    }
    if (step.shown === 'known') {
      step.shown = 'started'
      say(step.owner, `#${step.number} ${step.title}`)
      if (alone === undefined && groups.has(step.owner)) log.info(`${step.owner}: ${step.title}`)
    }
    if (error !== '') {
      end(step)
      // Whoever is ended because another one failed has nothing to tell.
      if (/context canceled|CANCELED/.test(error)) return say(step.owner, `#${step.number} stopped`)
      told.failed.push({ step: step.title, error, lines: step.lines })
      const group = groups.get(step.owner)
      if (group !== undefined) group.failed = true
      return say(step.owner, `#${step.number} failed${lasted(vertex)}: ${error}`)
    }
    if (typeof vertex.completed !== 'string') return
    end(step)
    say(step.owner, `#${step.number} done${lasted(vertex)}`)
  }

  function end(step: Step): void {
    step.shown = 'ended'
    if (step.rest !== '') write(step, step.rest)
    step.rest = ''
  }

  return {
    onLine: read,
    end() {
      if (alone === undefined) for (const { log: group, failed } of groups.values()) group.end?.(failed ? 'failed' : 'done')
      return told
    },
  }
}

/** No stage of the pipeline has a space in its name: an image may be called like one. */
function groupName(image: string): string {
  return `build ${image}`
}

function hasBegun({ started, cached, error }: Vertex): boolean {
  return typeof started === 'string' || cached === true || (error ?? '') !== ''
}

function lasted({ started, completed }: Vertex): string {
  if (typeof started !== 'string' || typeof completed !== 'string') return ''
  return ` in ${showMs(Math.max(0, Date.parse(completed) - Date.parse(started)))}`
}

/** Of several targets bake puts the name of each before what is in brackets: `[web builder 2/4] RUN make`. */
function named(name: string, images: readonly string[]): { image?: string; title: string } {
  if (images.length === 1) return { ...(images[0] === undefined ? {} : { image: images[0] }), title: name }
  const [, image, rest = '', after = ''] = /^\[([^\s\]]+)(?: ([^\]]*))?\](.*)$/s.exec(name) ?? []
  if (image === undefined || !images.includes(image)) return { title: name }
  return { image, title: rest === '' ? after.trim() : `[${rest}]${after}` }
}

/** What every build does, and what nobody has ever wanted to read of a build that went well. */
function isPlumbing(title: string): boolean {
  return /^\[internal\] (load (local bake definitions|build definition|\.dockerignore|remote bake)|booting)/.test(title)
}
