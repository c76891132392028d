import type { Environment } from '../../core/deployment.ts'
import { type Finding, levels, type Step } from './finding.ts'
import { ofAccessory, ofService } from './service.ts'

export type { Finding, Step } from './finding.ts'

/** What of an environment of `services:` becomes what, one step up or two; nothing is changed. The worst first. */
export function findingsOf(environment: Environment, to: Step): Finding[] {
  const { services, accessories } = environment
  const all = [
    ...ofEnvironment(environment, to),
    ...services.flatMap((one) => ofService(one, to)),
    ...accessories.flatMap((one) => ofAccessory(one, to)),
  ]
  return sorted(all)
}

/** The worst first. */
export function sorted(findings: readonly Finding[]): Finding[] {
  return levels.flatMap((level) => findings.filter((one) => one.level === level))
}

/** Of what the environment says of all its services. */
export function ofEnvironment({ beforeSwitch, confirm, hosts, sharedVolumes }: Environment, to: Step): Finding[] {
  if (to === 'compose') return []
  const managers = hosts.length % 2 === 1 ? '' : `: of ${hosts.length} hosts ${Math.max(1, hosts.length - 1)} manage it`
  const commands = (beforeSwitch ?? []).map(({ service, command }) => `before-switch ${service}: ${command.join(' ')}`)
  return [
    ...commands.map((what): Finding => ({
      level: 'write',
      what,
      instead:
        'a service of the compose file with this command and restart: "no": it runs once for each release, before the others are updated',
    })),
    ...(confirm === undefined
      ? []
      : [
          {
            level: 'lost' as const,
            what: 'confirm',
            instead: 'a stack that has converged is live: launchway rollback returns to the version before',
          },
        ]),
    ...(sharedVolumes === undefined
      ? []
      : [
          {
            level: 'write' as const,
            what: `shared-volumes: ${sharedVolumes.join(', ')}`,
            instead: 'external: true at these volumes of the compose file, and their name',
          },
        ]),
    ...(hosts.length < 3
      ? [
          {
            level: 'otherwise' as const,
            what: `${hosts.length} host${hosts.length === 1 ? '' : 's'}`,
            instead: 'fewer than three managers bear the loss of none: a swarm of them is lost sooner than they are one by one',
          },
        ]
      : [
          {
            level: 'write' as const,
            what: `${hosts.length} hosts`,
            instead: `launchway hosts setup --swarm makes one swarm of them${managers}; each service then runs once in all, unless deploy.replicas says more`,
          },
        ]),
  ]
}

const headings: Record<Finding['level'], string> = {
  lost: 'What cannot come along',
  otherwise: 'What means something else there',
  write: 'What is to be written elsewhere',
}

export function showFindings(environment: string, to: Step, findings: readonly Finding[]): string {
  const lines = levels.flatMap((level) => {
    const found = findings.filter((one) => one.level === level)
    if (found.length === 0) return []
    return [
      '',
      `${headings[level]}:`,
      ...found.map(({ service, what, instead }) => `  ${service === undefined ? '' : `${service}: `}${what}\n    ${instead}`),
    ]
  })
  const lost = findings.filter(({ level }) => level === 'lost').length
  const verdict = lost === 0 ? 'nothing of it is lost' : `${lost} thing${lost === 1 ? '' : 's'} cannot come along`
  return [`${environment} as ${to}: ${verdict}. Nothing was changed.`, ...lines].join('\n')
}
