import { isUtf8 } from 'node:buffer'
import { relative, resolve } from 'node:path'
import { z } from 'zod'
import { escapeText } from '../../core/composed.ts'
import { LaunchwayError } from '../../core/error.ts'
import { mapTexts } from '../../core/objects.ts'
import type { Ports } from '../../core/ports.ts'
import { parseReference } from '../../core/reference.ts'
import type { PlanSection } from '../../core/release.ts'
import { openRepository } from '../../core/repository.ts'
import type { Content, Stack, Swarm } from '../../core/stack.ts'
import { parseVariables } from '../../core/text.ts'
import { ComposeService } from '../../tools/compose.ts'
import type { DeployedProject } from '../../tools/compose-deployed.ts'
import { plannedImages } from '../../tools/compose-images.ts'
import { unknownForm } from '../../tools/compose-words.ts'
import { trackedOf } from '../../tools/git.ts'
import { composed } from '../project-placeholders.ts'
import { renderProject } from '../project-render.ts'
import { convert } from './convert.ts'
import { type Mounted, mostBytes } from './mounts.ts'
import { type Note, showNote } from './note.ts'
import { ProjectShape } from './shape.ts'

/**
 * The plan with the stack of its environment, if that is one of a Swarm: the project is rendered, converted, and every
 * image that is not built here pinned to what its tag is now.
 * @throws LaunchwayError CONFIG_INVALID with everything that Swarm cannot do
 */
export async function withStack(app: string, plan: PlanSection, ports: Ports): Promise<PlanSection> {
  const { environment } = plan
  const swarm = environment?.swarm
  if (environment === undefined || swarm === undefined) return plan
  const root = resolve(ports.root)
  const { stack, notes } = await converted({ app, environment: environment.name, swarm, images: plan.images }, ports)
  const errors = notes.filter(({ level }) => level === 'error')
  if (errors.length > 0) {
    throw new LaunchwayError('CONFIG_INVALID', `${swarm.files.join(', ')} cannot be a stack of a Swarm as it is`, {
      hint: errors.map((note) => `- ${showNote(note)}`).join('\n'),
    })
  }
  for (const note of notes) ports.log.warning(showNote(note))
  const whole = { ...(await pinned(stack, plan.registries, ports)), configs: await readConfigs(stack, root, ports) }
  return { ...plan, environment: { ...environment, swarm: { ...swarm, stack: whole } } }
}

/**
 * A compose project as a stack, and all that is lost or changed on the way; whoever asks decides what that means.
 * @param of.dry what its `env_file` say is left out: the stack is not to be deployed
 */
export async function converted(
  of: { app: string; environment: string; swarm: Omit<Swarm, 'timeoutMs' | 'onceTimeoutMs'>; images: PlanSection['images']; dry?: boolean },
  ports: Ports,
): Promise<{ stack: Stack; notes: readonly Note[]; envFiles: ReadonlyMap<string, readonly string[]> }> {
  const { app, environment, images } = of
  const { env, envFiles, name, profiles, secrets, files: sources } = of.swarm
  const root = resolve(ports.root)
  const asked = { files: sources, ...(envFiles === undefined ? {} : { envFiles }), name, profiles, env, secrets, services: {} }
  const rendered = await renderProject(asked, name, ports)
  const parsed = ProjectShape.safeParse(composedIn(rendered.project))
  if (!parsed.success) throw unknownForm(z.prettifyError(parsed.error))
  const project = of.dry === true ? parsed.data : await withEnvFiles(parsed.data, rendered.envFiles, root, ports)
  const built = new Map([...plannedImages(buildsOf(rendered.project), images, root)].map(([service, image]) => [service, image.name]))
  const files = await mountedFiles(project, root, ports)
  return { ...convert(project, { app, environment, name, root, files, built }), envFiles: rendered.envFiles }
}

/** What of each service says which image it runs. */
function buildsOf({ services }: DeployedProject): Record<string, ComposeService> {
  return Object.fromEntries(
    Object.entries(services).map(([name, { image, build }]) => [name, ComposeService.parse({ image, build: build ?? undefined })]),
  )
}

