import type { JournalStep } from '../../../src/core/journal.ts'
import type { FaultKind } from '../../support/fault-kinds.ts'
import { project } from '../../unit/support/carry.ts'
import { job } from './crontab.ts'
import { sh, type Way } from './lifecycle.ts'
import { type PushedImage, worker } from './release.ts'
import { site, type SiteHost } from './site.ts'

/** What somebody does to a host, by the verb that does it. */
export type Act = 'deploy' | 'rollback' | 'confirm' | 'abort' | 'recreate' | 'prune' | 'remove'

/** One thing that somebody does to a host, step after step, each of which a fault can meet. */
export interface Scenario {
  name: string
  /** Deployed before it, in this order. */
  before: readonly string[]
  /** What may serve after it, by the names in `before`, `new`, `broken`, or nothing (the empty text). */
  after: readonly string[]
  /** Else it is a deploy. */
  does?: Act
  /** MODE of the new version. */
  mode?: string
  /** The web service owns the port; else nginx leads to it. */
  fixedPort?: boolean
  /**
   * What each case begins with: `waits`, a release that waits for its confirmation; `broken` or `recorded`, a deploy that was killed
   * before its record or after it; `no accessory`, since one that was started stays.
   */
  ready?: 'waits' | 'broken' | 'recorded' | 'no accessory'
  /** The server block is the user's, and is there before; else launchway writes it. */
  ownBlock?: boolean
  /** What the releases have, in the place of a web and a worker. */
  has?: (host: SiteHost, image: PushedImage, isNew: boolean) => Partial<Way>
  /** Steps that the journal of an undisturbed run has. */
  meets: readonly JournalStep[]
  /** The line that every run takes for a fault, where it takes one; the campaign takes them all. */
  sample?: Partial<Record<FaultKind, string>>
}

const usual = ['lock', 'pull', 'create', 'run', 'healthy', 'record', 'end'] as const
const behindNginx = [...usual, 'switch', 'probe'] as const
const update = [...behindNginx, 'linger', 'drain', 'stop'] as const

