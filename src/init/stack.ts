import { LaunchwayError } from '../core/error.ts'
import type { ComposeFile, FileService } from '../tools/compose-file.ts'
import { accessoryOf, isLeftOut, isProxy } from './accessories.ts'
import { type DraftAccessory, type DraftImage, type DraftVolume, plainName, type Stack } from './draft.ts'
import { smokeVariables } from './env-files.ts'
import { migrationOf } from './migration.ts'
import { framePort, frontOf, onlyLeads, portIn, serviceOf } from './service.ts'
import { asProject, lostAlone } from './project.ts'
import { askedPath, type Seen } from './seen.ts'
import { networksLost } from './settings.ts'

/**
 * @param dockerfile the one that was asked for, where there is no compose file
 * @throws LaunchwayError USAGE where there is nothing to build
 */
export function stackOf(seen: Seen, dockerfile: string | undefined): Stack {
  const project = dockerfile === undefined ? seen.compose?.project : undefined
  const built = project?.services.filter(({ build }) => build !== undefined) ?? []
  if (project !== undefined && built.length > 0) return composed(seen, project, built)
  return alone(seen, dockerfile ?? onlyDockerfile(seen))
}

function onlyDockerfile({ dockerfiles, compose, folder }: Seen): string {
  const paths = [...dockerfiles.keys()]
  const found = paths.includes('Dockerfile') ? 'Dockerfile' : paths.length === 1 ? paths[0] : undefined
  if (found !== undefined) return found
  if (paths.length === 0) {
    const images = compose === undefined ? '' : `${compose.file} builds nothing either. `
    throw new LaunchwayError('USAGE', `there is no Dockerfile in ${folder}`, {
      hint: `${images}launchway builds what it releases from one: write a Dockerfile (\`docker init\` makes a first one for many languages), and run launchway init again.`,
    })
  }
  throw new LaunchwayError('USAGE', `which of ${paths.length} Dockerfiles is the application's?`, {
    hint: `Name it: ${paths.map((path) => `--dockerfile ${path}`).join(', or ')}.\nWith a compose file that builds them, all of them are taken.`,
  })
}

/** One Dockerfile, one service. */
function alone(seen: Seen, path: string): Stack {
  const facts = seen.dockerfiles.get(path)
  if (facts === undefined) {
    throw new LaunchwayError('USAGE', `there is no Dockerfile at ${path}`, {
      hint: `There is: ${[...seen.dockerfiles.keys()].join(', ') || 'none'}`,
    })
  }
  const others = [...seen.dockerfiles.keys()].filter((one) => one !== path)
  const context = seen.contexts.get(path) ?? '.'
  const port = facts.expose[0] ?? portIn(facts.command ?? '') ?? framePort(seen)
  const healthPath = facts.health === undefined ? seen.hints.healthPath : askedPath(facts.health)
  const { compose, hints } = seen
  return {
    images: [{ name: 'app', context, dockerfile: context === '.' ? path : path.slice(context.length + 1), args: {} }],
    services: [
      {
        name: 'web',
        image: 'app',
        isPublic: true,
        ...(port === undefined ? {} : { port }),
        ...(healthPath === undefined ? {} : { healthPath }),
        keys: {},
        volumes: [],
        isNamed: false,
      },
    ],
    accessories: [],
    smoke: compose === undefined ? { env: {} } : `${compose.file} does not run what is built here`,
    notes: [
      ...(others.length === 0
        ? []
        : [`${path} is taken; there are also ${others.join(', ')}: see "images" in the reference for more than one`]),
      ...(compose === undefined
        ? []
        : [
            `${compose.file} builds nothing, so its services were not looked at (${compose.project.services.map(({ name }) => name).join(', ')}): with build: under the one that is built here, they are`,
          ]),
      ...(seen.composeElsewhere.length === 0
        ? []
        : [
            `not looked at: ${seen.composeElsewhere.join(', ')}. launchway init reads compose.yaml or docker-compose.yml in the root: give the file that production is like that name for a moment, and run it again with --anew; or name it where it is (smoke: { compose: ${seen.composeElsewhere[0] ?? ''} })`,
          ]),
      ...(hints.celery && !/celery/.test(facts.command ?? '') ? [celeryNote] : []),
    ],
  }
}

const celeryNote =
  'Celery is among the packages, and nothing here starts a worker: add a service, such as worker: { command: [celery, -A, app, worker], stop-timeout: 60s }'

/** The service that builds what another one runs by the name that it gets there. */
function sharing({ image }: FileService, built: readonly FileService[]): Pick<FileService, 'build'> {
  const name = untagged(image)
  return built.find((one) => name !== undefined && untagged(one.image) === name) ?? {}
}