/** As the record keeps it: `${NAME}` for a secret, and each dollar sign twice. */
export const composedIn = (value: unknown): unknown => mapTexts(value, composed)

/**
 * A Swarm knows no files of variables: what they say becomes environment, which everybody may read. So they must be files that
 * everybody may read.
 */
async function withEnvFiles(
  project: ProjectShape,
  envFiles: ReadonlyMap<string, readonly string[]>,
  root: string,
  ports: Ports,
): Promise<ProjectShape> {
  const services = Object.entries(project.services).map(async ([name, service]) => {
    const said: Record<string, string> = {}
    for (const path of envFiles.get(name) ?? []) {
      const body = await ports.files.read(resolve(root, path))
      const isTracked = (await ports.exec.read(trackedOf([path], root)).catch(() => '')) !== ''
      if (body === undefined || !isTracked) {
        throw new LaunchwayError('CONFIG_INVALID', `${name}: env_file ${path} is not in the repository`, {
          hint: 'On a Swarm its values would be readable with docker service inspect. Hand over what is secret with secrets: of the compose file; name other variables in environment:, and their values in secrets of the environment in launchway.yml.',
        })
      }
      for (const [key, value = ''] of Object.entries(parseVariables(body.toString()))) said[key] = escapeText(value)
    }
    return [name, { ...service, environment: { ...said, ...service.environment } }] as const
  })
  return { ...project, services: Object.fromEntries(await Promise.all(services)) }
}

/** What is at the paths of the repository that services mount. */
async function mountedFiles(project: ProjectShape, root: string, ports: Ports): Promise<Map<string, Mounted>> {
  const found = new Map<string, Mounted>()
  const mounts = Object.values(project.services).flatMap(({ volumes = [] }) => volumes)
  for (const { type, source } of mounts) {
    if (type !== 'bind' || source === undefined || relative(root, source).startsWith('..') || found.has(source)) continue
    const seen = await ports.files.look(source)
    const body = seen?.kind === 'file' && seen.size <= mostBytes ? await ports.files.read(source) : undefined
    if (seen?.kind === 'directory') found.set(source, { kind: 'folder' })
    else if (body !== undefined && !isUtf8(body)) found.set(source, { kind: 'binary' })
    else if (seen?.kind === 'file') found.set(source, { kind: 'file', content: contentOf(body ?? Buffer.alloc(0)), bytes: seen.size })
  }
  return found
}

function contentOf(body: Buffer): Content {
  return { kind: 'text', text: escapeText(body.toString()) }
}

/** Configs are part of the release; secrets are read where it is deployed. */
async function readConfigs({ configs }: Stack, root: string, { files }: Ports): Promise<Stack['configs']> {
  const read = Object.entries(configs).map(async ([name, content]) => {
    if (content.kind !== 'file') return [name, content] as const
    const body = await files.read(resolve(root, content.path))
    if (body === undefined)
      throw new LaunchwayError('CONFIG_INVALID', `the config ${name} is read from ${content.path}, which is not there`, {
        hint: 'Commit the file, or write it in a step before the plan.',
      })
    if (!isUtf8(body))
      throw new LaunchwayError('CONFIG_INVALID', `the config ${name} is read from ${content.path}, which is no text`, {
        hint: 'Put it into the image.',
      })
    return [name, contentOf(body)] as const
  })
  return Object.fromEntries(await Promise.all(read))
}

async function pinned(stack: Stack, registries: PlanSection['registries'], ports: Ports): Promise<Stack> {
  const images = Object.entries(stack.images).map(async ([service, image]): Promise<[string, Stack['images'][string]]> => {
    if ('built' in image) return [service, image]
    const { repository, tag, digest } = parseReference(image.pulled)
    if (digest !== undefined) return [service, image]
    const found = await (await openRepository(repository, registries, ports)).resolve(tag)
    if (found === undefined) {
      throw new LaunchwayError('CONFIG_INVALID', `${service}: its registry has no ${repository}:${tag}`, {
        hint: 'Look for a typing error. An image that is built here has to be among images of launchway.yml.',
      })
    }
    return [service, { pulled: `${repository}:${tag}@${found.digest}` }]
  })
  return { ...stack, images: Object.fromEntries(await Promise.all(images)) }
}
