import { relative, resolve } from 'node:path'
import { configText } from '../config/file.ts'
import { resolveLifecycle } from '../config/resolve-lifecycle.ts'
import { resolveProject } from '../config/resolve-project.ts'
import { resolveApp } from '../config/resolve.ts'
import type { Config } from '../config/schema.ts'
import type { Environment } from '../core/deployment.ts'
import type { PlannedImage } from '../core/planned-image.ts'
import type { Ports } from '../core/ports.ts'
import type { Registry } from '../core/release.ts'
import type { DeployedProject } from '../tools/compose-deployed.ts'
import { trackedOf } from '../tools/git.ts'
import { isBelow } from '../tools/mounts.ts'
import { findingLine, placeOfFinding, refusedProject, type Written } from './project-findings.ts'
import type { Seen } from './project-mounts.ts'
import { pin } from './project-pin.ts'
import { renderProject } from './project-render.ts'
import { breachesOf, sharedName, sharedPorts, warningsOf } from './project-rules.ts'
import { translateProject } from './project.ts'

export interface Around {
  config: Config
  /** From the root of the repository. */
  file: string
  images: readonly PlannedImage[]
  registries: readonly Registry[]
}

/**
 * The environment with what comes of its compose project, each image by its digest; the same where it has none.
 * @throws LaunchwayError CONFIG_INVALID for what cannot be deployed, all of it at once; REGISTRY_UNAVAILABLE or
 * REGISTRY_DENIED where nobody says what an image is that is not built here
 */
export async function withProject(environment: Environment, around: Around, ports: Ports): Promise<Environment> {
  const { project, ...known } = await withServices(environment, around, ports)
  return project === undefined ? known : { ...known, ...(await pin({ accessories: known.accessories, project }, around.registries, ports)) }
}

/**
 * The same with the images as the files name them: no registry is asked.
 * @throws LaunchwayError CONFIG_INVALID
 */
export async function withServices(
  environment: Environment,
  { config, file, images }: Omit<Around, 'registries'>,
  ports: Ports,
): Promise<Environment> {
  const said = config.environments?.[environment.name]
  const asked = said === undefined ? undefined : resolveProject(said)
  if (said === undefined || asked === undefined) return environment
  const root = resolve(ports.root)
  const general = `${resolveApp(config)}-${environment.name}`
  const rendered = await renderProject(asked, general, ports)
  const seen = await lookAt(rendered.project, root, ports)
  const { inProfiles, sources } = rendered
  const translated = translateProject(rendered, { asked, name: environment.name, root, url: environment.url, images, seen, inProfiles })
  const { services, accessories, project, findings } = translated
  const refused = [
    ...findings.refused,
    ...breachesOf(environment.name, said, translated),
    ...sharedPorts(translated),
    ...(project.name === general ? [] : sharedName(environment.name, project.name, asked, config)),
  ]
  const text = await configText(file, ports)
  const written: Written = { sources, config: text === undefined ? undefined : { path: resolve(root, file), text }, root }
  if (refused.length > 0) throw refusedProject(refused, asked.files, written)
  for (const finding of [...findings.warned, ...warningsOf(translated, environment.hosts.length, images)])
    ports.log.warning(findingLine(finding, written), placeOfFinding(finding, written))
  for (const { service, text: note } of findings.notes) ports.log.info(`${service}: ${note}`)
  return { ...environment, services, accessories, project, ...resolveLifecycle(said, services) }
}

/** What mounted paths of the repository are, and whether git has them. */
async function lookAt(project: DeployedProject, root: string, ports: Ports): Promise<(path: string) => Seen> {
  const paths = new Set(
    Object.values(project.services).flatMap(({ volumes }) =>
      (volumes ?? []).flatMap(({ type, source }) =>
        type === 'bind' && source !== undefined && source !== root && isBelow(root, source) ? [source] : [],
      ),
    ),
  )
  if (paths.size === 0) return () => ({ kind: undefined, isTracked: false })
  const listed = await ports.exec.read(
    trackedOf(
      [...paths].map((path) => relative(root, path)),
      root,
    ),
  )
  const tracked = listed.split('\n').map((path) => resolve(root, path))
  const found = new Map<string, Seen>()
  for (const path of paths) {
    const there = await ports.files.look(path)
    const kind = there?.kind === 'directory' ? 'folder' : there === undefined ? undefined : 'file'
    found.set(path, { kind, isTracked: tracked.some((one) => isBelow(path, one)) })
  }
  return (path) => found.get(path) ?? { kind: undefined, isTracked: false }
}
