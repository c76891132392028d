import { looksSecret, refusedSecret } from '../core/secret-names.ts'
import type { ComposeFile, FileService } from '../tools/compose-file.ts'
import { isDatabase, isLeftOut, isProxy } from './accessories.ts'
import { carryOver, type DraftImage, type DraftProject, type DraftService, plainName, type Stack } from './draft.ts'
import { environmentOf } from './environment.ts'
import { envFileFor, foldersOf, isHere, smokeVariables, testFileFor } from './env-files.ts'
import { askedPath, isFile, type Seen } from './seen.ts'
import { isPlaced } from './settings.ts'
import { developersServer, frontOf, isBeforeOthers, portOf, runsAlone, whereWell } from './service.ts'

/** When the compose file itself is deployed, and what launchway.yml then says beside it. */

/** Keys that change what a container may or can do, and that a block of launchway.yml would not have. */
const telling = new Set([
  ...['blkio_config', 'cap_add', 'cap_drop', 'cgroup', 'cgroup_parent', 'configs', 'cpuset', 'deploy', 'device_cgroup_rules', 'devices'],
  ...['dns', 'dns_opt', 'dns_search', 'domainname', 'extends', 'external_links', 'extra_hosts', 'gpus', 'group_add', 'init', 'ipc'],
  ...['mac_address', 'mem_limit', 'mem_reservation', 'memswap_limit', 'network_mode', 'oom_kill_disable', 'oom_score_adj', 'pid'],
  ...['pids_limit', 'privileged', 'read_only', 'runtime', 'scale', 'security_opt', 'shm_size', 'storage_opt', 'sysctls', 'tmpfs'],
  ...['ulimits', 'userns_mode', 'uts', 'volumes_from', 'working_dir'],
])

/**
 * In words, what of the compose file would be lost if its services were written into launchway.yml one by one; undefined
 * where all that matters can be said there, or where the file is one for developers that no host should get.
 */
export function lostAlone(
  active: readonly FileService[],
  own: readonly FileService[],
  project: ComposeFile,
  seen: Seen,
): string | undefined {
  if (active.some((service) => mountsSources(service))) return undefined
  const front = frontOf(own, seen)
  const going = active.filter((service) => own.includes(service) || isLeftOut(service) === undefined)
  for (const service of going) {
    const { name, others, secrets, volumes, user, envFiles, health } = service
    const isOwn = own.includes(service)
    const key = [...others.keys()].find((one) => telling.has(one) || (one === 'hostname' && !isOwn && volumes.length > 0))
    if (key !== undefined) return `${name} has ${key}`
    if (isPlaced(others)) return `${name} has other names or an address in its networks`
    if (secrets.length > 0 && project.givenFiles.some((path) => seen.paths.has(path))) return `${name} reads /run/secrets/${secrets[0]}`
    const file = envFiles.find((path) => seen.envFiles.has(path))
    if (file !== undefined) return `${name} reads ${file}`
    const mount = volumes.find(({ source = '' }) => source.startsWith('$') || (!isOwn && isFile(source, seen)))
    if (mount !== undefined) return `${name} mounts ${mount.source} at ${mount.target}`
    if (user?.includes('$') === true) return `${name} runs as ${user}`
    if (isOwn && health !== undefined && (service !== front || askedPath(health.join(' ')) === undefined))
      return `${name} has a health check that is not a path`
  }
  return leadsToMany(active, own, seen) ?? twoValues(going)
}

/** nginx of a host leads visitors to one service of an environment. */
function leadsToMany(active: readonly FileService[], own: readonly FileService[], seen: Seen): string | undefined {
  const first = active.find((service) => isBeforeOthers(service, seen))
  const led = own.filter((service) => service !== first && seen.hints.leadsTo.has(service.name))
  return first === undefined || led.length < 2 ? undefined : `${first.name} leads to ${led.map(({ name }) => name).join(' and ')}`
}

