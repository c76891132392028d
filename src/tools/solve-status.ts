import { z } from 'zod'

/**
 * What BuildKit tells of a solve while it goes on, as buildx (0.13 and later) prints it with `--progress rawjson`: one
 * JSON document after the other, and at the end of a build that failed what people would read.
 * @see https://pkg.go.dev/github.com/moby/buildkit/client#SolveStatus
 */

/** One step of the graph. It is told several times: when it is known, started and completed. */
const Vertex = z.object({
  digest: z.string(),
  name: z.string(),
  inputs: z.array(z.string()).nullish(),
  started: z.string().nullish(),
  completed: z.string().nullish(),
  cached: z.boolean().nullish(),
  error: z.string().nullish(),
})
export type Vertex = z.infer<typeof Vertex>

const base64 = (text: string): string => Buffer.from(text, 'base64').toString()

const Range = z.object({ start: z.object({ line: z.int() }) })

const Status = z.object({
  vertexes: z.array(Vertex).nullish(),
  logs: z.array(z.object({ vertex: z.string(), data: z.string().nullish() })).nullish(),
  warnings: z
    .array(
      z.object({
        vertex: z.string(),
        short: z.string().nullish(),
        url: z.string().nullish(),
        sourceInfo: z.object({ filename: z.string().nullish(), data: z.string().nullish() }).nullish(),
        range: z.array(Range).nullish(),
      }),
    )
    .nullish(),
})

/** What the Dockerfile frontend has against a file that it builds all the same. */
export interface BuildWarning {
  text: string
  url: string
  /** Without its folder, with what it holds; empty where the frontend names none. */
  file: string
  source: string
  line: number | undefined
}

export interface SolveReader {
  vertex(vertex: Vertex): void
  log(vertex: string, text: string): void
  warning(warning: BuildWarning): void
  /** A line that is no part of a document. */
  text(line: string): void
}

/** Reads it line by line. A document is one line, or begins and ends with a brace on a line of its own. */
export function solveReader(reader: SolveReader): (line: string) => void {
  let open: string[] | undefined
  return (line) => {
    if (open === undefined && line === '{') {
      open = [line]
      return
    }
    if (open !== undefined) {
      open.push(line)
      if (line !== '}') return
      const whole = open.join('\n')
      open = undefined
      return tell(whole, reader)
    }
    if (line.startsWith('{') && line.endsWith('}')) return tell(line, reader)
    reader.text(line)
  }
}

function tell(document: string, reader: SolveReader): void {
  const status = parse(document)
  if (status === undefined) return reader.text(document)
  for (const vertex of status.vertexes ?? []) reader.vertex(vertex)
  for (const { vertex, data } of status.logs ?? []) reader.log(vertex, base64(data ?? ''))
  for (const { short, url, sourceInfo, range } of status.warnings ?? []) {
    reader.warning({
      text: base64(short ?? ''),
      url: url ?? '',
      file: sourceInfo?.filename ?? '',
      source: base64(sourceInfo?.data ?? ''),
      line: range?.[0]?.start.line,
    })
  }
}

function parse(document: string): z.infer<typeof Status> | undefined {
  try {
    return Status.safeParse(JSON.parse(document)).data
  } catch {
    return undefined
  }
}
