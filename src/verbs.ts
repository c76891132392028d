/**
 * The verbs of the command line: a contract, with the flags that each takes beside `common`, and the argument (in
 * brackets one that may be left out).
 */
export const verbs = {
  plan: { says: 'say what would happen, and why', takes: ['config', 'environment', 'ref', 'event', 'base', 'rebuild', 'release', 'as'] },
  run: {
    says: 'the whole pipeline, as a push would run it',
    takes: ['config', 'environment', 'ref', 'rebuild', 'release', 'no-cache', 'pull'],
  },
  build: {
    says: 'one stage of what was planned: build every image, and upload it under its content key',
    takes: ['release', 'no-cache', 'pull'],
  },
  smoke: {
    says: 'one stage of what was planned: start the composed stack with the new images, and check it',
    takes: ['release', 'config', 'only', 'scale', 'fresh', 'keep', 'down', 'watch'],
  },
  scan: { says: 'one stage of what was planned: look for known vulnerabilities', takes: ['release'] },
  push: { says: 'one stage of what was planned: move the tags', takes: ['release'] },
  deploy: { says: 'one stage of what was planned: put the release live', takes: ['release'] },
  redeploy: {
    says: 'put an earlier version live again, without building',
    argument: 'VERSION',
    takes: ['config', 'environment', 'without-before-switch', 'dry-run'],
  },
  status: { says: 'what every host of an environment runs', takes: ['config', 'environment'] },
  recreate: {
    says: 'replace an accessory by one as it is configured now, with its volumes',
    argument: 'ACCESSORY',
    takes: ['config', 'environment'],
  },
  rollback: {
    says: 'return to the version before, or to another that the hosts keep, on every host of an environment',
    argument: '[VERSION]',
    takes: ['config', 'environment', 'force', 'dry-run'],
  },
  confirm: { says: 'end an upgrade that waits: the new version stays', takes: ['config', 'environment', 'dry-run'] },
  abort: { says: 'end an upgrade that waits: return to the old version', takes: ['config', 'environment', 'force', 'dry-run'] },
  maintenance: {
    says: 'show visitors a page instead of the application (on), or no longer (off)',
    argument: 'STATE',
    takes: ['config', 'environment'],
  },
  report: { says: "make a release's summary again from its record, and its page", takes: ['release'] },
  // Looking at what runs, and operating it.
  history: { says: 'what ran when on every host, and how it ended', takes: ['config', 'environment', 'host', 'limit'] },
  logs: {
    says: 'what the containers of a release wrote',
    argument: '[SERVICE]',
    takes: ['config', 'environment', 'host', 'release', 'since', 'lines', 'follow'],
  },
  exec: {
    says: 'run a command in the container of a service, or in a new one: exec SERVICE -- COMMAND…',
    argument: 'SERVICE',
    takes: ['config', 'environment', 'host', 'new'],
  },
  stop: { says: 'stop what runs, until start or the next deploy', argument: '[SERVICE]', takes: ['config', 'environment', 'host'] },
  start: { says: 'start what was stopped', argument: '[SERVICE]', takes: ['config', 'environment', 'host'] },
  remove: { says: 'remove what runs and is kept; volumes stay', argument: '[SERVICE]', takes: ['config', 'environment', 'host', 'yes'] },
  lock: { says: 'keep everybody from deploying', takes: ['config', 'environment', 'reason'] },
  unlock: { says: 'let everybody deploy again', takes: ['config', 'environment'] },
  prune: {
    says: 'remove images and containers that no kept release needs from the hosts of an environment; with --registry, images from the registries',
    takes: ['config', 'environment', 'host', 'registry', 'more', 'yes'],
  },
  env: {
    says: 'which variables and secrets a deploy from here would change: env diff',
    argument: 'diff',
    takes: ['config', 'environment', 'host'],
  },
  doctor: {
    says: 'find what would fail later: in files, on this machine, at registries and on hosts; nothing is changed',
    takes: ['config', 'environment', 'host', 'offline', 'fix'],
  },
  show: {
    says: 'the release record of an image: a tag, a commit, a digest or a whole reference',
    argument: 'REF',
    takes: ['config', 'environment'],
  },
  init: {
    says: 'look at this repository, ask what cannot be seen, and write launchway.yml, the workflows and the keys of the hosts',
    takes: [
      ...['config', 'host', 'environment', 'image', 'branch', 'live', 'port', 'url', 'publish', 'health', 'launchway'],
      ...['dockerfile', 'ci', 'trust', 'yes', 'force', 'anew', 'dry-run'],
    ],
  },
  scale: {
    says: 'how many tasks of a service a swarm runs, until the next deploy: scale SERVICE=N',
    argument: 'SERVICE=N',
    takes: ['config', 'environment'],
  },
  drain: {
    says: 'take all tasks away from a node of a swarm, before it is updated or switched off',
    argument: 'NODE',
    takes: ['config', 'environment'],
  },
  activate: { says: 'let a drained node of a swarm take tasks again', argument: 'NODE', takes: ['config', 'environment'] },
  hosts: {
    says: 'make one swarm of the hosts of an environment, or finish what is half formed: hosts setup --swarm',
    argument: 'setup',
    takes: ['config', 'environment', 'swarm', 'managers', 'advertise'],
  },
} as const satisfies Record<string, { says: string; argument?: string; takes: readonly (keyof typeof flags)[] }>