function composed(seen: Seen, project: ComposeFile, built: readonly FileService[]): Stack {
  const notes: string[] = []
  const active = project.services.filter(({ name, profiles }) => {
    if (profiles.length > 0) notes.push(`${name} has a profile (${profiles.join(', ')}) and is left out`)
    return profiles.length === 0
  })
  const all = imagesOf(built)
  for (const { name, buildOthers } of built) {
    const others = buildOthers.filter((key) => !/^(cache_from|cache_to|tags|no_cache|pull|x-.*)$/.test(key))
    if (others.length > 0)
      notes.push(
        `${name} is built with ${others.join(', ')}: the image has a key of launchway.yml for most of it, see images in the reference`,
      )
  }
  const ofImage = (service: FileService): DraftImage | undefined =>
    all.find(({ name }) => name === imageName(service, built)) ?? all.find(({ name }) => name === imageName(sharing(service, built), built))
  const own = active.filter((service) => ofImage(service) !== undefined)
  const why = lostAlone(active, own, project, seen)
  if (why !== undefined) {
    const images = all.filter(({ name }) => own.some((service) => ofImage(service)?.name === name))
    return asProject(seen, { project, active, images, imageOf: ofImage, why, notes })
  }
  const migration = migrationOf(seen, own, active)
  const leading = new Map(
    own
      .flatMap((service) => [[service, onlyLeads(service, own, seen)] as const])
      .flatMap(([one, why]) => (why === undefined ? [] : [[one, why]])),
  )
  notes.push(...leading.values())
  const kept = own.filter((service) => service.name !== migration?.service && !leading.has(service))
  const images = all.filter(({ name }) => kept.some((service) => ofImage(service)?.name === name))
  const front = frontOf(kept, seen)
  // Visitors come where they came before.
  const door = [...leading.keys(), ...active.filter(isProxy)].flatMap(({ ports }) => ports[0]?.published ?? [])[0]
  const rest = active.filter((service) => ofImage(service) === undefined)
  const services = kept.map((service) => {
    const { draft, says } = serviceOf(service, ofImage(service)?.name ?? '', {
      isPublic: service === front,
      seen,
      isOnly: kept.length === 1,
      isOneImage: images.length === 1,
      door,
    })
    notes.push(...says)
    return draft
  })
  const accessories: DraftAccessory[] = []
  for (const service of rest) {
    const why = isLeftOut(service)
    if (why === undefined) {
      const { draft, says } = accessoryOf(service, seen)
      accessories.push(draft)
      notes.push(...says)
    } else notes.push(why)
  }
  if (seen.hints.celery && !active.some((one) => /celery/.test([...(one.command ?? []), ...(one.entrypoint ?? [])].join(' '))))
    notes.push(celeryNote)
  const { compose } = seen
  notes.push(...networksLost([...kept, ...rest.filter((service) => isLeftOut(service) === undefined)]))
  notes.push(...keptElsewhere([...services, ...accessories], project))
  for (const path of seen.missing)
    notes.push(
      `${compose?.file ?? ''} reads ${path}, which the repository does not have: the smoke test needs it there, or { path: ${path}, required: false }`,
    )
  if (compose !== undefined && compose.others.length > 0)
    notes.push(`${compose.file} alone was read; name others under smoke.compose: ${compose.others.join(', ')}`)
  return {
    images,
    services,
    accessories,
    ...(migration === undefined ? {} : { beforeSwitch: migration.command }),
    smoke: {
      ...(front === undefined ? {} : { service: front.name }),
      env: smokeVariables(project, seen),
      ...(compose === undefined ? {} : { file: compose.file }),
    },
    notes,
  }
}

/** Who runs the stack on the server already has the data in volumes that compose has named; two databases must not share one. */
function keptElsewhere(drafts: readonly { volumes: readonly DraftVolume[] }[], { name = '<project>', volumeNames }: ComposeFile): string[] {
  const named = drafts.flatMap(({ volumes }) => volumes.filter(({ source, isNew }) => !source.startsWith('/') && isNew === undefined))
  const namesOf = (isWhole: boolean): string[] => [
    ...new Set(
      named.filter((one) => one.isWhole === isWhole && volumeNames.get(one.source)?.includes('$') !== true).map(({ source }) => source),
    ),
  ]
  const [own, whole] = [namesOf(false), namesOf(true)]
  const stopped = 'stop the stack there first: docker compose down, without --volumes'
  return [
    ...own.map(
      (source) =>
        `the volume ${source} is empty at the first deploy. Where this stack runs on the server already, its data is in ${name}_${source} (docker volume ls): to keep it write that name into launchway.yml, and ${stopped}`,
    ),
    ...whole.map((source) => `the volume ${source} is taken with what is in it. Where the stack runs on the server already, ${stopped}`),
  ]
}

/** What is the same is built once. */
function imagesOf(built: readonly FileService[]): DraftImage[] {
  const images = new Map<string, DraftImage>()
  for (const service of built) {
    const { build } = service
    const name = imageName(service, built)
    if (build === undefined || name === undefined) continue
    const repository = repositoryOf(service.image)
    const before = images.get(name)
    if (before === undefined) images.set(name, { name, ...build, ...(repository === undefined ? {} : { repository }) })
    else if (before.repository === undefined && repository !== undefined) before.repository = repository
  }
  return [...images.values()]
}

/** The first service that builds the same gives the image its name. */
function imageName({ build }: Pick<FileService, 'build'>, built: readonly FileService[]): string | undefined {
  if (build === undefined) return undefined
  const first = built.find((other) => JSON.stringify(other.build) === JSON.stringify(build))
  return first === undefined ? undefined : plainName(first.name)
}

/** Of `ghcr.io/team/app:1` the repository; of a bare name nothing, since nobody can push there. */
function repositoryOf(image: string | undefined): string | undefined {
  const repository = untagged(image)
  return repository?.includes('/') === true && !repository.includes('$') ? repository : undefined
}

function untagged(image: string | undefined): string | undefined {
  return image?.replace(/@.*$/, '').replace(/:[^/]*$/, '')
}
