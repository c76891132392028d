/**
 * The house as a table: which rooms of src/ may import which. A linter rule reads it (plugin.ts), a test breaks it.
 * Imports point one way: doors → pipeline → stages → tools, config → core; adapters → core. A stage never imports
 * another stage, and only the doors' own wiring (ports.ts) imports adapters.
 */

/** The size watch is a part of the build, with a room of its own. */
const stages = ['plan', 'build', 'size', 'smoke', 'scan', 'push', 'deploy', 'report']

/** A room by the first part of a path below src/; a file that stands there alone is a room of its own. */
export const mayImport: Readonly<Record<string, readonly string[]>> = {
  core: [],
  config: ['core'],
  tools: ['core'],
  adapters: ['core', 'tools'],
  ...Object.fromEntries(stages.map((stage) => [stage, ['core', 'config', 'tools']])),
  // What it remembers holds for the launchway that found it out.
  smoke: ['core', 'config', 'tools', 'version.ts'],
  // Where an image comes from, it says of the launchway that built it.
  push: ['core', 'config', 'tools', 'version.ts'],
  // It asks the stages what they would refuse, and does nothing of theirs.
  doctor: ['core', 'config', 'tools', 'plan', 'build', 'smoke', 'deploy'],
  // It has stages work one after the other, again and again; which of them, the pipeline says only of a whole run.
  rounds: ['core', 'config', 'tools', 'plan', 'build', 'smoke'],
  // Not a stage: it writes what the stages will read.
  init: ['core', 'config', 'tools'],
  'pipeline.ts': ['core', 'ready.ts', ...stages],
  'ready.ts': ['core', 'push', 'deploy'],
  'ports.ts': ['core', 'adapters'],
  'inputs.ts': ['core'],
  'verbs.ts': [],
  'help.ts': ['core', 'verbs.ts'],
  'version.ts': [],
  'main.ts': ['core', 'adapters', 'moves.ts', 'pipeline.ts', 'ports.ts', 'inputs.ts', ...stages],
  'cli.ts': ['core', 'adapters', 'answers.ts', 'help.ts', 'ports.ts', 'verbs.ts', 'version.ts'],
  'answers.ts': ['core', 'doctor', 'endings.ts', 'init', 'moves.ts', 'pipeline.ts', 'rounds', 'verbs.ts', ...stages],
  'endings.ts': ['core', 'smoke'],
  'moves.ts': ['core', 'plan', 'deploy', 'push'],
  'bundle.ts': ['core', 'adapters', 'plan', 'report', 'tools', 'main.ts', 'cli.ts'],
}

/** The room of a file, given its path below src/. */
export function roomOf(path: string): string {
  return path.split('/')[0] ?? path
}

/** What is wrong with an import, or undefined. Both paths are below src/. */
export function breach(from: string, to: string): string | undefined {
  const [room, target] = [roomOf(from), roomOf(to)]
  if (room === target) return undefined
  // One file of a package may be wanted without its index; nothing else outside of src/ is shipped.
  if (target === '..')
    return to.startsWith('../node_modules/') ? undefined : `src/ is shipped alone: ${to.replaceAll('../', '')} is not in it`
  const allowed = mayImport[room]
  if (allowed === undefined) return `src/${room} is not in scripts/lint/rooms.ts: say there what it may import`
  if (allowed.includes(target)) return undefined
  return `${room} may import ${allowed.length === 0 ? 'nothing of ours' : allowed.join(', ')}, not ${target}`
}
