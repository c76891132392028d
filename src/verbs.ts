/**
 * The verbs of the command line: a contract, with the flags that each takes beside `common`, and the argument (in
 * brackets one that may be left out). What has no `run` in
 * answers.ts yet is listed all the same, so that the name is taken; it answers NOT_YET.
 */
export const verbs = {
  plan: { says: 'say what would happen, and why', takes: ['config', 'environment', 'ref', 'event', 'release'] },
  run: { says: 'the whole pipeline, as a push would run it', takes: ['config', 'environment', 'ref', 'release'] },
  build: { says: 'one stage of what was planned: build every image, and upload it under its content key', takes: ['release'] },
  smoke: {
    says: 'one stage of what was planned: start the composed stack with the new images, and check it',
    takes: ['release', 'only', 'fresh', 'keep', 'down'],
  },
  scan: { says: 'one stage of what was planned: look for known vulnerabilities', takes: ['release'] },
  push: { says: 'one stage of what was planned: move the tags', takes: ['release'] },
  deploy: { says: 'one stage of what was planned: put the release live', takes: ['release'] },
  redeploy: { says: 'put an earlier version live again, without building', argument: 'VERSION', takes: ['config', 'environment'] },
  status: { says: 'what every host of an environment runs', takes: ['config', 'environment'] },
  recreate: {
    says: 'replace an accessory by one as it is configured now, with its volumes',
    argument: 'ACCESSORY',
    takes: ['config', 'environment'],
  },
  rollback: {
    says: 'return to the version before, or to another that the hosts keep, on every host of an environment',
    argument: '[VERSION]',
    takes: ['config', 'environment', 'force'],
  },
  confirm: { says: 'end an upgrade that waits: the new version stays', takes: ['config', 'environment'] },
  abort: { says: 'end an upgrade that waits: return to the old version', takes: ['config', 'environment', 'force'] },
  maintenance: {
    says: 'show visitors a page instead of the application (on), or no longer (off)',
    argument: 'STATE',
    takes: ['config', 'environment'],
  },
  report: { says: "make a release's summary again from its record", takes: ['release'] },
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
  prune: { says: 'remove images and containers that no kept release needs', takes: ['config', 'environment', 'host'] },
  env: {
    says: 'which variables and secrets a deploy from here would change: env diff',
    argument: 'diff',
    takes: ['config', 'environment', 'host'],
  },
  show: {
    says: 'the release record of an image: a tag, a commit, a digest or a whole reference',
    argument: 'REF',
    takes: ['config', 'environment'],
  },
  init: { later: 'look at a repository and write launchway.yml and the workflows' },
  doctor: { later: 'find what would fail' },
  hosts: { later: 'prepare a host' },
} as const satisfies Record<string, { says: string; argument?: string; takes: readonly (keyof typeof flags)[] } | { later: string }>

export type Verb = keyof typeof verbs

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
  force: { type: 'boolean', says: 'leave a version although it declares that it cannot be rolled back' },
  release: {
    type: 'string',
    value: 'PATH',
    says: 'release record (default: a file of this folder under your state folder); for logs the ID of a release that hosts keep',
  },
  host: { type: 'string', value: 'HOST', says: 'one host of the environment; exec runs on the first without it' },
  follow: { type: 'boolean', short: 'f', says: 'go on with what is written from now on, until Ctrl-C' },
  since: { type: 'string', value: 'TIME', says: 'from then on: 10m, 2h, or 2026-11-21T10:15:00Z' },
  lines: { type: 'string', value: 'N', says: 'the last lines of each container (default: 100, all of them with --since)' },
  limit: { type: 'string', value: 'N', says: 'entries of each host (default: 20)' },
  new: { type: 'boolean', says: 'in a container of its own, which goes with the command' },
  yes: { type: 'boolean', says: 'do it; without, only what would be done is shown' },
  reason: { type: 'string', value: 'TEXT', says: 'why, for those who meet the lock' },
  only: {
    type: 'string',
    multiple: true,
    value: 'CHECK',
    says: 'ask this check alone, by its name; may stand several times. Such a run says nothing in the record',
  },
  fresh: { type: 'boolean', says: 'start the stack also where the same has passed before' },
  keep: { type: 'boolean', says: 'leave the stack running to look around, its published ports on 127.0.0.1' },
  down: { type: 'boolean', says: 'take down what was kept from this folder; nothing is tested' },
  json: { type: 'boolean', says: 'print the answer as JSON' },
  debug: { type: 'boolean', says: 'show everything' },
  help: { type: 'boolean', short: 'h', says: 'the verbs and options' },
  version: { type: 'boolean', says: 'version of launchway' },
} as const

export type Flag = keyof typeof flags

/** Every verb takes these. */
export const common: readonly Flag[] = ['json', 'debug', 'help', 'version']

/** The flags that a verb takes beside the common ones; none for a verb of a later version. */
export function flagsOf(verb: Verb): readonly Flag[] {
  const entry = verbs[verb]
  return 'takes' in entry ? entry.takes : []
}
