import { LaunchwayError, stackOf } from '../core/error.ts'
import { isHostNamed } from '../core/names.ts'
import type { Ports } from '../core/ports.ts'
import { distinct, type Finding, judge, type Severity, type Skipped, severities, topicNames } from './finding.ts'
import { mendAll } from './fix.ts'
import { lookAtGitHub } from './look/github.ts'
import { lastImages, lookAtHost } from './look/hosts.ts'
import { lookAtKeys } from './look/known-hosts.ts'
import { lookAtMachine } from './look/machine.ts'
import { lookAtRepositories } from './look/registry.ts'
import { lookAtStacks } from './look/render.ts'
import { lookAtSecrets } from './look/secrets.ts'
import { githubRules } from './rules/github.ts'
import { hostRules, keyRules } from './rules/host.ts'
import { invalidRules } from './rules/invalid.ts'
import { machineRules } from './rules/machine.ts'
import { registryRules } from './rules/registry.ts'
import { renderRules } from './rules/render.ts'
import { secretRules } from './rules/secrets.ts'
import { readSources, type Sources } from './sources.ts'
import { sourceRules } from './table.ts'

export interface Wish {
  config: string
  /** The only environment that is looked at; all of them without one. */
  environment?: string | undefined
  /** The only host that is asked. */
  host?: string | undefined
  /** Where the record of the last release from here lies, if there was one. */
  record: string
  /** Nothing beyond this machine is asked. */
  offline: boolean
  /** What can be mended without asking is. */
  fix: boolean
}

/** The answer, for `--json`. */
export interface Report {
  version: 1
  /** In the order of the topics, the worst of each first. `fixed` where `--fix` has mended it. */
  findings: readonly (Omit<Finding, 'mend'> & { fixed?: true })[]
  /** Checks that could not be made, and why. */
  skipped: readonly Skipped[]
  /** What `--fix` has changed, a line for each. */
  changes: readonly string[]
  /** Of what is left. */
  counts: Readonly<Record<Severity, number>>
}

/** What a check comes to. */
interface Checked {
  findings: Finding[]
  skipped?: Skipped[]
}

interface Check {
  /** For people, where it cannot be made. */
  name: string
  /** It asks somebody beyond this machine. */
  isOutside?: boolean
  make(this: void): Promise<Checked>
}

/**
 * Looks at everything that can fail later. Checks run side by side, and none hides another.
 * @throws LaunchwayError USAGE for an environment or host that the configuration does not have
 */
export async function doctor(wish: Wish, ports: Ports): Promise<Report> {
  const sources = await readSources(wish.config, wish.environment, ports).catch((error: unknown) => {
    if (error instanceof LaunchwayError && error.code === 'CONFIG_INVALID') return error
    throw error
  })
  const checks = sources instanceof LaunchwayError ? withoutSources(sources, ports) : checksOf(sources, wish, ports)
  const done = await Promise.all(checks.map((check) => attempt(check, wish, ports)))
  const findings = inOrder(distinct(done.flatMap((one) => one.findings)))
  const { mended, changes } = wish.fix ? await mendAll(findings, ports) : { mended: new Set<Finding>(), changes: [] }
  const left = findings.filter((one) => !mended.has(one))
  return {
    version: 1,
    findings: findings.map((finding) => {
      const { rule, topic, severity, where, what, why, fix, fixable } = finding
      const told = { rule, topic, severity, where, what: ports.redact(what), why, fix: ports.redact(fix), fixable }
      return { ...told, ...(mended.has(finding) ? { fixed: true as const } : {}) }
    }),
    skipped: done.flatMap(({ skipped = [] }) => skipped).map(({ check, reason }) => ({ check, reason: ports.redact(reason) })),
    changes,
    counts: {
      error: left.filter(({ severity }) => severity === 'error').length,
      warning: left.filter(({ severity }) => severity === 'warning').length,
      hint: left.filter(({ severity }) => severity === 'hint').length,
    },
  }
}

