import { LaunchwayError } from '../../core/error.ts'
import type { Ports } from '../../core/ports.ts'
import { type Answer, ask, type Target } from '../operate/hosts.ts'
import { dockerProgram } from './program.ts'
import { type SeenStack, servicesNamed, stackOf, throughManager } from './stack.ts'

/**
 * Removes a stack, or one service of it. Volumes stay, on the nodes that have them.
 * @param of.yes without it, nothing is changed: the answer is what would be removed
 */
export async function remove(
  target: Target,
  of: { service: string | undefined; host: string | undefined; yes: boolean; isTerminal: boolean },
  ports: Ports,
): Promise<Answer> {
  return throughManager(
    target,
    of.host,
    async (remote, seen) => {
      const removal = planRemoval(target, seen, of.service)
      if (of.yes) {
        const failed = (await ask(remote, dockerProgram(callsFor(removal)))).first('failed')
        if (failed !== undefined)
          throw new LaunchwayError('COMMAND_FAILED', `not everything could be removed, through ${remote.host}`, {
            hint: `${failed}\nThe same command goes on from here.`,
          })
      }
      const rows = Object.entries<string[]>({ ...removal }).flatMap(([kind, names]) =>
        names.map((name) => `${of.yes ? 'removed' : 'would remove'} ${kind.slice(0, -1)} ${name}`),
      )
      const then = of.yes
        ? [`Volumes stay, each on the node that has it: docker volume ls --filter label=com.docker.stack.namespace=${stackOf(target)}`]
        : ['Nothing was changed. Volumes stay in any case. To do it: the same with --yes']
      return {
        text: `${[...rows, ...then].join('\n')}\n`,
        json: { changed: of.yes, by: remote.host, ...removal },
        ...(of.yes || of.isTerminal ? {} : { exit: 2 }),
      }
    },
    ports,
  )
}

interface StackRemoval {
  services: string[]
  networks: string[]
  configs: string[]
  secrets: string[]
}

function planRemoval(target: Target, seen: SeenStack, service: string | undefined): StackRemoval {
  const hasRest = seen.services.length === 0 && seen.networks.length + seen.configs.length + seen.secrets.length > 0
  const services = service === undefined && hasRest ? [] : servicesNamed(seen, service, target).map(({ name }) => name)
  const all = service === undefined
  return { services, networks: all ? [...seen.networks] : [], configs: all ? [...seen.configs] : [], secrets: all ? [...seen.secrets] : [] }
}

/** In the order in which nothing is used any more. */
function callsFor({ services, networks, configs, secrets }: StackRemoval): string[][] {
  return [
    ...(services.length === 0 ? [] : [['service', 'rm', ...services]]),
    ...(networks.length === 0 ? [] : [['network', 'rm', ...networks]]),
    ...(configs.length === 0 ? [] : [['config', 'rm', ...configs]]),
    ...(secrets.length === 0 ? [] : [['secret', 'rm', ...secrets]]),
  ]
}
