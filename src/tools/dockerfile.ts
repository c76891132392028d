import { instructions, syntaxOf } from './dockerfile-text.ts'

/**
 * What a Dockerfile says of the image that it builds on, as far as that can be told without building it.
 * @see https://docs.docker.com/reference/dockerfile/
 */

interface Stage {
  name: string | undefined
  from: string
  line: number
  /** What it takes files from: stages by name or number, and images. */
  uses: { from: string; line: number }[]
}

interface Asked {
  target?: string | undefined
  args: Readonly<Record<string, string>>
}

/**
 * The image under the last stage, or under the one that is built, such as `python:3.12-slim`. Undefined for `scratch`,
 * and where it is not written down: a variable that nobody has set, a stage that is not there.
 */
export function baseReference(dockerfile: string, asked: Asked): string | undefined {
  const { stages, variables } = read(dockerfile, asked.args)
  return resolve(stages, indexOf(stages, asked), variables)
}

/**
 * The image under it, also where a named context stands in its place: undefined where that is another image of the build, or
 * a folder.
 */
export function baseImage(
  dockerfile: string,
  asked: Asked & { contexts?: Readonly<Record<string, string>> | undefined },
): string | undefined {
  const written = baseReference(dockerfile, asked)
  const named = written === undefined ? undefined : asked.contexts?.[written]
  return named === undefined ? written : /^docker-image:\/\/(.+)$/.exec(named)?.[1]
}

/** An image that a Dockerfile names, and the line. */
export interface Named {
  /** As it is written, with the variables in it; undefined where one of them is not known. */
  reference: string | undefined
  written: string
  line: number
}

/**
 * Every image that the build of a stage may use: under it and under the stages that it takes files from, those that files
 * are taken from directly, and the one that reads the Dockerfile (`# syntax=`).
 * @param platforms where it runs and where it is built, which FROM lines may name
 */
export function imagesOf(
  dockerfile: string,
  asked: Asked,
  platforms: { target: string; build: string },
): { images: Named[]; stages: string[] } {
  const { stages, variables } = read(dockerfile, asked.args, platformVariables(platforms))
  const images: Named[] = []
  const seen = new Set<number>()
  const add = (written: string, line: number): void => {
    const expanded = expand(written, variables)
    const reference = expanded === undefined || expanded === '' || /[${}]/.test(expanded) ? undefined : expanded
    if (reference !== 'scratch') images.push({ reference, written, line })
  }
  const visit = (index: number): void => {
    const stage = stages[index]
    if (stage === undefined || seen.has(index)) return
    seen.add(index)
    for (const { from, line } of [{ from: stage.from, line: stage.line }, ...stage.uses]) {
      const isNumber = from !== stage.from && /^\d+$/.test(from)
      const before = isNumber ? Number(from) : below(stages, index, expand(from, variables))
      if (before === -1) add(from, line)
      else visit(before)
    }
  }
  visit(indexOf(stages, asked))
  const syntax = asked.args['BUILDKIT_SYNTAX'] ?? syntaxOf(dockerfile)
  return {
    images: [...images, ...(syntax === undefined ? [] : [{ reference: syntax, written: syntax, line: 1 }])],
    stages: stages.flatMap(({ name }) => name ?? []),
  }
}

/** The stage that is built: the last one, or that of a name; -1 where there is none. BuildKit takes no number here. */
function indexOf(stages: readonly Pick<Stage, 'name'>[], { target }: Pick<Asked, 'target'>): number {
  return target === undefined ? stages.length - 1 : stages.findIndex(({ name }) => name === target.toLowerCase())
}

/** The stage before another that a name stands for; -1 where it is none of them. */
function below(stages: readonly Pick<Stage, 'name'>[], index: number, name: string | undefined): number {
  return stages.slice(0, index).findLastIndex((stage) => stage.name !== undefined && stage.name === name?.toLowerCase())
}

/** @see https://docs.docker.com/reference/dockerfile/#automatic-platform-args-in-the-global-scope */
function platformVariables({ target, build }: { target: string; build: string }): [string, string][] {
  return Object.entries({ TARGET: target, BUILD: build }).flatMap(([prefix, platform]): [string, string][] => {
    const [os = '', arch = '', variant = ''] = platform.split('/')
    return [
      [`${prefix}PLATFORM`, platform],
      [`${prefix}OS`, os],
      [`${prefix}ARCH`, arch],
      [`${prefix}VARIANT`, variant],
    ]
  })
}

/** What it says to whoever runs its image. */
export interface DockerfileFacts {
  /** Names of its stages, in their order. */
  stages: string[]
  /** Ports that it names, in the last stage or the one that is built, or in those below. */
  expose: number[]
  /** What its HEALTHCHECK runs, as it is written. */
  health: string | undefined
  /** The words of its ENTRYPOINT and CMD. */
  command: string | undefined
}

