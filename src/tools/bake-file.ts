import { z } from 'zod'
import { type Command, command } from '../core/command.ts'
import type { Place } from '../core/error.ts'

/** What bake makes of files of its own language, with every variable, function and inheritance worked out. */
export function printBake(files: readonly string[], targets: readonly string[], cwd: string): Command {
  return command('docker', ['buildx', 'bake', files.flatMap((file) => ['--file', file]), '--print', ...targets], { cwd })
}

const texts = z.record(z.string(), z.string().nullable())

/** `type=gha,scope=x`, which later versions of bake print as a mapping. */
const entry = z.union([z.string(), z.record(z.string(), z.union([z.string(), z.boolean(), z.number()]))])

const Target = z.looseObject({
  context: z.string().nullish(),
  dockerfile: z.string().nullish(),
  target: z.string().nullish(),
  platforms: z.array(z.string()).nullish(),
  args: texts.nullish(),
  contexts: z.record(z.string(), z.string()).nullish(),
  labels: texts.nullish(),
  secret: z.array(entry).nullish(),
  ssh: z.array(entry).nullish(),
  'cache-from': z.array(entry).nullish(),
  'cache-to': z.array(entry).nullish(),
})

/** A target as bake prints it: what this launchway has no name for is there as well. */
export type PrintedTarget = z.infer<typeof Target>

const Printed = z.object({
  target: z.record(z.string(), Target),
  /** Names of targets and of other groups; a target with a matrix is one as well, of those that it makes. */
  group: z.record(z.string(), z.object({ targets: z.array(z.string()) })).optional(),
})
export type Printed = z.infer<typeof Printed>

/** @throws ZodError, SyntaxError when bake printed something else than its documentation says */
export function parsePrinted(stdout: string): Printed {
  return Printed.parse(JSON.parse(stdout))
}

/** The targets that a group comes to, in their order; none for what is no group. */
export function targetsOf(name: string, { target, group = {} }: Printed): string[] {
  const found = new Set<string>()
  const seen = new Set<string>()
  const visit = (one: string): void => {
    if (seen.has(one)) return
    seen.add(one)
    // Bake prints a group of its own, default, with whatever was asked for in it.
    if (Object.hasOwn(target, one)) found.add(one)
    else for (const below of Object.hasOwn(group, one) ? (group[one]?.targets ?? []) : []) visit(below)
  }
  visit(name)
  return [...found]
}

/** The fields of `id=npm,env=NPM_TOKEN`, whichever way it was printed. */
export function fieldsOf(printed: string | Readonly<Record<string, string | boolean | number>>): Map<string, string> {
  if (typeof printed !== 'string') return new Map(Object.entries(printed).map(([key, value]) => [key, String(value)]))
  return new Map(
    splitCsv(printed).map((part) => {
      const at = part.indexOf('=')
      return at === -1 ? [part, ''] : [part.slice(0, at), part.slice(at + 1)]
    }),
  )
}

/** The same in the words of buildx. */
export function asText(printed: string | Readonly<Record<string, string | boolean | number>>): string {
  if (typeof printed === 'string') return printed
  return Object.entries(printed)
    .map(([key, value]) => `${key}=${String(value)}`)
    .join(',')
}

/** One line of CSV: a field in quotes may hold commas, and quotes that are doubled. */
function splitCsv(line: string): string[] {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, bare = '']) => quoted?.replaceAll('""', '"') ?? bare)
}

/** Where bake has a file not understood: `docker-bake.hcl:14,38-15,1: …`. */
export function bakePlace(said: string): Place | undefined {
  const [, file, line, column] = /^ERROR: (.+?):(\d+),(\d+)-/m.exec(said) ?? []
  return file === undefined ? undefined : { file, line: Number(line), column: Number(column) }
}
