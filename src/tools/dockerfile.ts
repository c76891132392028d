/**
 * What a Dockerfile says of the image that it builds on, as far as that can be told without building it.
 * @see https://docs.docker.com/reference/dockerfile/
 */

interface Stage {
  name: string | undefined
  from: string
}

/**
 * The image under the last stage, or under the one that is built, such as `python:3.12-slim`. Undefined for `scratch`,
 * and where it is not written down: a variable that nobody has set, a stage that is not there.
 */
export function baseReference(
  dockerfile: string,
  { target, args }: { target?: string | undefined; args: Readonly<Record<string, string>> },
): string | undefined {
  const { stages, variables } = read(dockerfile, args)
  const index = target === undefined ? stages.length - 1 : stages.findIndex(({ name }) => name === target.toLowerCase())
  return resolve(stages, index, variables)
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
  const own: { stage: Stage; lines: [string, string][] }[] = []
  for (const { text } of instructions(dockerfile)) {
    const [, word = '', rest = ''] = /^(\S+)\s*([\s\S]*)$/.exec(text) ?? []
    const stage = /^from$/i.test(word) ? stageOf(rest.split(/\s+/)) : undefined
    if (stage !== undefined) own.push({ stage, lines: [] })
    else own.at(-1)?.lines.push([word.toUpperCase(), rest])
  }
  const chain: [string, string][] = []
  let at = target === undefined ? own.length - 1 : own.findIndex(({ stage }) => stage.name === target.toLowerCase())
  while (at >= 0) {
    const { stage, lines } = own[at] ?? { stage: { from: '', name: undefined }, lines: [] }
    chain.unshift(...lines)
    at = own.slice(0, at).findLastIndex(({ stage: { name } }) => name === stage.from.toLowerCase())
  }
  const last = (name: string): string | undefined => chain.findLast(([word]) => word === name)?.[1]
  const health = last('HEALTHCHECK')
  const command = [last('ENTRYPOINT'), last('CMD')].filter((one) => one !== undefined).join(' ')
  return {
    stages: own.flatMap(({ stage: { name } }) => name ?? []),
    expose: chain.flatMap(([word, rest]) =>
      word === 'EXPOSE' ? [...rest.matchAll(/(?:^|\s)(\d+)/g)].map(([, port]) => Number(port)) : [],
    ),
    health: health === undefined || /^none$/i.test(health) ? undefined : health,
    command: command === '' ? undefined : command.replaceAll(/["\s[\],]+/g, ' ').trim(),
  }
}

function resolve(stages: readonly Stage[], index: number, variables: ReadonlyMap<string, string>): string | undefined {
  const stage = stages[index]
  const from = stage === undefined ? undefined : expand(stage.from, variables)
  // What is left of a form that is not understood is no name.
  if (from === undefined || from === '' || from === 'scratch' || /[${}]/.test(from)) return undefined
  const below = stages.slice(0, index).findLastIndex(({ name }) => name === from.toLowerCase())
  return below === -1 ? from : resolve(stages, below, variables)
}

/** Only what stands before the first FROM counts for FROM lines. */
function read(dockerfile: string, args: Readonly<Record<string, string>>): { stages: Stage[]; variables: Map<string, string> } {
  const stages: Stage[] = []
  const variables = new Map<string, string>()
  for (const { text } of instructions(dockerfile)) {
    const [word = '', ...rest] = text.split(/\s+/)
    if (/^arg$/i.test(word) && stages.length === 0) {
      for (const one of rest) {
        const [, name = '', value] = /^([^=]+)(?:=(.*))?$/.exec(one) ?? []
        const set = Object.hasOwn(args, name) ? args[name] : value?.replace(/^(["'])(.*)\1$/, '$2')
        if (set !== undefined) variables.set(name, expand(set, variables) ?? set)
      }
    }
    if (/^from$/i.test(word)) {
      stages.push(stageOf(rest))
    }
  }
  return { stages, variables }
}

/** @param words what follows FROM */
function stageOf(words: readonly string[]): Stage {
  const [from = '', as, name] = words.filter((part) => !part.startsWith('--'))
  return { from, name: /^as$/i.test(as ?? '') ? name?.toLowerCase() : undefined }
}

/** A whole instruction, its continued lines joined, and the line that it begins in. */
export interface Instruction {
  text: string
  line: number
}

/** Whole instructions: without comments, and without the bodies of here-documents. */
export function instructions(text: string): Instruction[] {
  const escape = /^#\s*escape\s*=\s*`/im.test(text.split('\n', 3).join('\n')) ? '`' : '\\'
  const found: Instruction[] = []
  let joined = ''
  let begun = 0
  let until: string[] = []
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (until.length > 0) {
      if (line.trim() === until[0]) until = until.slice(1)
      continue
    }
    if (/^\s*#/.test(line)) continue
    if (joined === '') begun = index + 1
    const isContinued = line.trimEnd().endsWith(escape)
    joined += isContinued ? `${line.trimEnd().slice(0, -1)} ` : line
    if (isContinued) continue
    if (joined.trim() !== '') found.push({ text: joined.trim(), line: begun })
    if (/^\s*(run|copy|add)\s/i.test(joined)) until = [...joined.matchAll(/<<-?\s*(["']?)(\w+)\1/g)].map(([, , word]) => word ?? '')
    joined = ''
  }
  return found
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
