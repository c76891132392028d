import type { Accessory, Service } from '../../core/deployment.ts'
import type { Finding, Step } from './finding.ts'

type Fate = readonly [level: Finding['level'], instead: string]

/** What a service says, each with what becomes of it one step up; nothing for what it does not say. */
interface Rule {
  /** The key and, where that helps, its value; none where nothing is said. */
  what(service: Service): string[]
  compose: Fate | undefined
  swarm: Fate
}

const stays: Fate = ['write', 'leave it under services: of launchway.yml, beside compose:']

function say(key: string): Rule['compose'] {
  return ['write', `in the compose file: ${key}`]
}

const rules: readonly Rule[] = [
  {
    what: ({ nginx }) => (nginx === undefined ? [] : [`nginx for ${nginx.serverNames.join(', ')}`]),
    compose: stays,
    swarm: [
      'lost',
      'a swarm moves tasks between nodes, and launchway writes no nginx there: put a proxy into the stack that publishes 80 and 443, or have a load balancer before the nodes lead to the published port',
    ],
  },
  {
    what: ({ cron }) => (cron === undefined ? [] : [`cron ${cron}`]),
    compose: stays,
    swarm: ['lost', 'a swarm starts nothing at times: a workflow with on: schedule that says launchway exec --new SERVICE -- COMMAND does'],
  },
  {
    what: ({ assets }) => (assets === undefined ? [] : ['assets']),
    compose: stays,
    swarm: ['lost', 'nothing keeps the files of the version before: have the image carry those of both, or serve them from a bucket'],
  },
  {
    what: ({ privileged }) => (privileged ? ['privileged'] : []),
    compose: say('privileged: true'),
    swarm: ['lost', 'give it what it needs with cap_add; what needs the whole node stays in an environment of hosts'],
  },
  {
    what: ({ devices }) => devices.map((device) => `the device ${device}`),
    compose: say('devices'),
    swarm: ['lost', 'a task is given no device of its node: it stays in an environment of hosts'],
  },
  {
    what: ({ groupAdd }) => groupAdd.map((group) => `the group ${group}`),
    compose: say('group_add'),
    swarm: ['lost', 'give the process its group with user: "UID:GID", or the files to the group that it has'],
  },
  {
    what: ({ options }) => (options.length === 0 ? [] : [`options ${options.join(' ')}`]),
    compose: ['otherwise', 'a compose file takes no flags of docker run: say each with the key that compose has for it'],
    swarm: [
      'otherwise',
      'a stack takes no flags of docker run: say each with the key that a stack has for it, if it has one; init: true for --init',
    ],
  },
  {
    what: ({ publish }) => (publish?.includes(':') === true ? [`publish ${publish}`] : []),
    compose: say('ports, with the address'),
    swarm: [
      'otherwise',
      'a stack publishes a port on all addresses of a node: ports with mode: host binds it on the nodes that run it, the default on every node; keep others away with a firewall, or a network of the stack instead of a port',
    ],
  },
  {
    what: ({ publish }) => (publish === undefined || publish.includes(':') ? [] : [`publish ${publish}`]),
    compose: say('ports'),
    swarm: [
      'otherwise',
      'ports publishes it on every node, whichever runs the task: the routing mesh leads there. The address of the visitor is lost on the way; mode: host keeps it',
    ],
  },
  {
    what: ({ volumes }) => volumes.filter(isFolder).map((volume) => `the folder ${volume}`),
    compose: say('volumes, the same'),
    swarm: [
      'otherwise',
      'it must be there on every node on which the task may run: put files that are only read into configs, and bind what is written to one node with deploy.placement.constraints',
    ],
  },
  {
    what: ({ volumes }) => volumes.filter((one) => !isFolder(one)).map((volume) => `the volume ${volume}`),
    compose: [
      'otherwise',
      'compose calls a volume PROJECT_NAME: to go on with the data of this one, volumes: { NAME: { external: true } }',
    ],
    swarm: [
      'otherwise',
      'a volume is of one node, and a task that moves finds an empty one: bind it with deploy.placement.constraints: [node.hostname == …], or use a volume driver that all nodes share',
    ],
  },
  {
    what: ({ health }) => (health.kind === 'http' ? [`health ${health.path}`] : []),
    compose: stays,
    swarm: [
      'otherwise',
      'a swarm asks no path: healthcheck in the compose file, or HEALTHCHECK in the image, runs a command in the container',
    ],
  },
  {
    what: ({ health }) =>
      health.kind === 'command' ? [`health ${health.command.join(' ')}`] : health.kind === 'none' ? ['health none'] : [],
    compose: stays,
    swarm: ['write', 'in the compose file: healthcheck: { test: [CMD, …] }, or { disable: true } for none'],
  },
  {
    what: ({ overlap, cron }) => (overlap || cron !== undefined ? [] : ['overlap: false']),
    compose: stays,
    swarm: ['write', 'in the compose file: deploy: { update_config: { order: stop-first } }'],
  },
  {
    what: ({ envFiles }) => envFiles.map((file) => `env-file ${file}`),
    compose: say('env_file'),
    swarm: [
      'otherwise',
      'what it says stands in the definition of the service, for whoever may use a manager: secrets: of the compose file hands over files instead',
    ],
  },
  {
    what: ({ secrets, envFiles }) => (secrets.length === 0 || envFiles.length > 0 ? [] : [`secrets ${secrets.join(', ')}`]),
    compose: ['write', 'secrets under the environment names them, and the compose file says environment: [NAME]'],
    swarm: [
      'otherwise',
      'as environment: { NAME: "${NAME}" } it stands in the definition of the service, for whoever may use a manager: secrets: { NAME: { environment: NAME } } hands it over as /run/secrets/NAME',
    ],
  },
  {
    what: ({ memory }) => (memory === undefined ? [] : [`memory ${memory}`]),
    compose: say('mem_limit'),
    swarm: ['write', 'in the compose file: deploy: { resources: { limits: { memory: … } } }'],
  },
  {
    what: ({ cpus }) => (cpus === undefined ? [] : [`cpus ${cpus}`]),
    compose: say('cpus'),
    swarm: ['write', 'in the compose file: deploy: { resources: { limits: { cpus: … } } }'],
  },
  {
    what: ({ restart, cron }) => (restart === 'unless-stopped' || cron !== undefined ? [] : [`restart ${restart}`]),
    compose: say('restart'),
    swarm: ['write', 'in the compose file: deploy: { restart_policy: { condition: … } }'],
  },
]

