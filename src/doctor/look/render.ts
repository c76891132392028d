import { resolve } from 'node:path'
import { LaunchwayError, type Place } from '../../core/error.ts'
import type { SmokePlan } from '../../core/gates.ts'
import type { Log, Ports } from '../../core/ports.ts'
import { render, variableFiles } from '../../smoke/index.ts'
import { placeOf, readVariables, sourcesOf } from '../../tools/compose-sources.ts'
import { type Sources, stacksOf } from '../sources.ts'

/** A stack as compose takes it. */
export interface Rendered {
  /** Variables that the files ask for and nobody gives. */
  variables: readonly { name: string; isRequired: boolean; at: Place | undefined }[]
  /** What compose said against the files, with all variables given. */
  refused: LaunchwayError | undefined
}

export function lookAtStacks({ smoke, missing }: Pick<Sources, 'smoke' | 'missing'>, ports: Ports): Promise<Rendered[]> {
  // Of what is not there nothing more can be said.
  const whole = stacksOf(smoke).filter(({ compose }) => !compose.some((file) => missing.some((one) => one.file === file)))
  return Promise.all(whole.map((stack) => lookAtStack(stack, ports)))
}

/**
 * What compose is told for a variable that it must have and nobody gives, so that it goes on to what is wrong besides: a
 * folder where one is mounted from, else a number, which may be a port.
 */
function standIn(name: string, sources: readonly { text: string }[]): string {
  const mounted = new RegExp(String.raw`\$\{?${name}\b[^}\n]*\}?[^\s:]*:/|source:\s*["']?\$\{?${name}\b`)
  return sources.some(({ text }) => mounted.test(text)) ? './' : '1'
}

async function lookAtStack(stack: SmokePlan, ports: Ports): Promise<Rendered> {
  const root = resolve(ports.root)
  const sources = await sourcesOf(stack.compose, { files: ports.files, root })
  const ofFiles = await readVariables(variableFiles(stack, root), ports.files)
  const given = new Set([...Object.keys(stack.env), ...ports.environment.keys(), ...ofFiles.flatMap((one) => Object.keys(one))])
  const asked = sources.flatMap(({ text }) => variablesIn(text)).filter(({ name }) => !given.has(name))
  const names = new Map<string, boolean>()
  for (const { name, isRequired } of asked) names.set(name, isRequired || names.get(name) === true)
  const variables = [...names].map(([name, isRequired]) => ({ name, isRequired, at: placeOf(name, sources, root) }))
  const required = variables.filter(({ isRequired }) => isRequired)
  const env = { ...stack.env, ...Object.fromEntries(required.map(({ name }) => [name, standIn(name, sources)])) }
  try {
    await render({ ...stack, env }, { ...ports, log: quiet })
    return { variables, refused: undefined }
  } catch (error) {
    if (error instanceof LaunchwayError && error.code === 'CONFIG_INVALID') return { variables, refused: error }
    throw error
  }
}

/** Variables that have no value of their own in the file; comments say nothing, and `$$` is a dollar. */
export function variablesIn(text: string): { name: string; isRequired: boolean }[] {
  const lines = text.split('\n').map((line) => line.replace(/(^|\s)#.*$/, ''))
  return lines.flatMap((line) =>
    [...line.matchAll(/(?<!\$)(?:\$\$)*\$(?:\{([A-Za-z_]\w*)(:?[-+?])?|([A-Za-z_]\w*))/g)].flatMap(([, braced, operator = '', bare]) => {
      const name = braced ?? bare
      return name === undefined || /[-+]$/.test(operator) ? [] : [{ name, isRequired: operator.endsWith('?') }]
    }),
  )
}

/** What compose warns of is found here by its place. */
const quiet: Log = {
  info: () => undefined,
  debug: () => undefined,
  notice: () => undefined,
  warning: () => undefined,
  error: () => undefined,
  stage: () => ({ ...quiet, end: () => undefined }),
}
