import type { AskedProject } from '../config/resolve-project.ts'
import { byBytes } from '../core/byte-order.ts'
import type { Accessory, Service } from '../core/deployment.ts'
import type { ServiceConfig } from '../config/schema-service.ts'
import type { Project } from '../core/project.ts'
import type { PlannedImage } from '../core/planned-image.ts'
import { type Findings, noFindings } from './project-findings.ts'
import type { Seen } from './project-mounts.ts'
import { afterOf, completedIn, keepOrder, refuseUnknown } from './project-order.ts'
import { addResources, countedOf, imageOf, namesOf, plannedIn, pulledName, refuseKeys, warnOfName } from './project-parts.ts'
import type { RenderedProject } from './project-render.ts'
import { refuseSecrets } from './project-secrets.ts'
import { translateService } from './project-service.ts'

/** What is known beside the project itself. */
export interface Beside {
  asked: AskedProject
  /** Of the environment. */
  name: string
  root: string
  url: string | undefined
  images: readonly PlannedImage[]
  seen(this: void, path: string): Seen
  /** Services that only profiles have which are not asked for: by name, the profiles. */
  inProfiles: ReadonlyMap<string, string[]>
}

export interface TranslatedProject {
  services: Service[]
  accessories: Accessory[]
  /** Images are not pinned yet: what `pulled` and accessories name is as the files have it. */
  project: Project
  /** By service, for the rules of launchway.yml. */
  config: Record<string, ServiceConfig>
  findings: Findings
}

/** What launchway deploys of a project. Nothing is asked of anyone; what cannot be carried over is among the findings. */
export function translateProject({ project, envFiles }: RenderedProject, beside: Beside): TranslatedProject {
  const { asked, root } = beside
  const findings = noFindings()
  const counted = Object.entries(project.services).map(([key, service]) => countedOf(key, service, findings))
  const containers = new Map(counted.map((one) => [one.key, one.containers]))
  refuseUnknown(asked.services, { environment: beside.name, names: [...containers.keys()], inProfiles: beside.inProfiles }, findings)
  const completed = completedIn(project)
  const planned = plannedIn(project, beside)
  const isOnce = (key: string): boolean => asked.services[key]?.once ?? completed.has(key)
  const leads = new Set(Object.values(asked.services).flatMap(({ behind }) => behind ?? []))
  const pulled: Record<string, string> = {}
  const translated: TranslatedProject = {
    services: [],
    accessories: [],
    config: {},
    findings,
    project: { name: project.name, pulled, networks: {}, volumes: {}, external: { networks: [], volumes: [], paths: [] } },
  }
  const paths = new Set<string>()
  for (const one of counted) {
    const { key, service } = one
    const said = asked.services[key] ?? {}
    const image = imageOf(key, service, { ...beside, planned }, findings)
    refuseKeys(key, service, findings)
    warnOfName(key, service, findings)
    refuseSecrets(key, service, findings)
    if (said.once === false && completed.has(key))
      findings.refused.push({
        isConfig: true,
        path: ['environments', beside.name, 'services', key, 'once'],
        message: 'another service waits until it has ended (service_completed_successfully): once: false cannot be',
      })
    const after = afterOf(key, project, containers, isOnce, findings)
    for (const [index, name] of one.containers.entries()) {
      // What is said of one is said of all of them, once.
      const found = index === 0 ? findings : noFindings()
      const part = {
        key,
        name,
        service,
        said,
        image: image ?? '',
        isBuiltHere: image !== undefined && beside.images.some((own) => own.name === image),
        isOnce: isOnce(key),
        leads: leads.has(key),
        names: namesOf(one, name, service, project.services),
        envFiles: envFiles.get(key) ?? [],
        after,
      }
      const result = translateService(part, { project, root, seen: beside.seen, url: beside.url, found })
      for (const path of result.paths) paths.add(path)
      if (result.kind === 'accessory') translated.accessories.push(result.accessory)
      else {
        const own = part.isBuiltHere || image === undefined ? part.image : pulledName(image, pulled, beside.images)
        if (own !== part.image && image !== undefined) pulled[own] = image
        const behind = result.service.behind === undefined ? undefined : containers.get(result.service.behind)?.[0]
        translated.services.push({ ...result.service, image: own, ...(behind === undefined ? {} : { behind }) })
        translated.config[name] = result.config
      }
    }
  }
  keepOrder(translated, findings)
  translated.project.external.paths = [...paths].toSorted(byBytes)
  addResources(translated.project, project)
  return translated
}
