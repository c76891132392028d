import { showBytes, showMs } from '../../core/units.ts'
import type { Found, Rule, Where } from '../finding.ts'
import type { SeenHost } from '../look/hosts.ts'
import type { SeenKey } from '../look/known-hosts.ts'

/** More makes the times of journals and records lie, and certificates look as if they were of the future. */
const mostSkewMs = 30_000
/** Where nobody knows how large the images are. */
const leastBytes = 2_000_000_000

function at({ host, environment }: { host: string; environment: string }): Where {
  return { host, environment }
}

export const hostRules: readonly Rule<readonly SeenHost[]>[] = [
  {
    id: 'host-unreachable',
    topic: 'host',
    severity: 'error',
    looks: 'hosts that cannot be reached over SSH, refuse the key, or do not answer to the end',
    why: 'The deploy stops there: SSH_UNREACHABLE, or HOST_UNFIT.',
    fix: 'See docs/guide/hosts.md.',
    find: (seen) => refusals(seen, (code) => code !== 'SSH_HOST_KEY'),
  },
  {
    id: 'host-key',
    topic: 'host',
    severity: 'error',
    looks: 'hosts whose key known_hosts does not have, or has otherwise',
    why: 'Somebody else may answer in their place: nothing is sent to them.',
    fix: 'See docs/errors/SSH_HOST_KEY.md.',
    find: (seen) => refusals(seen, (code) => code === 'SSH_HOST_KEY'),
  },
  {
    id: 'host-unfit',
    topic: 'host',
    severity: 'error',
    looks:
      'whatever a deploy would refuse a host for: the engine, rights (docker or sudo), the state folder, flock, setsid, a tool to probe with, ports that are taken, volumes that others write to, data that would be left behind, nginx and its configuration, certificates, cron, room on disk, a login manager that ends what a login leaves behind (linger)',
    why: 'The deploy stops there: HOST_UNFIT.',
    fix: 'See docs/guide/hosts.md.',
    find: (seen) => seen.flatMap((one) => (one.examined?.lacks ?? []).map(({ what, hint }) => ({ where: at(one), what, fix: hint }))),
  },
  {
    id: 'host-held',
    topic: 'host',
    severity: 'hint',
    looks: 'hosts that somebody has locked or deploys to, where a version waits for its confirmation, or an attempt broke off',
    why: 'A deploy would wait, or be refused, until that is decided.',
    fix: 'See launchway status.',
    find: (seen) => seen.flatMap((one) => (one.examined?.held ?? []).map(({ what, hint }) => ({ where: at(one), what, fix: hint }))),
  },
  {
    id: 'host-clock',
    topic: 'host',
    severity: 'warning',
    looks: 'clocks of hosts that differ from the one here by more than 30 s',
    why: 'Tokens and certificates are refused by their times, and nobody can put the logs of two machines beside each other.',
    fix: 'Have the time set from the network: timedatectl set-ntp true',
    find: (seen) =>
      seen.flatMap((one) => {
        const skewMs = one.examined?.skewMs ?? 0
        if (Math.abs(skewMs) <= mostSkewMs) return []
        return [{ where: at(one), what: `its clock is ${showMs(Math.abs(skewMs))} ${skewMs > 0 ? 'ahead' : 'behind'}` }]
      }),
  },
  {
    id: 'host-disk',
    topic: 'host',
    severity: 'warning',
    looks: 'hosts with less than 2 GB of disk, where no record here says how large the images are',
    why: 'A pull that fills the disk takes the databases of the host down with it.',
    fix: 'launchway prune, or a larger disk.',
    find: (seen) =>
      seen.flatMap((one) => {
        const free = one.examined?.freeBytes
        if (free === undefined || one.refused !== undefined || one.imageBytes !== undefined || free >= leastBytes) return []
        return [{ where: at(one), what: `${showBytes(free)} of disk are free` }]
      }),
  },
  {
    id: 'host-certificate',
    topic: 'host',
    severity: 'warning',
    looks: 'certificates of `nginx.tls` that have ended, end within a week, or are for other names than those of the server',
    why: 'The deploy asks nginx whatever certificate it has; visitors get a warning of their browser instead of the page.',
    fix: 'Renew it, or have the deploy ask for one: nginx: { acme: … }.',
    find: (seen) => seen.flatMap((one) => (one.examined?.certificates ?? []).map((what) => ({ where: at(one), what }))),
  },
  {
    id: 'host-mount-missing',
    topic: 'host',
    severity: 'warning',
    looks: 'folders and files of the host that services mount and that are not there',
    why: 'Docker makes an empty folder of root in its place, and the application finds no data.',
    fix: 'Make it, with the owner that the container runs as.',
    find: (seen) =>
      seen.flatMap((one) => (one.examined?.absent ?? []).map((path) => ({ where: at(one), what: `${path} is mounted and is not there` }))),
  },
]

function refusals(seen: readonly SeenHost[], isMeant: (code: string) => boolean): Found[] {
  return seen.flatMap((one) => {
    const { refused } = one
    if (refused === undefined || !isMeant(refused.code)) return []
    return [{ where: at(one), what: refused.message, ...(refused.hint === undefined ? {} : { fix: refused.hint }) }]
  })
}

export const keyRules: readonly Rule<readonly SeenKey[]>[] = [
  {
    id: 'known-hosts-missing',
    topic: 'host',
    severity: 'warning',
    looks:
      'repositories with workflows and without a known_hosts file, which no runner has of its own; a file that is named and is not there',
    why: 'The keys of hosts are always checked: the deploy stops with SSH_HOST_KEY.',
    fix: 'ssh-keyscan HOST >> .github/known_hosts, compare the fingerprints with those on the hosts, and commit it.',
    find: (seen) =>
      seen.flatMap(({ state, file, onGitHub }): Found[] => {
        if (state !== 'no file' || (file === undefined && !onGitHub)) return []
        const what = file === undefined ? 'there is no .github/known_hosts' : `${file} is not there`
        return [{ where: { file: file ?? '.github/known_hosts' }, what, ...(file === undefined ? {} : { severity: 'error' }) }]
      }),
  },
  {
    id: 'known-hosts-lacks',
    topic: 'host',
    severity: 'warning',
    looks: 'hosts that the known_hosts file of the repository does not have',
    why: 'The keys of hosts are always checked: the deploy stops with SSH_HOST_KEY.',
    fix: 'ssh-keyscan HOST >> .github/known_hosts, compare the fingerprint with the one on the host, and commit it.',
    find: (seen) =>
      seen.flatMap((one) => (one.state === 'unknown' ? [{ where: at(one), what: `${one.file ?? ''} has no key of it` }] : [])),
  },
]