/** The whole repository, or the folder that its image is built from, as developers have it. */
function mountsSources({ build, volumes }: FileService): boolean {
  return volumes.some(({ source = '' }) => {
    const path = source.replace(/^\.\//, '').replace(/\/+$/, '')
    if (/^\.{1,2}$|^$/.test(path) && source.startsWith('.')) return true
    return source.startsWith('.') && build !== undefined && build.context !== '.' && `${path}/`.startsWith(`${build.context}/`)
  })
}

/** A secret has one value in all of an environment. */
function twoValues(going: readonly FileService[]): string | undefined {
  const seen = new Map<string, [service: string, value: string | undefined]>()
  for (const service of going) {
    const { secrets = [] } = environmentOf(service, [])
    for (const name of secrets) {
      const value = service.environment.get(name)
      const before = seen.get(name)
      if (before !== undefined && before[1] !== value) return `${before[0]} and ${service.name} have another ${name} each`
      seen.set(name, [service.name, value])
    }
  }
  return undefined
}

interface Parts {
  project: ComposeFile
  /** Services without a profile. */
  active: readonly FileService[]
  images: readonly DraftImage[]
  imageOf(this: void, service: FileService): DraftImage | undefined
  why: string
  notes: string[]
}

/** The stack as its compose file has it. */
export function asProject(seen: Seen, { project, active, images, imageOf, why, notes }: Parts): Stack {
  const file = seen.compose?.file ?? ''
  const open = active.filter((service) => imageOf(service) !== undefined || isProxy(service))
  const front = frontOf(open, seen)
  const chosen = envFileFor(project, seen)
  const values = chosen === undefined ? undefined : seen.envFiles.get(chosen)
  const given = new Map([...(seen.envFiles.get('.env') ?? []), ...(values ?? [])])
  const services = active.flatMap((service): DraftService[] => {
    const isOwn = imageOf(service) !== undefined
    const forDevelopers = isOwn ? developersServer(service, seen) : undefined
    if (forDevelopers !== undefined) notes.push(forDevelopers)
    const isPublic = service === front
    const keys = {
      ...(isOwn && front !== undefined && front !== service && isBeforeOthers(front, seen) && leadsTo(front, service, seen)
        ? { behind: front.name }
        : {}),
      ...(isOwn && runsAlone(service, seen) ? { overlap: false } : {}),
    }
    if (!isPublic && Object.keys(keys).length === 0) return []
    const port = isPublic ? portOf(service, seen) : undefined
    const [door] = isPublic ? service.ports : []
    const published = door?.published ?? Number(given.get(door?.variable ?? '') ?? Number.NaN)
    const healthPath = isPublic ? whereWell(service, seen, images.length === 1) : undefined
    return [
      {
        ...{ name: service.name, image: imageOf(service)?.name ?? '', isPublic, keys, volumes: [], isNamed: true },
        ...(port === undefined ? {} : { port }),
        ...(Number.isInteger(published) ? { published } : {}),
        ...(healthPath === undefined ? {} : { healthPath }),
      },
    ]
  })
  const secrets = project.mentioned.filter((name) => looksSecret(name) && !given.has(name) && refusedSecret(name) === undefined)
  for (const [name, use] of project.variables)
    if (!given.has(name) && !secrets.includes(name) && use !== 'image')
      notes.push(`${file} asks for ${name}: say its value in launchway.yml, compose: { files: ${file}, env: { ${name}: … } }`)
  for (const { name, image, volumes } of active)
    for (const { source = '', target, options = '' } of volumes)
      if (source.startsWith('.') && !isFile(source, seen) && !/(^|,)ro(,|$)/.test(options))
        notes.push(
          `${name} keeps data in ${source} (${target}), which git does not have: give it a named volume, or an absolute path of the host${image === undefined || image.includes('$') ? '' : `. ${carryOver(source, image)}, and for NAME what docker volume ls calls the volume`}`,
        )
  for (const path of seen.missing)
    notes.push(`${file} reads ${path}, which git does not have: a step before the deploy writes it, or compose asks for its variables`)
  if (
    seen.hints.migration !== undefined &&
    active.some(isDatabase) &&
    !active.some(({ needs }) => [...needs.values()].includes('service_completed_successfully'))
  )
    notes.push(
      'nothing here brings the database to the version of the code: a service that others wait for until it has ended well does (service_completed_successfully)',
    )
  const others = seen.compose?.others ?? []
  if (others.length > 0) notes.push(`${file} alone was read; name others under compose and under smoke.compose: ${others.join(', ')}`)
  const variable = front?.ports[0]?.variable
  const draft: DraftProject = {
    ...{ file, why, secrets },
    ...(chosen === undefined ? {} : { envFiles: [...(seen.envFiles.has('.env') ? ['.env'] : []), chosen] }),
    ...(variable === undefined ? {} : { publishedBy: variable }),
  }
  return { images: [...images], services, accessories: [], project: draft, smoke: smokeOf(project, seen, front, file), notes }
}

function leadsTo(front: FileService, { name }: FileService, { hints }: Seen): boolean {
  return hints.leadsTo.has(name) || (hints.leadsTo.size === 0 && front.needs.has(name))
}

function smokeOf(project: ComposeFile, seen: Seen, front: FileService | undefined, file: string): Stack['smoke'] {
  const folders = foldersOf(project)
  const chosen = testFileFor(project, seen)
  const values = seen.envFiles.get(chosen ?? '.env')
  if (folders.some((name) => !isHere(values?.get(name), seen)))
    return `it mounts folders of the host (${folders.join(', ')}), which the runner that tests it does not have`
  return {
    ...(front === undefined ? {} : { service: plainName(front.name) }),
    env: smokeVariables(project, seen, chosen),
    file,
    ...(chosen === undefined ? {} : { envFiles: [...(seen.envFiles.has('.env') ? ['.env'] : []), chosen] }),
  }
}