function isFolder(volume: string): boolean {
  return volume.startsWith('/') || volume.startsWith('.')
}

/** What compose calls it, where launchway.yml calls it otherwise. */
const words: readonly [label: string, key: string, isSaid: (service: Service) => boolean][] = [
  ['image', 'image, one of images', () => true],
  ['command', 'command', ({ command }) => command !== undefined],
  ['entrypoint', 'entrypoint', ({ entrypoint }) => entrypoint !== undefined],
  ['env', 'environment', ({ env }) => Object.keys(env).length > 0],
  ['networks', 'networks', ({ networks }) => networks.length > 0],
  ['user', 'user', ({ user }) => user !== undefined],
  ['cap-add', 'cap_add', ({ capAdd }) => capAdd.length > 0],
  ['cap-drop', 'cap_drop', ({ capDrop }) => capDrop.length > 0],
  ['labels', 'labels', ({ labels }) => Object.keys(labels).length > 0],
  ['logging', 'logging', ({ logging }) => logging !== undefined],
  ['stop-signal', 'stop_signal', ({ stopSignal }) => stopSignal !== undefined],
  ['stop-timeout', 'stop_grace_period', ({ stopTimeoutMs }) => stopTimeoutMs !== 10_000],
]

export function ofService(service: Service, to: Step): Finding[] {
  const judged = rules.flatMap((rule): Finding[] => {
    const fate = rule[to]
    if (fate === undefined) return []
    return rule.what(service).map((what) => ({ level: fate[0], service: service.name, what, instead: fate[1] }))
  })
  const same = words.filter(([, , isSaid]) => isSaid(service))
  const written: Finding = {
    level: 'write',
    service: service.name,
    what: same.map(([label]) => label).join(', '),
    instead: `in the compose file: ${same.map(([, key]) => key).join(', ')}`,
  }
  return [...judged, written]
}

export function ofAccessory({ name, image, volumes }: Accessory, to: Step): Finding[] {
  if (to === 'compose') {
    return [
      {
        level: 'write',
        service: name,
        what: `the accessory of ${image}`,
        instead:
          'a service of the compose file: one that is not built here and writes into a volume is left alone by releases, as it is now',
      },
      ...volumes
        .filter((one) => !isFolder(one))
        .map((volume): Finding => ({
          level: 'otherwise',
          service: name,
          what: `the volume ${volume}`,
          instead: 'compose calls a volume PROJECT_NAME: to go on with the data of this one, volumes: { NAME: { external: true } }',
        })),
    ]
  }
  return [
    {
      level: 'otherwise',
      service: name,
      what: `the accessory of ${image}${volumes.length === 0 ? '' : ` with ${volumes.join(', ')}`}`,
      instead:
        'a service of the compose file, bound to the node that has its data with deploy.placement.constraints: [node.hostname == …] and updated with order: stop-first; when that node is lost it runs nowhere. A database outside of the swarm is lost with no node',
    },
  ]
}
