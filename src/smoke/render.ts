import { dirname, join, resolve } from 'node:path'
import { anyCode } from '../core/command.ts'
import type { SmokePlan } from '../core/gates.ts'
import { parseJson } from '../core/json.ts'
import type { Ports } from '../core/ports.ts'
import type { Secret } from '../core/secret.ts'
import { ComposeProject, config } from '../tools/compose.ts'
import { refusedByCompose, unknownForm, unsetIn, warningsIn } from '../tools/compose-words.ts'
import { refuseUnfitScripts } from './script.ts'
import { fileSecrets, hiding, secretNamesIn } from './secrets.ts'
import { envFilesOf, placeOf, readVariables, type Source, sourceAt, sourcesOf } from '../tools/compose-sources.ts'

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
  const variables = await readVariables(variableFiles(plan, root), ports.files)
  const sources = await sourcesOf(plan.compose, { files: ports.files, root, lookUp: known(plan, variables, ports) })
  const named = sources.flatMap(envFilesOf)
  const call = config({
    files: plan.compose.map((file) => resolve(root, file)),
    envFiles: (plan.envFiles ?? []).map((file) => resolve(root, file)),
    profiles: plan.profiles,
    directory: projectDirectory(plan, root),
    env: plan.env,
  })
  learnSecrets(plan, sources, ports)
  const secrets = fileSecrets([...variables, ...(await readVariables(named, ports.files))], plan.env)
  const done = await ports.exec.run(call, { signal: ports.signal, accept: anyCode })
  // What compose refuses it may show.
  const output = { ...done, stderr: hiding(secrets, ports.redact)(done.stderr) }
  if (output.code !== 0) {
    // Also these may ask for variables.
    const further = (await Promise.all(named.map((file) => sourceAt(file, ports.files)))).filter((one) => one !== undefined)
    throw refusedByCompose(output.stderr.trim(), { files: plan.compose, sources: [...sources, ...further], root, givenBy })
  }
  for (const warning of warningsIn(output.stderr)) {
    const variable = unsetIn(warning)
    const place = variable === undefined ? undefined : placeOf(variable, sources, root)
    ports.log.warning(`${place?.file ?? plan.compose.join(', ')}: ${warning}`, place)
  }
  const project = parseJson(output.stdout, ComposeProject)
  if (project === undefined) throw unknownForm()
  return { project, secrets }
}

/** What compose knows of a variable: from launchway.yml, from the environment, or from files. */
function known(plan: SmokePlan, ofFiles: readonly NodeJS.Dict<string>[], ports: Ports): (name: string) => string | undefined {
  return (name) => plan.env[name] ?? ports.environment.get(name)?.reveal() ?? ofFiles.findLast((one) => one[name] !== undefined)?.[name]
}

/** What is asked for by name is masked, and taken out of what the record keeps. */
function learnSecrets({ env }: SmokePlan, sources: readonly Source[], ports: Ports): void {
  for (const { text } of sources) for (const name of secretNamesIn(text)) if (!Object.hasOwn(env, name)) ports.secret(name)
}

function givenBy(variable: string): string {
  return `Give it in the environment (of the step, or of your shell), in .env, or if it is no secret in launchway.yml:\n  smoke:\n    env: { ${variable}: … }`
}
