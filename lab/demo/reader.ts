import { z } from 'zod'

/** A line of `act --json`, as far as it is read. */
const Entry = z.object({
  level: z.string().optional(),
  msg: z.string().default(''),
  /** The step printed this line itself. */
  raw_output: z.boolean().optional(),
  /** The step told the runner something: `group`, `error`, `summary`, `set-output` … */
  command: z.string().optional(),
  arg: z.string().optional(),
  content: z.string().optional(),
  name: z.string().optional(),
})

export interface Reader {
  /** What of a line of act's log a person wants to see, none to a few lines. */
  read(line: string): string[]
  /** The job summary, in Markdown, as far as it was written. */
  summary(): string
  /** The outputs of the steps so far. */
  outputs: ReadonlyMap<string, string>
}

/** Leaves out of act's log what only act and BuildKit care for. */
export function newReader(): Reader {
  const build = newBuildReader()
  const outputs = new Map<string, string>()
  let summary = ''
  return {
    summary: () => summary,
    outputs,
    read(line) {
      const entry = entryOf(line)
      if (entry === undefined) return line.trim() === '' ? [] : [line]
      const { command, arg = '', msg, level } = entry
      if (command === 'summary') summary += entry.content ?? ''
      if (command === 'set-output') outputs.set(entry.name ?? '', arg)
      if (command === 'group') return [arg]
      // The evidence that follows the first line stands in the log as well.
      if (command === 'error' || command === 'warning' || command === 'notice') return [`  ${command}: ${arg.split('\n', 1).join()}`]
      if (command !== undefined) return []
      if (entry.raw_output === true) return build(msg.trimEnd()).map((text) => `  ${short(text)}`)
      return level === 'error' || level === 'fatal' ? [`  ${msg.trim()}`] : []
    },
  }
}

function entryOf(line: string): z.infer<typeof Entry> | undefined {
  try {
    return Entry.safeParse(JSON.parse(line)).data
  } catch {
    return undefined
  }
}

/** Of a build the lines of the Dockerfile: as they end, and as they begin to print; everything else passes. */
function newBuildReader(): (line: string) => string[] {
  const steps = new Map<string, string>()
  const begun = new Set<string>()
  return (line) => {
    const [, vertex = '', text = ''] = /^(#\d+) (.*)$/.exec(line) ?? []
    if (vertex === '') return line === '' || counting.test(line) ? [] : [line]
    const [, number, instruction, cached] = /^\[(?!internal).*?(\d+\/\d+)\] (.*?)(: cached)?$/.exec(text) ?? []
    if (number !== undefined && instruction !== undefined) {
      const title = cut(`[${number}] ${instruction.replaceAll(/\s+/g, ' ')}`)
      steps.set(vertex, title)
      return cached === undefined ? [] : [`${title}  cached`]
    }
    const step = steps.get(vertex)
    if (/^failed( in |:)/.test(text)) return [`${step ?? vertex} ${text}`]
    if (step === undefined) return []
    if (/^(done in .*|stopped)$/.test(text)) return [`${step}  ${text}`]
    if (begun.has(vertex)) return []
    begun.add(vertex)
    return [`${step.replace(/…$/, '').trimEnd()} …`]
  }
}

/** dpkg counts on one line; each number arrives as a line of its own. */
const counting = /^\(Reading database \.\.\./

const widest = 90

function cut(text: string): string {
  return text.length <= widest ? text : `${text.slice(0, widest - 1)}…`
}

/** The first twelve digits of a digest tell it from every other here. */
function short(text: string): string {
  return text.replaceAll(/(sha256:[0-9a-f]{12})[0-9a-f]{52}/g, '$1…')
}
