import type { Accessory, Environment, Service } from '../core/deployment.ts'
import { accessoryName } from '../core/names.ts'
import { isNamed, type Mount, mountsOf } from '../core/volume.ts'
import { isBelow, isOfHost } from '../tools/mounts.ts'
import { membersOf } from './members.ts'
import type { Observation, SeenContainer } from './observation.ts'
import { hasRun } from './once.ts'
import type { Holder } from './seen-data.ts'
import type { Lack, Wanted } from './wanted.ts'

const writtenBy = (of: Service | Accessory): Mount[] => mountsOf(of).filter(({ readOnly }) => !readOnly)

/** The volumes that an environment writes to, and that it has for itself. An external one of a project is for others, too. */
export function volumesToHold({ services, accessories, sharedVolumes = [], project }: Environment): string[] {
  const given = new Set([...sharedVolumes, ...(project?.external.volumes ?? [])])
  const names = [...services, ...accessories].flatMap((of) => writtenBy(of).flatMap((one) => (isNamed(one) ? [one.source] : [])))
  return [...new Set(names)].filter((name) => !given.has(name))
}

/** Two servers that write one folder spoil it for both. Those of one environment are of one mind. */
export function holderLacks({ app, environment }: Wanted, seen: Observation): Lack[] {
  return volumesToHold(environment).flatMap((volume) => {
    const [first, ...others] = (seen.data?.holders ?? [])
      .filter(({ volumes }) => volumes.includes(volume))
      .toSorted((one, other) => Number(other.state === 'running') - Number(one.state === 'running'))
    if (first !== undefined) return [heldBy(first, others.length, volume, environment)]
    const old = renamedFrom(volume, app, environment, seen)
    if (old === undefined) return []
    return [
      {
        what: `the volume ${volume} is held by ${old}, an accessory that the configuration no longer has: both would write into it`,
        hint: `on the host, if another one takes its place: docker rm --force ${old} (its named volumes stay)`,
      },
    ]
  })
}

function heldBy({ container, state, app, environment, command }: Holder, others: number, volume: string, own: Environment): Lack {
  const whose =
    app !== '' ? `of the environment ${environment} of ${app}` : command !== '' ? `a command of ${command}` : 'which launchway did not make'
  const who = `${container}${state === 'running' ? '' : ` (${state})`}${others === 0 ? '' : ` and ${others} more`}`
  const name = `${own.name}-${volume}`
  const onPurpose = `shared-volumes: [${volume}] in the environment`
  return {
    what: `the volume ${volume} is held by ${who}, ${whose}: both would write into it`,
    hint: `give this one a volume of its own, such as ${name}; remove the container, if nobody needs it; or, where both are made for that, ${onPurpose}`,
  }
}

/** The container of an accessory that goes on although nothing names it any more, where one would be started beside it. */
function renamedFrom(volume: string, app: string, { name, accessories }: Environment, seen: Observation): string | undefined {
  const there = new Set(seen.accessories.map(({ container }) => container))
  const isNew = accessories.some(
    (one) =>
      !there.has(accessoryName({ app, environment: name, accessory: one.name })) && writtenBy(one).some(({ source }) => source === volume),
  )
  if (!isNew) return undefined
  return seen.accessories.find((old) => !accessories.some((one) => one.name === old.name) && old.volumes.some((one) => one.name === volume))
    ?.container
}

/**
 * What the services of the release that runs have written, and would not find again. What an accessory has is asked of
 * its container, when that is replaced. A return finds what its release had.
 */