export function dockerfileFacts(dockerfile: string, target?: string): DockerfileFacts {
  const steps = stepsOf(dockerfile, target)
  const chain = steps.filter(({ ships }) => ships)
  const last = (name: string): string | undefined => chain.findLast(({ word }) => word === name)?.rest
  const health = last('HEALTHCHECK')
  const command = [last('ENTRYPOINT'), last('CMD')].filter((one) => one !== undefined).join(' ')
  return {
    stages: steps.flatMap(({ name }) => name ?? []),
    expose: chain.flatMap(({ word, rest }) =>
      word === 'EXPOSE' ? [...rest.matchAll(/(?:^|\s)(\d+)/g)].map(([, port]) => Number(port)) : [],
    ),
    health: health === undefined || /^none$/i.test(health) ? undefined : health,
    command: command === '' ? undefined : command.replaceAll(/["\s[\],]+/g, ' ').trim(),
  }
}

/** An instruction of a Dockerfile. */
export interface Step {
  /** In capitals: `COPY`. */
  word: string
  rest: string
  line: number
  /** What it makes is in the image that is built, and not in a stage that is left behind. */
  ships: boolean
  /** Of FROM: what it names, as it is written, unless that is a stage before. */
  base?: string
  /** Of FROM: what the stage is called, in small letters, where it has a name. */
  name?: string
}

export function stepsOf(dockerfile: string, target: string | undefined): Step[] {
  const stages: Pick<Stage, 'from' | 'name'>[] = []
  const steps = instructions(dockerfile).map(({ text, line }) => {
    const [, written = '', rest = ''] = /^(\S+)\s*([\s\S]*)$/.exec(text) ?? []
    const word = written.toUpperCase()
    if (word !== 'FROM') return { word, rest, line, stage: stages.length - 1 }
    const stage = stageOf(rest.split(/\s+/))
    const isStage = below(stages, stages.length, stage.from) !== -1
    stages.push(stage)
    return {
      word,
      rest,
      line,
      stage: stages.length - 1,
      ...(isStage ? {} : { base: stage.from }),
      ...(stage.name === undefined ? {} : { name: stage.name }),
    }
  })
  const shipped = new Set<number>()
  let at = indexOf(stages, { target })
  while (at >= 0) {
    shipped.add(at)
    at = below(stages, at, stages[at]?.from ?? '')
  }
  return steps.map(({ stage, ...step }) => ({ ...step, ships: shipped.has(stage) }))
}

function resolve(stages: readonly Stage[], index: number, variables: ReadonlyMap<string, string>): string | undefined {
  const stage = stages[index]
  const from = stage === undefined ? undefined : expand(stage.from, variables)
  // What is left of a form that is not understood is no name.
  if (from === undefined || from === '' || from === 'scratch' || /[${}]/.test(from)) return undefined
  const before = below(stages, index, from)
  return before === -1 ? from : resolve(stages, before, variables)
}

/** Only what stands before the first FROM counts for FROM lines. */
function read(
  dockerfile: string,
  args: Readonly<Record<string, string>>,
  known: readonly [string, string][] = [],
): { stages: Stage[]; variables: Map<string, string> } {
  const stages: Stage[] = []
  const variables = new Map<string, string>(known)
  for (const { text, line } of instructions(dockerfile)) {
    const [word = '', ...rest] = text.split(/\s+/)
    if (/^arg$/i.test(word) && stages.length === 0) {
      for (const one of rest) {
        const [, name = '', value] = /^([^=]+)(?:=(.*))?$/.exec(one) ?? []
        const set = Object.hasOwn(args, name) ? args[name] : value?.replace(/^(["'])(.*)\1$/, '$2')
        if (set !== undefined) variables.set(name, expand(set, variables) ?? set)
      }
    }
    if (/^from$/i.test(word)) {
      stages.push({ ...stageOf(rest), line, uses: [] })
    }
    if (/^(copy|run)$/i.test(word)) stages.at(-1)?.uses.push(...sourcesOf(word, rest).map((from) => ({ from, line })))
  }
  return { stages, variables }
}

/** @param words what follows FROM */
function stageOf(words: readonly string[]): Pick<Stage, 'from' | 'name'> {
  const [from = '', as, name] = words.filter((part) => !part.startsWith('--'))
  return { from, name: /^as$/i.test(as ?? '') ? name?.toLowerCase() : undefined }
}

/** `--from=` of COPY, and the same of each `--mount=` of RUN. */
function sourcesOf(word: string, rest: readonly string[]): string[] {
  const end = rest.findIndex((part) => !part.startsWith('--'))
  const flags = end === -1 ? rest : rest.slice(0, end)
  const found = /^copy$/i.test(word)
    ? flags.map((flag) => /^--from=(.+)$/.exec(flag)?.[1])
    : flags.map((flag) => /^--mount=(?:.*,)?from=([^,]+)/.exec(flag)?.[1])
  return found.flatMap((from) => from?.replace(/^(["'])(.*)\1$/, '$2') ?? [])
}

/** Undefined where a variable is not set. */
function expand(text: string, variables: ReadonlyMap<string, string>): string | undefined {
  let isWhole = true
  const expanded = text.replaceAll(
    /\$(?:\{(\w+)(?::([-+])([^}]*))?\}|(\w+))/g,
    (_, braced: string | undefined, operator: string | undefined, word: string | undefined, bare: string | undefined) => {
      const value = variables.get(braced ?? bare ?? '') ?? ''
      if (operator === '+') return value === '' ? '' : (word ?? '')
      if (value !== '') return value
      if (operator === '-') return word ?? ''
      isWhole = false
      return ''
    },
  )
  return isWhole ? expanded : undefined
}
