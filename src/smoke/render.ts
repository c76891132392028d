import { dirname, relative, resolve } from 'node:path'
import { anyCode } from '../core/command.ts'
import { LaunchwayError, type Place } from '../core/error.ts'
import type { SmokePlan } from '../core/gates.ts'
import { parseJson } from '../core/json.ts'
import type { Output, Ports } from '../core/ports.ts'
import { ComposeProject, config } from '../tools/compose.ts'
import { refuseUnfitScripts } from './script.ts'
import { secretNamesIn } from './secrets.ts'

/** Where relative paths of the compose files begin: the folder of the first, as compose has it. */
export function projectDirectory({ compose: [first = ''] }: SmokePlan, root: string): string {
  return dirname(resolve(root, first))
}

/**
 * The user's files as one project, variables filled in.
 * @throws LaunchwayError CONFIG_INVALID with compose's own words, or for a script that cannot be run; TOOL_MISSING without
 * compose
 */
export async function render(plan: SmokePlan, ports: Ports): Promise<ComposeProject> {
  await refuseUnfitScripts(plan, ports)
  const root = resolve(ports.root)
  const files = plan.compose.map((file) => resolve(root, file))
  const call = config({ files, profiles: plan.profiles, directory: projectDirectory(plan, root), env: plan.env })
  await learnSecrets(plan, ports)
  const output = await ports.exec.run(call, { signal: ports.signal, accept: anyCode })
  if (output.code !== 0) throw await refused(plan, output, ports)
  for (const warning of warningsIn(output.stderr)) ports.log.warning(`${plan.compose.join(', ')}: ${warning}`)
  const project = parseJson(output.stdout, ComposeProject)
  if (project !== undefined) return project
  throw new LaunchwayError('TOOL_MISSING', 'docker compose renders the project in a form that launchway does not know', {
    hint: 'launchway is tested with compose 2.26: `docker compose version` shows yours.',
  })
}

/** What is asked for by name is masked, and taken out of what the record keeps. */
async function learnSecrets({ compose, env }: SmokePlan, ports: Ports): Promise<void> {
  for (const file of compose) {
    const text = (await ports.files.read(resolve(ports.root, file)))?.toString() ?? ''
    for (const name of secretNamesIn(text)) if (!Object.hasOwn(env, name)) ports.secret(name)
  }
}

async function refused({ compose }: SmokePlan, { stderr }: Output, ports: Ports): Promise<LaunchwayError> {
  const said = stderr.trim()
  if (/is not a docker command|unknown (shorthand )?flag/.test(said)) {
    return new LaunchwayError('TOOL_MISSING', 'docker has no compose on this machine', {
      hint: `Install its plugin: https://docs.docker.com/compose/install/linux/\n${said}`,
    })
  }
  const [, variable] = /required variable (\w+) is missing a value/.exec(said) ?? []
  if (variable === undefined) {
    return new LaunchwayError('CONFIG_INVALID', `docker compose cannot read ${compose.join(', ')}`, { hint: said })
  }
  const place = await placeOf(variable, compose, ports)
  return new LaunchwayError(
    'CONFIG_INVALID',
    `${place?.file ?? compose.join(', ')} asks for the variable ${variable}, which has no value`,
    {
      hint: `${said}\nGive it in the environment of the step if it is a secret, else in launchway.yml:\n  smoke:\n    env: { ${variable}: … }`,
      ...(place === undefined ? {} : { place }),
    },
  )
}

/** Where a variable is asked for. Compose itself says the service, not the file. */
async function placeOf(variable: string, files: readonly string[], ports: Ports): Promise<Place | undefined> {
  for (const file of files) {
    const lines = (await ports.files.read(resolve(ports.root, file)))?.toString().split('\n') ?? []
    const line = lines.findIndex((text) => text.includes(`\${${variable}:?`) || text.includes(`\${${variable}?`))
    if (line !== -1) return { file: relative(ports.root, resolve(ports.root, file)), line: line + 1 }
  }
  return undefined
}

/** What compose warns of, without its format of log lines; that `version` is of no use any more is no news. */
function warningsIn(stderr: string): string[] {
  const found = [...stderr.matchAll(/level=warning msg="((?:[^"\\]|\\.)*)"/g)].map(([, text = '']) => text.replaceAll(/\\(.)/g, '$1'))
  return [...new Set(found)].filter((text) => !text.includes('`version` is obsolete'))
}
