import { nearest } from '../core/nearest.ts'
import { fullName } from '../core/reference.ts'
import { labelBreaches } from './rules-labels.ts'
import type { Breach } from './rules.ts'
import type { Config } from './schema.ts'
import { ImageConfig } from './schema-image.ts'

/** What is said of an image however it is built. */
const otherKeys = new Set<string>(['repositories', 'bake', 'size', 'annotations'] satisfies (keyof ImageConfig)[])
/** What says how an image is built; one that has none of it is, where `bake` is given, a target of the bake file. */
const buildKeys: readonly string[] = Object.keys(ImageConfig.shape).filter((key) => !otherKeys.has(key))

export function isBaked({ bake }: Pick<Config, 'bake'>, image: ImageConfig): boolean {
  return bake !== undefined && !Object.keys(image).some((key) => buildKeys.includes(key))
}

/** The images that a context of the others names: such a one need not be pushed. */
function basesOf(images: Readonly<Record<string, ImageConfig>>): Set<string> {
  const targets = Object.values(images).flatMap(({ contexts = {} }) => Object.values(contexts).flatMap((value) => targetOf(value) ?? []))
  return new Set(targets)
}

/** The image that a context stands for: `base` of `target:base`. */
function targetOf(context: string): string | undefined {
  return context.startsWith('target:') ? context.slice('target:'.length) : undefined
}

export function imageBreaches(config: Config): Breach[] {
  const { images = {} } = config
  const found: Breach[] = []
  if (config.image === undefined && config.images === undefined)
    found.push({ path: [], message: 'image or images is needed: what shall be built, and where it is pushed' })
  if (config.image !== undefined && config.images !== undefined)
    found.push({ path: ['images'], onKey: true, message: 'image and images exclude each other: move image into images' })
  if (config.bake !== undefined && !Object.values(images).some((image) => isBaked(config, image)))
    found.push({ path: ['bake'], onKey: true, message: 'bake: no image is a target of it: all of them, or image, say how they are built' })
  const bases = basesOf(images)
  for (const [name, image] of Object.entries(images)) {
    const at = `images.${name}`
    const path = ['images', name]
    if (image.repositories === undefined && !bases.has(name))
      found.push({ path, message: `${at}: repositories is needed: where it is pushed` })
    if (image.bake !== undefined && config.bake === undefined)
      found.push({
        path: [...path, 'bake'],
        onKey: true,
        message: `${at}: bake names a target, and no bake file is given: bake: docker-bake.hcl`,
      })
    const own = Object.keys(image).find((key) => buildKeys.includes(key))
    if (image.bake !== undefined && own !== undefined)
      found.push({ path: [...path, own], onKey: true, message: `${at}: "${own}" stands in the bake file, since bake is given` })
    found.push(
      ...contextBreaches(name, images),
      ...secretBreaches(name, image),
      ...cacheBreaches(name, image),
      ...labelBreaches(name, image),
    )
    if (image.annotations !== undefined && image.repositories === undefined)
      found.push({
        path: [...path, 'annotations'],
        onKey: true,
        message: `${at}: annotations are of an image in a registry, and nobody pushes this one: it has no repositories`,
      })
  }
  found.push(...sharedRepositories(images))
  if (Object.keys(images).length > 0 && Object.values(images).every(({ repositories }) => repositories === undefined) && found.length === 0)
    found.push({ path: ['images'], message: 'images: one of them needs repositories: where it is pushed' })
  return found
}

/** Every image of a release gets every tag of it: in one repository the last one pushed would be what all of them name. */
function sharedRepositories(images: Readonly<Record<string, ImageConfig>>): Breach[] {
  const owners = new Map<string, string>()
  return Object.entries(images).flatMap(([name, { repositories = [] }]) =>
    repositories.flatMap((repository, index): Breach[] => {
      const whole = fullName(repository)
      const owner = owners.get(whole) ?? name
      owners.set(whole, owner)
      if (owner === name) return []
      const message = `images.${name}.repositories: ${repository} is that of images.${owner} already, and a tag there is one image: write another one, such as ${repository}-${name}`
      return [{ path: ['images', name, 'repositories', index], message }]
    }),
  )
}