/** The configuration cannot be read: what needs none is looked at all the same. */
function withoutSources(error: LaunchwayError, ports: Ports): Check[] {
  const none = { smoke: undefined, environments: [], config: {} }
  return [
    {
      name: 'everything that launchway.yml names',
      make: async () => ({
        findings: judge(invalidRules, error),
        skipped: [{ check: 'everything that launchway.yml names', reason: 'it has to be mended first' }],
      }),
    },
    { name: 'this machine', make: async () => ({ findings: judge(machineRules, await lookAtMachine(none, ports)) }) },
  ]
}

function checksOf(sources: Sources, wish: Wish, ports: Ports): Check[] {
  const hosts = hostsOf(sources, wish.host)
  const images = lastImages(wish.record, sources, ports)
  return [
    { name: 'the files of the repository', make: async () => ({ findings: judge(sourceRules, sources) }) },
    { name: 'this machine', make: async () => ({ findings: judge(machineRules, await lookAtMachine(sources, ports)) }) },
    {
      name: 'the compose files as docker compose reads them',
      make: async () => ({ findings: judge(renderRules, await lookAtStacks(sources, ports)) }),
    },
    { name: 'secrets', make: async () => ({ findings: judge(secretRules, await lookAtSecrets(sources, ports)) }) },
    {
      name: 'known_hosts',
      make: async () => {
        const findings = judge(keyRules, await lookAtKeys(sources, ports))
        // A host that is asked tells by itself whether its key is known.
        return { findings: wish.offline ? findings : findings.filter(({ rule }) => rule !== 'known-hosts-lacks') }
      },
    },
    {
      name: 'the right to push',
      isOutside: true,
      make: async () => {
        const { seen, skipped } = await lookAtRepositories(sources, ports)
        return { findings: judge(registryRules, seen), skipped }
      },
    },
    {
      name: "the GitHub token's rights",
      isOutside: true,
      make: async () => {
        const seen = await lookAtGitHub(sources, ports)
        return seen === undefined
          ? {
              findings: [],
              skipped: [{ check: "the GitHub token's rights", reason: 'there is no GITHUB_TOKEN and GITHUB_REPOSITORY here' }],
            }
          : { findings: judge(githubRules, seen) }
      },
    },
    ...hosts.map(({ host, environment }) => ({
      name: `the host ${host} (${environment.name})`,
      isOutside: true,
      make: async () => ({ findings: judge(hostRules, [await lookAtHost(host, environment, { sources, images: await images }, ports)]) }),
    })),
  ]
}

function hostsOf({ environments }: Sources, wanted: string | undefined) {
  const all = environments.flatMap((environment) => environment.hosts.map((host) => ({ host, environment })))
  const chosen = all.filter(({ host }) => wanted === undefined || isHostNamed(host, wanted))
  if (wanted === undefined || chosen.length > 0) return chosen
  throw new LaunchwayError('USAGE', `there is no host "${wanted}"`, {
    hint: `There are: ${all.map(({ host }) => host).join(', ') || 'none'}`,
  })
}

async function attempt({ name, isOutside = false, make }: Check, { offline }: Wish, ports: Ports): Promise<Checked> {
  if (isOutside && offline) return { findings: [], skipped: [{ check: name, reason: '--offline' }] }
  try {
    return await make()
  } catch (error) {
    ports.signal.throwIfAborted()
    ports.log.debug(stackOf(error))
    const reason =
      error instanceof LaunchwayError
        ? `${error.code}: ${error.message}`
        : `a bug in launchway: ${error instanceof Error ? error.message : String(error)}`
    return { findings: [], skipped: [{ check: name, reason }] }
  }
}

function inOrder(findings: readonly Finding[]): Finding[] {
  const rank = ({ topic, severity }: Finding): number => topicNames.indexOf(topic) * severities.length + severities.indexOf(severity)
  return findings.toSorted((a, b) => rank(a) - rank(b))
}
