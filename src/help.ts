import { keysOf } from './core/objects.ts'
import { common, type Flag, flags, flagsOf, type Verb, verbs } from './verbs.ts'

/** For each verb a line that somebody may really type, and the page that tells more. */
export const examples: Readonly<Record<Verb, readonly [line: string, page: string]>> = {
  plan: ['launchway plan --event pull_request', 'docs/guide/how-a-release-works.md'],
  run: ['launchway run --environment staging', 'docs/guide/how-a-release-works.md'],
  build: ['launchway build --no-cache', 'docs/guide/build.md'],
  smoke: ['launchway smoke --only web --keep', 'docs/guide/smoke.md'],
  scan: ['launchway scan', 'docs/guide/scan.md'],
  push: ['launchway push', 'docs/guide/push.md'],
  deploy: ['launchway deploy', 'docs/guide/hosts.md'],
  redeploy: ['launchway redeploy v1.4 --environment production', 'docs/guide/hosts.md'],
  status: ['launchway status --environment production', 'docs/guide/operate.md'],
  recreate: ['launchway recreate db --environment production', 'docs/guide/services.md'],
  rollback: ['launchway rollback --environment production', 'docs/guide/upgrades.md'],
  confirm: ['launchway confirm --environment production', 'docs/guide/upgrades.md'],
  abort: ['launchway abort --environment production', 'docs/guide/upgrades.md'],
  maintenance: ['launchway maintenance on --environment production', 'docs/guide/nginx.md'],
  report: ['launchway report --release release.json', 'docs/guide/how-a-release-works.md'],
  history: ['launchway history --environment production --limit 5', 'docs/guide/operate.md'],
  logs: ['launchway logs worker --since 10m', 'docs/guide/operate.md'],
  exec: ['launchway exec web -- ls -l', 'docs/guide/operate.md'],
  stop: ['launchway stop worker --environment production', 'docs/guide/operate.md'],
  start: ['launchway start worker --environment production', 'docs/guide/operate.md'],
  remove: ['launchway remove worker --environment production --yes', 'docs/guide/operate.md'],
  lock: ['launchway lock --environment production --reason "the disk is full"', 'docs/guide/operate.md'],
  unlock: ['launchway unlock --environment production', 'docs/guide/operate.md'],
  prune: ['launchway prune --environment production --yes', 'docs/guide/operate.md'],
  env: ['launchway env diff --environment production', 'docs/guide/operate.md'],
  doctor: ['launchway doctor --offline', 'docs/guide/doctor.md'],
  show: ['launchway show v1.4', 'docs/guide/operate.md'],
  init: ['launchway init --dry-run', 'docs/guide/init.md'],
  scale: ['launchway scale web=3 --environment production', 'docs/guide/swarm.md'],
  drain: ['launchway drain node2 --environment production', 'docs/guide/growing.md'],
  activate: ['launchway activate node2 --environment production', 'docs/guide/growing.md'],
  hosts: ['launchway hosts setup --swarm --environment production', 'docs/guide/growing.md'],
}

/** What `launchway --help` shows: every verb, and every option. */
export function help(): string {
  const now = keysOf(verbs).flatMap((verb) => [row(withArgument(verb), verbs[verb].says), row('', named(verbs[verb].takes))])
  return [
    'launchway: from a git push to a version that runs on your own server',
    'launchway VERB [OPTION…]',
    now.join('\n'),
    `Every verb takes ${named(common)}.`,
    keysOf(flags).map(option).join('\n'),
    'One verb: launchway VERB --help. Exit codes: docs/reference/cli.md\n',
  ].join('\n\n')
}

/** What `launchway VERB --help` shows: how this one is called, with what it takes, and where more is written. */
export function helpOf(verb: Verb): string {
  const [example, page] = examples[verb]
  return [
    `launchway ${withArgument(verb)} [OPTION…]${verb === 'exec' ? ' -- COMMAND…' : ''}`,
    `  ${verbs[verb].says}`,
    [...flagsOf(verb), ...common].map(option).join('\n'),
    `Example: ${example}`,
    `More: ${page}; all verbs, options and exit codes: docs/reference/cli.md\n`,
  ].join('\n\n')
}

function withArgument(verb: Verb): string {
  const entry = verbs[verb]
  return 'argument' in entry ? `${verb} ${entry.argument}` : verb
}

function option(flag: Flag): string {
  const entry = flags[flag]
  return row(`--${flag}${'value' in entry ? ` ${entry.value}` : ''}${'short' in entry ? `, -${entry.short}` : ''}`, entry.says)
}

function row(left: string, right: string): string {
  return `  ${left.padEnd(24)}${right}`
}

function named(list: readonly Flag[]): string {
  return list.map((flag) => `--${flag}`).join(' ')
}
