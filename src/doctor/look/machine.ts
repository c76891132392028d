import { anyCode, type Command, command } from '../../core/command.ts'
import { LaunchwayError } from '../../core/error.ts'
import type { Ports } from '../../core/ports.ts'
import { composeVersion } from '../../tools/compose.ts'
import { headSha } from '../../tools/git.ts'
import type { Sources } from '../sources.ts'

const toolNames = ['docker', 'buildx', 'compose', 'git', 'ssh', 'trivy'] as const
export type ToolName = (typeof toolNames)[number]

/** A program of this machine, or why it cannot be had. */
type Tool = { version: string } | { missing: string }

export interface Machine {
  /** Those that a release of this configuration calls. */
  tools: ReadonlyMap<ToolName, Tool>
  /** Undefined where docker is not there to ask it. */
  engine: Tool | undefined
  /** There is a commit to release. */
  hasCommit: boolean
}

/** Which programs a release of this configuration calls. */
function toolsFor({ smoke, environments, config }: Pick<Sources, 'smoke' | 'environments' | 'config'>): ToolName[] {
  return toolNames.filter((name) => {
    if (name === 'compose') return smoke !== undefined
    if (name === 'ssh') return environments.length > 0
    return name !== 'trivy' || config.scan !== false
  })
}

export async function lookAtMachine(sources: Pick<Sources, 'smoke' | 'environments' | 'config'>, ports: Ports): Promise<Machine> {
  const [tools, engine, hasCommit] = await Promise.all([
    Promise.all(toolsFor(sources).map(async (name) => [name, await ask(name, ports)] as const)),
    toolOf(() => version(command('docker', ['version', '--format', '{{.Server.Version}}']), ports)),
    ports.exec.read(headSha(ports.root)).then(
      () => true,
      () => false,
    ),
  ])
  const found = new Map(tools)
  const docker = found.get('docker')
  return { tools: found, engine: docker === undefined || 'missing' in docker ? undefined : engine, hasCommit }
}

const questions: Readonly<Record<Exclude<ToolName, 'trivy'>, Command>> = {
  docker: command('docker', ['--version']),
  buildx: command('docker', ['buildx', 'version']),
  compose: composeVersion,
  git: command('git', ['--version']),
  ssh: command('ssh', ['-V']),
}

function ask(name: ToolName, ports: Ports): Promise<Tool> {
  // It is fetched where it is not there; what is looked for is one that needs no network.
  if (name === 'trivy') return toolOf(async () => (await ports.tools.trivy({ offline: true })) && 'there')
  return toolOf(() => version(questions[name], ports))
}

/** @throws LaunchwayError TOOL_MISSING in the program's own words */
async function version(question: Command, { exec, signal }: Ports): Promise<string> {
  const { code, stdout, stderr } = await exec.run(question, { accept: anyCode, signal })
  const said = `${stdout}\n${stderr}`.trim()
  // What comes before is of docker's client, which has answered.
  if (code !== 0) throw new LaunchwayError('TOOL_MISSING', said.split('\n').at(-1) ?? '')
  return /\d+\.\d+(\.\d+)?/.exec(said)?.[0] ?? said
}

async function toolOf(find: () => Promise<string>): Promise<Tool> {
  try {
    return { version: await find() }
  } catch (error) {
    if (!(error instanceof LaunchwayError)) throw error
    return { missing: error.message }
  }
}