export const scenarios: readonly Scenario[] = [
  { name: 'a first deploy', before: [], after: ['', 'new'], meets: behindNginx },
  {
    name: "a first deploy that takes part in the user's own server block",
    before: [],
    after: ['', 'new'],
    ownBlock: true,
    has: (host) => ({ services: [site(host, { nginx: { serverNames: [host.name], existing: { https: false, port: 80 } } })] }),
    meets: behindNginx,
  },
  {
    name: 'an update behind nginx, with a worker',
    before: ['old'],
    after: ['old', 'new'],
    meets: update,
    // What is done, and not yet written down.
    sample: {
      'the connection is cut': 'switch done',
      'the runner is killed': 'switch done',
      'the program on the host is killed': 'record done',
      // After the proof, before the containers are kept: it is there that they had ended, and nobody looked.
      'the engine is restarted': 'probe done web',
      'the engine is gone, and comes back later': 'stop done web',
      'the host is rebooted': 'record done',
    },
  },
  {
    name: 'an update of a service with a fixed port',
    before: ['old'],
    after: ['old', 'new'],
    fixedPort: true,
    meets: [...usual, 'stop', 'downtime'],
  },
  {
    name: 'a rollback',
    before: ['older', 'old'],
    after: ['older', 'old'],
    does: 'rollback',
    meets: ['lock', 'run', 'healthy', 'switch', 'probe', 'record', 'stop', 'end'],
  },
  { name: 'an update that does not become well', before: ['old'], after: ['old'], mode: 'sick', meets: ['lock', 'run', 'undo', 'end'] },
  {
    name: 'an update with a migration, scheduled commands, files, assets, an accessory, and services that stay, run once, or go',
    before: ['old'],
    after: ['old', 'new'],
    ready: 'no accessory',
    has: everything,
    meets: [...update, 'files', 'before-switch', 'carry', 'assets', 'once', 'schedule'],
    sample: { 'the program on the host is killed': 'schedule done' },
  },
  {
    name: 'an update that waits for its confirmation',
    before: ['old'],
    after: ['old', 'new'],
    has: (host, _, isNew) => ({ services: [site(host)], ...(isNew ? { confirm: {} } : {}) }),
    meets: update,
  },
  {
    name: 'a confirmation',
    before: ['old'],
    after: ['new'],
    does: 'confirm',
    ready: 'waits',
    has: (host) => ({ services: [site(host)] }),
    meets: ['lock', 'confirm', 'end'],
  },
  {
    name: 'an abort that is forced',
    before: ['old'],
    after: ['old', 'new'],
    does: 'abort',
    ready: 'waits',
    has: (host, _, isNew) => ({ services: [site(host)], ...(isNew ? { noReturn: 'its data is of another form' } : {}) }),
    meets: ['lock', 'run', 'healthy', 'switch', 'probe', 'forced', 'record', 'drain', 'stop', 'end'],
  },
  {
    name: 'an accessory that is recreated',
    before: ['old'],
    after: ['old'],
    does: 'recreate',
    has: (host, image, isNew) => ({ services: [site(host)], accessories: [store(image, isNew ? 'new' : 'old')] }),
    meets: ['lock', 'pull', 'create', 'stop', 'run', 'healthy', 'downtime', 'record', 'end'],
  },
  {
    name: 'the deploy after one that was killed before its record',
    before: ['old'],
    after: ['old', 'new', 'broken'],
    ready: 'broken',
    meets: ['lock', 'recover', 'undo', 'end'],
    sample: { 'the program on the host is killed': 'undo done' },
  },
  {
    name: 'the deploy after one that was killed after its record',
    before: ['old'],
    after: ['new', 'broken'],
    ready: 'recorded',
    meets: [...behindNginx, 'recover'],
  },
  {
    name: 'an environment that is tidied',
    before: ['older', 'old'],
    after: ['old'],
    does: 'prune',
    has: (host) => ({ services: [site(host)] }),
    meets: ['lock', 'prune', 'end'],
  },
  {
    name: 'an environment that is removed',
    before: ['old'],
    after: ['old', ''],
    does: 'remove',
    has: (host) => ({ services: [site(host)] }),
    meets: ['lock', 'switch', 'remove', 'end'],
  },
]

/**
 * Steps that no scenario writes, each with the reason. The certificate has certbot and an authority between its lines, whose words
 * are lines as well, and never the same number of them.
 */
export const metElsewhere: Partial<Record<JournalStep, string>> = {
  certificate: 'host-certificate.test.ts kills the program around what it calls',
}

/** Whether what is new has to be confirmed. */
export const isToConfirm = ({ ready, has }: Scenario, host: SiteHost, image: PushedImage): boolean =>
  ready === 'waits' || has?.(host, image, true).confirm !== undefined

/** An accessory of the image that the services have. */
function store({ repository, digest }: PushedImage, version: string): NonNullable<Way['accessories']>[number] {
  const health = { command: ['true'], timeoutMs: 20_000, settleMs: 0 }
  return { name: 'store', image: `${repository}@${digest}`, command: ['sleep', 'infinity'], env: { VERSION: version }, health }
}

/** What a service is that does not change from one release to the next. */
const steady = { name: 'cache', command: ['sleep', 'infinity'], env: { VERSION: 'one' } }

/** A project: the new version brings all that a release can bring, in the place of a mailer. */
function everything(host: SiteHost, image: PushedImage, isNew: boolean): Partial<Way> {
  const health = { kind: 'http' as const, path: '/health', intervalMs: 100, timeoutMs: 20_000, settleMs: 0 }
  const web = site(host, { health, assets: [{ path: '/static', folder: '/static' }] })
  if (!isNew) return { project, services: [web, steady, { ...worker, name: 'mailer', command: ['sleep', 'infinity'] }] }
  return {
    project,
    services: [
      web,
      steady,
      { name: 'tables', once: true, command: ['true'], files: [{ source: 'conf', target: '/etc/conf', readOnly: true }] },
      // A day that is far away, whenever the campaign runs: one of its minutes may come meanwhile.
      job('backup', '0 3 29 2 *', 'true'),
    ],
    accessories: [store(image, 'new')],
    beforeSwitch: [sh('sleep 0.2')],
  }
}