function contextBreaches(name: string, images: Readonly<Record<string, ImageConfig>>): Breach[] {
  return Object.entries(images[name]?.contexts ?? {}).flatMap(([key, value]) => {
    const target = targetOf(value)
    if (target === undefined) return []
    const path = ['images', name, 'contexts', key]
    const at = path.join('.')
    if (!Object.hasOwn(images, target)) {
      const known = Object.keys(images).filter((other) => other !== name)
      const meant = nearest(target, known)
      return [
        {
          path,
          message: `${at}: no image "${target}"; ${meant === undefined ? `known: ${known.join(', ')}` : `did you mean "${meant}"?`}`,
        },
      ]
    }
    const round = circle(target, name, images)
    return round === undefined ? [] : [{ path, message: `${at}: ${[name, ...round].join(' is built on ')}: none of them can be the first` }]
  })
}

/** The way from an image back to another through what it is built on. */
function circle(
  from: string,
  to: string,
  images: Readonly<Record<string, ImageConfig>>,
  seen: readonly string[] = [],
): string[] | undefined {
  if (from === to) return [to]
  if (seen.includes(from)) return undefined
  for (const value of Object.values(images[from]?.contexts ?? {})) {
    const next = targetOf(value)
    const rest = next === undefined ? undefined : circle(next, to, images, [...seen, from])
    if (rest !== undefined) return [from, ...rest]
  }
  return undefined
}

function secretBreaches(name: string, { secrets = [], ssh = [] }: ImageConfig): Breach[] {
  const found: Breach[] = []
  const lists = [
    ['secrets', secrets.map((secret) => (typeof secret === 'string' ? secret : secret.id))],
    ['ssh', ssh.map((one) => (typeof one === 'string' ? one : (one.id ?? 'default')))],
  ] as const
  for (const [key, ids] of lists) {
    for (const [index, id] of ids.entries()) {
      if (ids.indexOf(id) !== index)
        found.push({ path: ['images', name, key, index], message: `images.${name}.${key}: ${id} is there twice` })
    }
  }
  for (const [index, secret] of secrets.entries()) {
    const path = ['images', name, 'secrets', index]
    if (typeof secret !== 'string' && secret.env !== undefined && secret.file !== undefined)
      found.push({ path, message: `images.${name}.secrets: ${secret.id} has both env and file` })
    const variable = typeof secret === 'string' ? secret : secret.file === undefined && secret.env === undefined ? secret.id : undefined
    if (variable !== undefined && !/^[A-Za-z_][A-Za-z0-9_]*$/.test(variable))
      found.push({ path, message: `images.${name}.secrets: ${variable} is no name of an environment variable: give env or file` })
  }
  return found
}

function cacheBreaches(name: string, { cache, repositories }: ImageConfig): Breach[] {
  if (cache === 'registry' && repositories === undefined)
    return [
      { path: ['images', name, 'cache'], message: `images.${name}.cache: registry is a tag in the first repository, and there is none` },
    ]
  if (cache === undefined || typeof cache === 'string') return []
  return (['from', 'to'] as const).flatMap((way) => {
    const entries = cache[way] ?? []
    return [entries].flat().flatMap((entry, index) => {
      const path = ['images', name, 'cache', way, ...(typeof entries === 'string' ? [] : [index])]
      const why = wrongCache(entry, way)
      return why === undefined ? [] : [{ path, message: `images.${name}.cache.${way}: ${why}` }]
    })
  })
}

function wrongCache(entry: string, way: 'from' | 'to'): string | undefined {
  const fields = new Map(
    entry.split(',').map((field): [string, string] => [field.slice(0, field.indexOf('=')), field.slice(field.indexOf('=') + 1)]),
  )
  const type = fields.get('type') ?? ''
  if (type === 'inline' && way === 'from') return 'type=inline is written into the image: it is read with type=registry,ref=… of that image'
  const needed = type === 'registry' ? 'ref' : type === 'local' ? (way === 'from' ? 'src' : 'dest') : undefined
  if (needed !== undefined && !fields.has(needed)) return `type=${type} needs ${needed}=…`
  if (fields.has('token')) return 'a token would stand in the record: the runner gives it by itself'
  return undefined
}
