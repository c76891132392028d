import { stringify } from 'yaml'
import { appOf } from '../core/names.ts'
import type { DraftAccessory, DraftImage, DraftProject, DraftService, DraftVolume, Stack } from './draft.ts'
import { type Answers, repositoryFor } from './questions.ts'
import type { Seen } from './seen.ts'
import type { Pin } from './workflow-parts.ts'

/** A value in one line of YAML. */
function flow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((one) => flow(one)).join(', ')}]`
  if (typeof value === 'object' && value !== null) {
    const pairs = Object.entries(value).map(([key, inner]) => `${scalar(key)}: ${flow(inner)}`)
    return pairs.length === 0 ? '{}' : `{ ${pairs.join(', ')} }`
  }
  return scalar(value)
}

/** As it may stand inside of brackets and braces, too. */
function scalar(value: unknown): string {
  // A line break would leave the line: in double quotes YAML reads what JSON writes.
  if (typeof value === 'string' && /\p{Cc}|[\u2028\u2029]/u.test(value)) return JSON.stringify(value)
  return stringify([value], { collectionStyle: 'flow', lineWidth: 0, singleQuote: true, flowCollectionPadding: false }).trim().slice(1, -1)
}

const indent = (lines: readonly string[], by = 2): string[] => lines.map((line) => (line === '' ? '' : `${' '.repeat(by)}${line}`))

/** Branches that teams keep for long: they are built and pushed, and nobody is asked. */
const channels = ['develop', 'development', 'dev', 'staging', 'stage', 'next', 'docker', 'docker_dev']

/** launchway.yml as text: the least that works for this repository, with what one is likely to change next. */
export function configText(stack: Stack, answers: Answers, seen: Seen, pin: Pin | undefined): string {
  const { image = '', environment = 'production', branch = 'main', live = 'push' } = answers
  const others = seen.git.branches.filter((name) => channels.includes(name) && name !== branch)
  const branches = { [branch]: live === 'push' ? environment : {}, ...Object.fromEntries(others.map((name) => [name, {}])) }
  return [
    ...(pin === undefined
      ? []
      : [`# yaml-language-server: $schema=https://raw.githubusercontent.com/${pin.repository}/${pin.commit}/schema/launchway.json`]),
    '# What launchway builds, tests, and puts live where. Every key: docs/reference/configuration.md of launchway.',
    '# `launchway plan` says what a push from here would do, and does none of it.',
    '',
    // The name would be that of the first image else.
    ...(stack.images.length > 1 ? [`app: ${scalar(appOf(image))}`, ''] : []),
    ...imageLines(stack.images, image, image === repositoryFor(stack, seen)),
    '',
    '# What a push does: the name of an environment to go live there, {} to be built, tested, scanned and pushed only.',
    `branches: ${flow(branches)}`,
    ...(live !== 'push'
      ? [
          `tags: { 'v*': ${scalar(environment)} }${live === 'release' ? '    # of releases that are published on GitHub: .github/workflows/release.yml' : ''}`,
        ]
      : seen.git.hasVersionTags
        ? [`tags: { 'v*': {} }`]
        : [`# tags: { 'v*': ${scalar(environment)} }`]),
    '',
    ...smokeLines(stack, answers),
    '',
    'environments:',
    `  ${scalar(environment)}:`,
    ...indent(environmentLines(stack, answers), 4),
    ...(stack.notes.length === 0
      ? []
      : ['', '# Left out, or not decided:', ...stack.notes.map((note) => `#   - ${note.replaceAll(/\s+/g, ' ')}`)]),
    '',
  ].join('\n')
}

/** @param asSeen the repositories are those that the compose file names, since nobody has said others */
function imageLines(images: readonly DraftImage[], repository: string, asSeen: boolean): string[] {
  const [only] = images
  const isPlain =
    only !== undefined &&
    images.length === 1 &&
    only.context === '.' &&
    only.dockerfile === 'Dockerfile' &&
    only.target === undefined &&
    Object.keys(only.args).length === 0
  if (isPlain) return [`image: ${repository}    # pushed here, and pulled by the hosts from here`]
  return [
    '# Pushed to, and pulled by the hosts from, their repositories.',
    'images:',
    ...images.map(
      ({ name, context, dockerfile, target, args, repository: named }) =>
        `  ${scalar(name)}: ${flow({
          ...(context === '.' ? {} : { context }),
          ...(dockerfile === 'Dockerfile' ? {} : { dockerfile }),
          ...(target === undefined ? {} : { target }),
          ...(Object.keys(args).length === 0 ? {} : { args }),
          repositories: [images.length === 1 ? repository : asSeen && named !== undefined ? named : `${repository}-${name}`],
        })}`,
    ),
  ]
}

function smokeLines({ smoke }: Stack, { port, health }: Answers): string[] {
  if (typeof smoke === 'string')
    return [`# No composed stack is tested: ${smoke}. Name a compose file that does with smoke: { compose: … }.`, 'smoke: false']
  if (smoke.file === undefined)
    return ['# Without a compose file nothing is started before a tag moves. With a compose.yaml, its stack must come up and answer.']
  const { service, env, envFiles } = smoke
  const checks =
    service !== undefined && port !== undefined && port !== 'none' && (health ?? '') !== ''
      ? [{ http: `http://${service}:${port}${health}`, status: 200 }]
      : []
  const what = `# ${smoke.file} is started with the new images, and must come up and answer, before a tag moves.`
  if (checks.length === 0 && Object.keys(env).length === 0 && envFiles === undefined)
    return [what, `# smoke: { checks: [{ http: 'http://${service ?? 'web'}:${port ?? '8000'}/', status: 200 }] }`]
  return [
    what,
    'smoke:',
    ...(envFiles === undefined ? [] : [`  env-files: ${flow(oneOrAll(envFiles))}`]),
    ...(Object.keys(env).length === 0 ? [] : ['  # Values for the test alone: no secret of yours.', `  env: ${flow(env)}`]),
    ...(checks.length === 0 ? [] : ['  checks:', ...checks.map((check) => `    - ${flow(check)}`)]),
  ]
}