export type Verb = keyof typeof verbs

/** The flags of init that answer one of its questions. */
export const initAnswers = ['host', 'environment', 'image', 'branch', 'live', 'port', 'url', 'publish', 'health', 'launchway'] as const

/** Flags of the command line. An argument in brackets may be left out. */
export const flags = {
  config: { type: 'string', value: 'PATH', says: 'configuration (default: launchway.yml)' },
  environment: { type: 'string', short: 'e', value: 'NAME', says: 'environment, instead of the one the branch leads to' },
  ref: { type: 'string', value: 'REF', says: 'branch or refs/… to release as (default: what is checked out)' },
  event: {
    type: 'string',
    value: 'EVENT',
    says: 'say what this event would lead to: push, release, workflow_dispatch, pull_request, merge_group or schedule. No record is kept of it',
  },
  base: {
    type: 'string',
    value: 'BRANCH',
    says: 'with --event pull_request or merge_group: the branch that the change is for (default: the default branch of this clone)',
  },
  as: {
    type: 'string',
    value: 'STEP',
    says: 'say what of the environment comes along if it is run as compose or as swarm, and what to write instead; nothing is planned',
  },
  rebuild: { type: 'boolean', says: 'build every image, also where the registry knows one of the same content' },
  force: {
    type: 'boolean',
    says: 'leave a version although it declares that it cannot be rolled back; for init, replace files, but for launchway.yml',
  },
  anew: { type: 'boolean', says: 'write launchway.yml too, by what is seen, and replace the other files' },
  release: {
    type: 'string',
    value: 'PATH',
    says: 'release record (default: a file of this folder under your state folder); for logs the ID of a release that hosts keep',
  },
  host: {
    type: 'string',
    value: 'HOST',
    says: 'one host of the environment; exec runs on the first without it; for init, where to deploy to',
  },
  follow: { type: 'boolean', short: 'f', says: 'go on with what is written from now on, until Ctrl-C' },
  since: { type: 'string', value: 'TIME', says: 'from then on: 10m, 2h, or 2026-11-21T10:15:00Z' },
  lines: { type: 'string', value: 'N', says: 'the last lines of each container (default: 100, all of them with --since)' },
  limit: { type: 'string', value: 'N', says: 'entries of each host (default: 20)' },
  new: { type: 'boolean', says: 'in a container of its own, which goes with the command' },
  yes: { type: 'boolean', says: 'do it; without, only what would be done is shown. init: ask nothing, and take the defaults' },
  registry: { type: 'boolean', says: 'prune the registries, not the hosts' },
  more: { type: 'string', value: 'N', says: 'images that stay beside all that are needed (default: 10)' },
  reason: { type: 'string', value: 'TEXT', says: 'why, for those who meet the lock' },
  only: {
    type: 'string',
    multiple: true,
    value: 'CHECK',
    says: 'ask this check alone, by its name; may stand several times. Such a run says nothing in the record',
  },
  scale: {
    type: 'string',
    multiple: true,
    value: 'SERVICE=N',
    says: 'start so many containers of this service, whatever smoke.scale says; may stand several times. Such a run says nothing in the record',
  },
  'no-cache': { type: 'boolean', says: 'build without the layers of earlier builds' },
  pull: { type: 'boolean', says: 'ask the registries for the base images anew' },
  fresh: { type: 'boolean', says: 'start the stack also where the same has passed before; with --watch, anew each time' },
  keep: { type: 'boolean', says: 'leave the stack running to look around, its published ports on 127.0.0.1' },
  watch: {
    type: 'boolean',
    says: 'plan, build and test what is found here, and again with each change of it, until Ctrl-C; the stack stays up meanwhile',
  },
  down: { type: 'boolean', says: 'take down what was kept from this folder; nothing is tested' },
  offline: { type: 'boolean', says: 'ask nobody beyond this machine: no registry, no host, no GitHub' },
  fix: { type: 'boolean', says: 'mend line ends, .dockerignore and file modes, and show what was changed' },
  image: { type: 'string', value: 'REPOSITORY', says: 'where the image is pushed, without a tag' },
  branch: { type: 'string', value: 'NAME', says: 'the branch that goes to the environment' },
  live: {
    type: 'string',
    value: 'WHAT',
    says: 'what goes live: push, tag or release (one that is published on GitHub, which is the default where the repository shows that it has such)',
  },
  port: { type: 'string', value: 'PORT', says: 'where the application listens in its container; none for a worker' },
  url: { type: 'string', value: 'URL', says: 'address for visitors, behind nginx on the host; empty for a port of the host' },
  publish: { type: 'string', value: 'PORT', says: 'port of the host for visitors, where there is no url' },
  health: { type: 'string', value: 'PATH', says: 'path that answers 2xx when the application is well; empty for none' },
  launchway: {
    type: 'string',
    value: 'PIN',
    says: 'launchway for the workflows: OWNER/launchway@COMMIT, whose copy on GitHub they use and at which commit',
  },
  dockerfile: { type: 'string', value: 'PATH', says: 'the Dockerfile, where there are several and no compose file' },
  ci: { type: 'string', value: 'WHOSE', says: 'github, or none for no workflows (default: github, unless the remote is elsewhere)' },
  trust: {
    type: 'string',
    multiple: true,
    value: 'FINGERPRINT',
    says: 'take host keys with this fingerprint (SHA256:…), which you have compared; may stand several times',
  },
  'dry-run': { type: 'boolean', says: 'say what would be done or written, and do nothing: hosts are looked at, and stay as they are' },
  'without-before-switch': {
    type: 'boolean',
    says: 'leave out the before-switch command: that of an older version may not know what a newer one has done to the database',
  },
  swarm: { type: 'boolean', says: 'of Docker Swarm' },
  managers: {
    type: 'string',
    value: 'N',
    says: 'how many of the hosts manage the swarm, the first ones; an odd number (default: as many as there are, up to 5)',
  },
  advertise: {
    type: 'string',
    value: 'WHERE',
    says: 'by which address the hosts of a swarm know each other, where they have several: an interface (eth1) or a subnet (10.0.0.0/24)',
  },
  json: { type: 'boolean', says: 'print the answer as JSON' },
  debug: { type: 'boolean', says: 'show everything' },
  help: { type: 'boolean', short: 'h', says: 'the verbs and options; after a verb, those of that verb' },
  version: { type: 'boolean', says: 'version of launchway' },
} as const

export type Flag = keyof typeof flags

/** Every verb takes these. */
export const common: readonly Flag[] = ['json', 'debug', 'help', 'version']

/** What the workflows redeploy and versions have as buttons: what each would come to, and nothing is done. */
export const buttons = ['redeploy VERSION', 'rollback', 'confirm', 'abort'].map((verb) => `launchway ${verb} --dry-run`).join(', ')

/** The flags that a verb takes beside the common ones. */
export function flagsOf(verb: Verb): readonly Flag[] {
  return verbs[verb].takes
}
