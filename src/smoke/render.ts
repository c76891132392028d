import { dirname, join, resolve } from 'node:path'
import { anyCode } from '../core/command.ts'
import { LaunchwayError } from '../core/error.ts'
import type { SmokePlan } from '../core/gates.ts'
import { parseJson } from '../core/json.ts'
import type { Output, Ports } from '../core/ports.ts'
import type { Secret } from '../core/secret.ts'
import { ComposeProject, config } from '../tools/compose.ts'
import { refuseUnfitScripts } from './script.ts'
import { fileSecrets, hiding, secretNamesIn } from './secrets.ts'
import { placeOf, type Source, sourcesOf } from './sources.ts'

/** Where relative paths of the compose files begin: the folder of the first, as compose has it. */
export function projectDirectory({ compose: [first = ''] }: SmokePlan, root: string): string {
  return dirname(resolve(root, first))
}

/** Files that variables of the compose files come from, absolute; that beside the first of them may be missing. */
export function variableFiles(plan: SmokePlan, root: string): string[] {
  return plan.envFiles?.map((file) => resolve(root, file)) ?? [join(projectDirectory(plan, root), '.env')]
}

export interface Rendered {
  project: ComposeProject
  /** What the files hold that its variables come from. */
  secrets: Secret[]
}

/**
 * The user's files as one project, variables filled in.
 * @throws LaunchwayError CONFIG_INVALID with compose's own words, or for a script that cannot be run; TOOL_MISSING without
 * compose
 */
export async function render(plan: SmokePlan, ports: Ports): Promise<Rendered> {
  await refuseUnfitScripts(plan, ports)
  const root = resolve(ports.root)
  const sources = await sourcesOf(plan.compose, { files: ports.files, root })
  const call = config({
    files: plan.compose.map((file) => resolve(root, file)),
    envFiles: (plan.envFiles ?? []).map((file) => resolve(root, file)),
    profiles: plan.profiles,
    directory: projectDirectory(plan, root),
    env: plan.env,
  })
  learnSecrets(plan, sources, ports)
  const secrets = await fileSecrets(variableFiles(plan, root), plan.env, ports)
  const done = await ports.exec.run(call, { signal: ports.signal, accept: anyCode })
  // What compose refuses it may show.
  const output = { ...done, stderr: hiding(secrets, ports.redact)(done.stderr) }
  if (output.code !== 0) throw refused(plan, output, sources, root)
  for (const warning of warningsIn(output.stderr)) {
    const [, variable] = /^The "(\w+)" variable is not set/.exec(warning) ?? []
    const place = variable === undefined ? undefined : placeOf(variable, sources, root)
    ports.log.warning(`${place?.file ?? plan.compose.join(', ')}: ${warning}`, place)
  }
  const project = parseJson(output.stdout, ComposeProject)
  if (project !== undefined) return { project, secrets }
  throw new LaunchwayError('TOOL_MISSING', 'docker compose renders the project in a form that launchway does not know', {
    hint: 'launchway is tested with compose 2.26: `docker compose version` shows yours.',
  })
}

/** What is asked for by name is masked, and taken out of what the record keeps. */
function learnSecrets({ env }: SmokePlan, sources: readonly Source[], ports: Ports): void {
  for (const { text } of sources) for (const name of secretNamesIn(text)) if (!Object.hasOwn(env, name)) ports.secret(name)
}

function refused({ compose }: SmokePlan, { stderr }: Output, sources: readonly Source[], root: string): LaunchwayError {
  const said = stderr.trim()
  if (/is not a docker command|unknown (shorthand )?flag/.test(said)) {
    return new LaunchwayError('TOOL_MISSING', 'docker has no compose on this machine', {
      hint: `Install its plugin: https://docs.docker.com/compose/install/linux/\n${said}`,
    })
  }
  const [, circle] = /dependency cycle detected: (.+)/.exec(said) ?? []
  if (circle !== undefined) {
    return new LaunchwayError('CONFIG_INVALID', `the services of ${compose.join(', ')} wait for each other: ${circle}`, {
      hint: 'None of them could start first: take one of them out of the depends_on of another.',
    })
  }
  const [, variable] = /required variable (\w+) is missing a value/.exec(said) ?? []
  if (variable === undefined) {
    return new LaunchwayError('CONFIG_INVALID', `docker compose cannot read ${compose.join(', ')}`, { hint: withoutWarnings(said) })
  }
  const place = placeOf(variable, sources, root)
  return new LaunchwayError(
    'CONFIG_INVALID',
    `${place?.file ?? compose.join(', ')} asks for the variable ${variable}, which has no value`,
    {
      hint: `${withoutWarnings(said)}\nGive it in the environment of the step if it is a secret, else in launchway.yml:\n  smoke:\n    env: { ${variable}: … }`,
      ...(place === undefined ? {} : { place }),
    },
  )
}

/** What compose warns of, without its format of log lines; that `version` is of no use any more is no news. */
function warningsIn(stderr: string): string[] {
  const found = [...stderr.matchAll(/level=warning msg="((?:[^"\\]|\\.)*)"/g)].map(([, text = '']) => text.replaceAll(/\\(.)/g, '$1'))
  return [...new Set(found)].filter((text) => !text.includes('`version` is obsolete'))
}

/** The words of a refusal: what compose warned of before it says nothing about that. */
function withoutWarnings(said: string): string {
  const lines = said.split('\n').filter((line) => !/^time="[^"]*" level=warning /.test(line))
  return lines.length === 0 ? said : lines.join('\n')
}