function environmentLines(stack: Stack, answers: Answers): string[] {
  const { services, accessories, beforeSwitch, project } = stack
  const { host = '', url = '', image = '' } = answers
  const app = appOf(image)
  const [only] = services
  const isFlat = services.length === 1 && only !== undefined
  // A service that names a network is on that alone; with accessories all are on one by themselves.
  const networks = services.length > 1 && accessories.length === 0 ? [app] : []
  const wayIn =
    url === ''
      ? []
      : [
          `url: ${scalar(url)}${url.startsWith('https:') ? '    # nginx of the host leads it here; the certificate is certbot’s, or: nginx: { acme: { email: …, agree-terms: true } }' : '    # nginx of the host leads it here'}`,
        ]
  return [
    `host: ${host}    # an account that may use Docker${url === '' ? '' : ', and sudo for nginx'}`,
    ...wayIn,
    ...(project === undefined ? [] : projectLines(project, services, answers)),
    ...(isFlat && project === undefined ? serviceLines(only, answers, app, networks) : []),
    ...(beforeSwitch === undefined
      ? []
      : ['# Once for each deploy, in the new image, before anybody reaches it.', `before-switch: ${flow({ command: beforeSwitch })}`]),
    ...(isFlat || project !== undefined
      ? []
      : [
          'services:',
          ...services.flatMap((service) => [
            `  ${scalar(service.name)}:`,
            ...indent(serviceLines(service, answers, app, networks, services), 4),
          ]),
        ]),
    ...(accessories.length === 0
      ? []
      : ['# Started once, and left alone by releases.', 'accessories:', ...accessories.flatMap((one) => accessoryLines(one, app))]),
  ]
}

function oneOrAll([first, ...rest]: readonly string[]): unknown {
  return rest.length === 0 ? first : [first, ...rest]
}

/** The compose file, and what it cannot say. */
function projectLines(
  { file, why, envFiles, secrets, publishedBy }: DraftProject,
  services: readonly DraftService[],
  answers: Answers,
): string[] {
  const { url = '', port, publish = '', health = '' } = answers
  const front = services.find(({ isPublic }) => isPublic)
  const isElsewhere = url === '' && publishedBy !== undefined && publish !== '' && publish !== String(front?.published)
  const more = {
    ...(envFiles === undefined ? {} : { 'env-files': oneOrAll(envFiles) }),
    ...(isElsewhere ? { env: { [publishedBy]: publish } } : {}),
  }
  const blocks = services.flatMap(({ name, isPublic, keys }): [string, Record<string, unknown>][] => {
    const led = isPublic && url !== '' && port !== undefined && port !== 'none'
    const block = { ...(led ? { port: Number(port), nginx: {}, ...(health === '' ? {} : { health }) } : {}), ...keys }
    return Object.keys(block).length === 0 ? [] : [[name, block]]
  })
  return [
    `# ${file} is deployed as it is, since a block for each of its services would lose something: ${why}.`,
    `compose: ${Object.keys(more).length === 0 ? scalar(file) : flow({ files: file, ...more })}`,
    ...(secrets.length === 0 ? [] : [`secrets: ${flow(secrets)}`]),
    ...(blocks.length === 0
      ? []
      : ['# What it cannot say.', 'services:', ...blocks.map(([name, block]) => `  ${scalar(name)}: ${flow(block)}`)]),
  ]
}

function serviceLines(
  service: DraftService,
  { port, url = '', publish, health = '' }: Answers,
  app: string,
  networks: readonly string[],
  all: readonly DraftService[] = [],
): string[] {
  const listens = service.isPublic && port !== undefined && port !== 'none'
  const images = new Set(all.map(({ image }) => image))
  const lines = [
    ...(images.size > 1 ? [`image: ${scalar(service.image)}`] : []),
    ...(listens ? [`port: ${port}`] : []),
    ...(listens && url === ''
      ? [`publish: ${publish ?? '80'}    # of the host; with a url instead, nginx leads visitors, and no request is lost at a deploy`]
      : []),
    ...(listens
      ? [health === '' ? '# health: /healthz    # a path that answers 2xx when the application is well' : `health: ${flow(health)}`]
      : []),
    ...keyLines(service.keys),
    ...volumeLines(service.volumes, app),
    ...(networks.length === 0 ? [] : [`networks: ${flow(networks)}`]),
  ]
  // A mapping with nothing in it is none.
  return lines.length === 0 ? ['restart: unless-stopped'] : lines
}

function accessoryLines({ name, keys, volumes }: DraftAccessory, app: string): string[] {
  return [`  ${scalar(name)}:`, ...indent([...keyLines(keys), ...volumeLines(volumes, app)], 4)]
}

function keyLines(keys: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(keys).map(([key, value]) => `${key}: ${flow(value)}`)
}

/** On a host, volumes of all applications stand side by side. */
function volumeLines(volumes: readonly DraftVolume[], app: string): string[] {
  if (volumes.length === 0) return []
  return [`volumes: ${flow(volumes.map(({ source, at, isWhole }) => `${isWhole ? source : `${app}-${source}`}:${at}`))}`]
}
