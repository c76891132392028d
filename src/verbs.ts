/**
 * The verbs of the command line: a contract, with the flags that each takes beside `common`, and the argument (in
 * brackets one that may be left out). What has no `run` in
 * answers.ts yet is listed all the same, so that the name is taken; it answers NOT_YET.
 */
export const verbs = {
  plan: { says: 'say what would happen, and why', takes: ['config', 'environment', 'ref', 'release'] },
  run: { says: 'the whole pipeline, as a push would run it', takes: ['config', 'environment', 'ref', 'release'] },
  build: { says: 'one stage of what was planned: build every image, and upload it under its content key', takes: ['release'] },
  smoke: { says: 'one stage of what was planned: start the composed stack with the new images, and check it', takes: ['release'] },
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
  init: { later: 'look at a repository and write launchway.yml and the workflows' },
  doctor: { later: 'find what would fail' },
  history: { later: 'what ran when' },
  logs: { later: 'the log of a service' },
  exec: { later: 'a command in a running or a new container' },
  stop: { later: 'stop a service' },
  start: { later: 'start a service' },
  remove: { later: 'remove a service, keeping its volumes' },
  lock: { later: 'keep everybody from deploying' },
  unlock: { later: 'let them deploy again' },
  hosts: { later: 'prepare a host' },
  prune: { later: 'remove old images' },
  show: { later: 'look up the record of an image' },
} as const satisfies Record<string, { says: string; argument?: string; takes: readonly (keyof typeof flags)[] } | { later: string }>

export type Verb = keyof typeof verbs

/** Flags of the command line. */
export const flags = {
  config: { type: 'string', value: 'PATH', says: 'configuration (default: launchway.yml)' },
  environment: { type: 'string', short: 'e', value: 'NAME', says: 'environment, instead of the one the branch leads to' },
  ref: { type: 'string', value: 'REF', says: 'branch or refs/… to release as (default: what is checked out)' },
  release: { type: 'string', value: 'PATH', says: 'release record (default: a file of this folder under your state folder)' },
  force: { type: 'boolean', says: 'leave a version although it declares that it cannot be rolled back' },
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
