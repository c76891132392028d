import { z } from 'zod'

/**
 * What Trivy finds in the configuration of an image: in `ENV` and in the history. It names the image there, where elsewhere
 * it names a file, and lines of a JSON that nobody has.
 */

/** What takes the place of a file: the same for each build, and a relative URI, as SARIF wants it. */
export const imageConfiguration = 'image-configuration'

interface Target {
  Target?: string | undefined
  Class?: string | undefined
}

/** Whether these findings are of the configuration. @param artifact what Trivy calls the image */
export function isOfConfiguration({ Target, Class }: Target, artifact: string | undefined): boolean {
  return (Class === 'config' || Class === 'secret') && Target !== undefined && Target !== '' && Target === artifact
}

interface Secret {
  RuleID: string
  /** The line around it, cut to a hundred characters, with stars for the value. */
  Match?: string | undefined
}

const inEnv = /^\s*"([A-Za-z_]\w*)=/
const inHistory = /(^|["\s])(\w+)=[^\s"]*\*{4}/g

/**
 * By what variable a secret of the configuration is known; empty where none is. Trivy finds what `ENV` sets twice, the
 * second time in the history, where several may stand in one line and the first name may lack its beginning.
 * @param all of the same configuration
 */
export function variableOf({ RuleID, Match = '' }: Secret, all: readonly Secret[]): string {
  const own = inEnv.exec(Match)?.[1]
  if (own !== undefined) return own
  const env = all.flatMap((one) => (one.RuleID === RuleID ? (inEnv.exec(one.Match ?? '')?.[1] ?? []) : []))
  const named = [...Match.matchAll(inHistory)].map(([, before, name = '']) => ({ name, isWhole: before !== '' }))
  for (const { name, isWhole } of named) {
    const known = env.find((one) => (isWhole ? one === name : one.endsWith(name)))
    if (known !== undefined) return known
  }
  return named.find(({ isWhole }) => isWhole)?.name ?? ''
}

/** The variable that a misconfiguration is about: of two that hold a secret, one may be new. */
export function variableIn(message = ''): string {
  return /"([A-Za-z_]\w*)" in (?:ENV|ARG)$/.exec(message)?.[1] ?? ''
}

const Named = z.looseObject({
  ArtifactName: z.string().optional(),
  Results: z.array(z.looseObject({ Target: z.string().optional(), Class: z.string().optional() })).nullish(),
})

/** A report of Trivy's as its readers get it: what changes with each build is no name of a place. */
export function readable(text: string): string {
  const { data: report } = Named.safeParse(JSON.parse(text))
  if (report === undefined) return text
  const Results = (report.Results ?? []).map((one) =>
    isOfConfiguration(one, report.ArtifactName) ? { ...one, Target: imageConfiguration } : one,
  )
  return JSON.stringify({ ...report, Results })
}
