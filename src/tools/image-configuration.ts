import { z } from 'zod'
import { imageConfiguration } from '../core/words.ts'

/**
 * What Trivy finds in the configuration of an image: in `ENV` and in the history. It names the image there, where elsewhere
 * it names a file, and lines of a JSON that nobody has.
 */

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

const Line = z.looseObject({ Content: z.string().optional(), Highlighted: z.string().optional(), IsCause: z.boolean().optional() })
type Line = z.infer<typeof Line>
const Code = z.looseObject({ Lines: z.array(Line).nullish() })
const ShownSecret = z.looseObject({ RuleID: z.string(), Match: z.string().optional(), Code: Code.nullish() })
const ShownMisconfiguration = z.looseObject({ CauseMetadata: z.looseObject({ Code: Code.nullish() }).nullish() })
const Shown = z.looseObject({
  Target: z.string().optional(),
  Class: z.string().optional(),
  Type: z.string().optional(),
  Secrets: z.array(ShownSecret).nullish(),
  Misconfigurations: z.array(ShownMisconfiguration).nullish(),
  ExperimentalModifiedFindings: z.array(z.looseObject({ Type: z.string().optional(), Finding: z.unknown().optional() })).nullish(),
})
const ShownReport = z.looseObject({ ArtifactName: z.string().optional(), Results: z.array(Shown).nullish() })

/**
 * A report of Trivy's as its readers get it: what changes with each build is no name of a place, and no value stands in
 * a line that is shown. Trivy puts stars for as much of a secret as its rule knows, and shows what stands around it; where
 * a misconfiguration is a secret in `ENV` it shows the line as it is.
 */
export function readable(text: string): string {
  // What cannot be read is not handed on instead.
  const report = ShownReport.parse(JSON.parse(text))
  const Results = report.Results?.map((one) =>
    shown(isOfConfiguration(one, report.ArtifactName) ? { ...one, Target: imageConfiguration } : one),
  )
  return JSON.stringify({ ...report, ...(Results === undefined ? {} : { Results }) })
}

function shown(result: z.infer<typeof Shown>): z.infer<typeof Shown> {
  const { Secrets, Misconfigurations, ExperimentalModifiedFindings: excepted } = result
  const all = [...(Secrets ?? []), ...(excepted ?? []).flatMap(({ Finding }) => ShownSecret.safeParse(Finding).data ?? [])]
  const secret = (one: z.infer<typeof ShownSecret>): typeof one =>
    result.Target === imageConfiguration ? bare(one, variableOf(one, all)) : starred(one)
  const misconfiguration = (one: z.infer<typeof ShownMisconfiguration>): typeof one => (result.Type === 'dockerfile' ? valueless(one) : one)
  const finding = (type: string | undefined, one: unknown): unknown => {
    const known = type === 'secret' ? ShownSecret.safeParse(one).data : undefined
    const wrong = type === 'misconfiguration' ? ShownMisconfiguration.safeParse(one).data : undefined
    return known !== undefined ? secret(known) : wrong === undefined ? one : misconfiguration(wrong)
  }
  return {
    ...result,
    ...(Secrets == null ? {} : { Secrets: Secrets.map(secret) }),
    ...(Misconfigurations == null ? {} : { Misconfigurations: Misconfigurations.map(misconfiguration) }),
    ...(excepted == null
      ? {}
      : { ExperimentalModifiedFindings: excepted.map((one) => ({ ...one, Finding: finding(one.Type, one.Finding) })) }),
  }
}

const stars = '****'
const isCause = ({ IsCause }: Line): boolean => IsCause === true

/** Of a secret in the configuration the variable alone: what stands around it are other variables, with their values. */
function bare(secret: z.infer<typeof ShownSecret>, variable: string): typeof secret {
  const text = variable === '' ? stars : `${variable}=${stars}`
  return { ...secret, Match: text, ...coded(secret.Code, (lines) => lines.filter(isCause).map(saying(text))) }
}

/** A key may be longer than its rule says; and what stands beside one in a file may be one that no rule knows. */
function starred(secret: z.infer<typeof ShownSecret>): typeof secret {
  const whole = (text: string): string => text.replaceAll(/\*{4,}[^\s"'`*]+/g, (one) => '*'.repeat(one.length))
  return {
    ...secret,
    ...(secret.Match === undefined ? {} : { Match: whole(secret.Match) }),
    ...coded(secret.Code, (lines) =>
      lines.filter(isCause).map((line) => ({
        ...line,
        ...(line.Content === undefined ? {} : { Content: whole(line.Content) }),
        ...(line.Highlighted === undefined ? {} : { Highlighted: whole(line.Highlighted) }),
      })),
    ),
  }
}

/** `ENV` and `ARG` without their values. One that has several lines begins with the word, and ends with the last of them. */
function valueless(one: z.infer<typeof ShownMisconfiguration>): typeof one {
  const { CauseMetadata } = one
  if (CauseMetadata == null) return one
  const cut = (lines: readonly Line[]): Line[] => {
    const [first] = lines
    const [, set] = /^\s*((?:ENV|ARG)\s+\w+)/i.exec(first?.Content ?? '') ?? []
    return first === undefined || set === undefined ? [...lines] : [saying(`${set}=${stars}`)(first)]
  }
  return { ...one, CauseMetadata: { ...CauseMetadata, ...coded(CauseMetadata.Code, cut) } }
}

function coded(code: z.infer<typeof Code> | null | undefined, lines: (of: readonly Line[]) => Line[]): { Code?: z.infer<typeof Code> } {
  return code?.Lines == null ? {} : { Code: { ...code, Lines: lines(code.Lines) } }
}

function saying(text: string): (line: Line) => Line {
  return (line) => ({ ...line, Content: text, Highlighted: text })
}
