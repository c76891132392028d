import { isAbsolute, relative, resolve } from 'node:path'
import { Name } from '../core/names.ts'
import type { PlannedImage } from '../core/planned-image.ts'
import type { Project } from '../core/project.ts'
import { imageName } from '../core/others.ts'
import { parseReference } from '../core/reference.ts'
import { ComposeService } from '../tools/compose.ts'
import { type DeployedProject, type DeployedService, unknownKeys } from '../tools/compose-deployed.ts'
import { plannedImages, waysToRun } from '../tools/compose-images.ts'
import type { Findings } from './project-findings.ts'
import { networkOptions, volumeOptions } from './project-networks.ts'

/** A service of a project and the containers that come of it. */
export interface Counted {
  key: string
  service: DeployedService
  /** As launchway calls them: `worker`, `worker-2`. */
  containers: string[]
}

/** A name of launchway's has neither capitals nor dots. */
const nameOf = (key: string): string => key.toLowerCase().replaceAll('.', '-')

export function countedOf(key: string, service: DeployedService, found: Findings): Counted {
  const { scale, deploy } = service
  const count = deploy?.mode === 'global' ? 1 : (scale ?? deploy?.replicas ?? 1)
  const name = nameOf(key)
  const containers = Array.from({ length: count }, (_, index) => (index === 0 ? name : `${name}-${index + 1}`))
  const path = ['services', key]
  for (const one of containers) {
    const { success, error } = Name.safeParse(one)
    if (!success) found.refused.push({ path, message: `the name ${one} ${error.issues[0]?.message ?? ''}` })
  }
  if (count === 0) found.notes.push({ service: name, text: 'is left out: it has no replicas' })
  return { key, service, containers }
}

/** By which others know a container, beside its own name. */
export function namesOf(
  { key, containers }: Counted,
  name: string,
  service: DeployedService,
  services: DeployedProject['services'],
): string[] {
  const linked = Object.values(services).flatMap(({ links }) =>
    (links ?? []).flatMap((link) => {
      const [target, alias] = link.split(':')
      return target === key && alias !== undefined ? [alias] : []
    }),
  )
  const { container_name: own } = service
  const all = [...(containers.length > 1 || key !== name ? [key] : []), ...(own === undefined || own === '' ? [] : [own]), ...linked]
  return [...new Set(all)].filter((one) => one !== name)
}

/** A name that may exist once on a host could not be that of two versions. */
export function warnOfName(key: string, { container_name: own }: DeployedService, found: Findings): void {
  if (own === undefined || own === '') return
  const message = `container_name: ${own} is what others in its networks may call it, and not the name of its container: the next version starts beside this one, and another project may have a ${own} as well`
  found.warned.push({ path: ['services', key, 'container_name'], message })
}

interface Around {
  root: string
  images: readonly PlannedImage[]
}

/** The images of the plan that services run, by service. */
export function plannedIn({ services }: DeployedProject, { root, images }: Around): Map<string, PlannedImage> {
  const asked = Object.entries(services).map(([key, service]) => [key, ComposeService.safeParse(service).data ?? {}] as const)
  return plannedImages(Object.fromEntries(asked), images, root)
}

/** @returns the name of an image of the plan, or the reference of one that is not built here */
export function imageOf(
  key: string,
  service: DeployedService,
  { root, images, planned }: Around & { planned: ReadonlyMap<string, PlannedImage> },
  found: Findings,
): string | undefined {
  const asked = ComposeService.safeParse(service).data ?? {}
  const own = planned.get(key)
  if (own !== undefined) return own.name
  const path = ['services', key, asked.build === undefined ? 'image' : 'build']
  if (asked.build !== undefined) {
    const context = asked.build.context ?? '.'
    const shown = isAbsolute(context) ? relative(root, context) || '.' : context
    const ways = images.flatMap((image) =>
      waysToRun(image, '').map((way) => `${image.name}: ${way.replace(`context ${resolve('')}`, 'context .')}`),
    )
    found.refused.push({
      path,
      message: `it is built of ${shown} (${asked.build.dockerfile ?? 'Dockerfile'}), which no image of launchway.yml is: add one to images, since a host builds nothing. There are: ${ways.join('; ')}`,
    })
    return undefined
  }
  if (asked.image !== undefined) return asked.image
  found.refused.push({ path, message: 'it names no image' })
  return undefined
}

/** How the environment calls an image that is not built here: after its repository. */
export function pulledName(reference: string, pulled: Readonly<Record<string, string>>, images: readonly PlannedImage[]): string {
  const there = Object.entries(pulled).find(([, one]) => one === reference)
  if (there !== undefined) return there[0]
  const last = parseReference(reference).repository.split('/').at(-1) ?? ''
  return imageName(last, (name) => Object.hasOwn(pulled, name) || images.some((image) => image.name === name))
}

/** By key, why no container on a host can have it. */
const never: Readonly<Record<string, string>> = {
  credential_spec: 'accounts of Windows have no place on these hosts',
  provider: 'a provider makes no container: what it gives must be there already',
  volumes_from: 'the container of another service is another after each release: name the volumes themselves',
  models: 'models are not run on hosts',
  post_start: 'hooks of a container are not run: launchway.yml has before-switch',
  pre_stop: 'hooks of a container are not run: stop_signal and stop_grace_period are kept',
  use_api_socket: "the engine's socket is mounted as a volume, or not at all",
  label_file: 'write the labels into the compose file',
}
const ofOthers = ['ipc', 'pid'] as const

export function refuseKeys(key: string, service: DeployedService, found: Findings): void {
  const refuse = (word: string, message: string): void => void found.refused.push({ path: ['services', key, word], message })
  for (const word of unknownKeys(service))
    refuse(word, never[word] ?? 'no launchway of this version knows this key, so it is not overlooked')
  if ((service.volumes_from ?? []).length > 0) refuse('volumes_from', never['volumes_from'] ?? '')
  for (const word of ofOthers) {
    if (service[word]?.startsWith('service:') === true)
      refuse(word, `${service[word]}: the container of another service is another after each release`)
  }
  for (const option of service.security_opt ?? []) {
    if (/^seccomp[=:](?!unconfined$|builtin$|\{)/.test(option))
      refuse('security_opt', `${option} is a file of the machine that starts the container: a host does not have it`)
  }
  if (service.develop !== undefined) {
    found.warned.push({ path: ['services', key, 'develop'], message: "develop is for a developer's machine, and left out" })
  }
}

/** Networks and volumes: those that its services have. */
export function addResources(to: Project, project: DeployedProject): void {
  const services = Object.values(project.services)
  const joined = new Set(services.flatMap(({ networks }) => Object.keys(networks ?? {})))
  for (const [key, network] of Object.entries(project.networks ?? {})) {
    if (!joined.has(key)) continue
    if (network.external === true) to.external.networks.push(network.name)
    else to.networks[network.name] = networkOptions(key, network, project.name)
  }
  const mounted = new Set(
    services.flatMap(({ volumes }) => (volumes ?? []).flatMap(({ type, source }) => (type === 'volume' && source ? [source] : []))),
  )
  for (const [key, volume] of Object.entries(project.volumes ?? {})) {
    if (!mounted.has(key)) continue
    if (volume.external === true) to.external.volumes.push(volume.name)
    else to.volumes[volume.name] = volumeOptions(key, volume, project.name)
  }
}