export function leftBehind({ environment, isReturn }: Wanted, seen: Observation): Lack[] {
  const { services, accessories, leaveBehind = [], project } = environment
  const was = seen.releases.get(seen.current ?? '')?.environment.services
  // Of a project that nobody has rendered it is not known.
  if (isReturn || was === undefined || services.length + accessories.length === 0) return []
  const now = [...services, ...accessories]
  const found = now.flatMap((of) => mountsOf(of))
  const lost = was.flatMap((old) => {
    const same = now.find(({ name }) => name === old.name)
    return writtenBy(old)
      .filter((one) => !leaveBehind.includes(one.source) && (isNamed(one) || !isOfHost(one.source)))
      .flatMap((one): Lack[] => {
        const what = `the ${isNamed(one) ? 'volume' : 'folder'} ${one.source}`
        const instead = same === undefined || has(mountsOf(same), one) ? undefined : placeOf(same, one)
        if (instead !== undefined)
          return [
            {
              what: `${old.name} would no longer have what is in ${what}: at ${one.target} it would find ${instead}`,
              hint: wayOut(one, project),
            },
          ]
        if (has(found, one)) return []
        return [{ what: `nothing would have ${what} any more, which ${old.name} has at ${one.target}`, hint: wayOut(one, project) }]
      })
  })
  // Several services may have had one volume at one place.
  return lost.filter(({ what }, index) => lost.findIndex((one) => one.what === what) === index)
}

/**
 * What services have written where their image says VOLUME and nobody has named a volume: docker makes a new one for each
 * container, and what was in the old one is with a container that nobody asks any more. What only the image has put there
 * is no loss, nor what an empty folder is.
 * @param stay by service, what is left running
 */
export function leftUnnamed(wanted: Wanted, seen: Observation, stay: ReadonlyMap<string, SeenContainer> = new Map()): Lack[] {
  const { app, environment, isReturn, release } = wanted
  const { services, accessories, leaveBehind = [] } = environment
  if (isReturn || services.length + accessories.length === 0) return []
  const was = seen.releases.get(seen.current ?? '')?.environment.services ?? []
  const known = new Set([...was, ...services, ...accessories].flatMap((of) => mountsOf(of)).map(({ source }) => source))
  return membersOf(seen.current, seen).flatMap((one) => {
    const { service, cron, state } = one
    const isKept = stay.get(service)?.name === one.name || (seen.current === release && (cron !== undefined || state === 'running'))
    if (isKept || hasRun(one, seen)) return []
    return (one.unnamed ?? []).flatMap(({ name, path }): Lack[] => {
      if (known.has(name) || leaveBehind.includes(name) || leaveBehind.includes(path)) return []
      const what = `what ${service} has written to ${path} would be left behind: its image says VOLUME there, no volume has a name, and each container begins with a new one`
      return [{ what, hint: wayToName({ service, name, path }, app, environment) }]
    })
  })
}

function wayToName(
  of: { service: string; name: string; path: string },
  app: string,
  { name: environment, hosts, project }: Environment,
): string {
  const { service, name, path } = of
  const fresh = [app, environment, service, path.split('/').findLast((part) => part !== '') ?? ''].join('-').replaceAll(/[^\w.-]/g, '-')
  const line =
    project === undefined
      ? `volumes: ["${fresh}:${path}"] for ${service}`
      : `for ${service} a volume at ${path} with \`name: ${fresh}\` in the compose file`
  return [
    `it stays on the host, and nobody sees it. To keep it, on the host: docker run --rm -v ${name}:/from:ro -v ${fresh}:/to busybox cp -a /from/. /to; then ${line}, and leave-behind: [${path}] in the environment until that is live`,
    ...(project === undefined && hosts.length === 1 ? [`or without a copy: volumes: ["${name}:${path}"]`] : []),
    `where nobody needs it: leave-behind: [${path}]`,
  ].join('; ')
}

function has(mounts: readonly Mount[], one: Mount): boolean {
  return mounts.some(({ source }) => source === one.source || (!isNamed(one) && isBelow(source, one.source)))
}

/** What a container has at a path instead. */
function placeOf(of: Service | Accessory, { target }: Mount): string | undefined {
  const file = (of.files ?? []).find((one) => one.target === target)
  return mountsOf(of).find((one) => one.target === target)?.source ?? file?.source
}

function wayOut({ source, target }: Mount, project: Environment['project']): string {
  const keep =
    project === undefined
      ? `volumes: ["${source}:${target}"]`
      : `mount it at ${target} in the compose file, where \`name: ${source}\` says which it is`
  return `what is in it stays on the host, and nobody sees it. To keep it: ${keep}; to leave it behind: leave-behind: [${source}] in the environment`
}
