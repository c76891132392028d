import { firstOf } from '../core/text.ts'
import { join } from 'node:path'
import { forgiving, resolveTargets } from '../config/resolve-image.ts'
import type { Config } from '../config/schema.ts'
import { LaunchwayError } from '../core/error.ts'
import { BakeValue, type BuildSecret, type BuildSsh, type PlannedBase } from '../core/planned-image.ts'
import { normalPlatform, wrongPlatform } from '../core/platform.ts'
import type { Ports } from '../core/ports.ts'
import type { PlanSection } from '../core/release.ts'
import { asText, bakePlace, fieldsOf, parsePrinted, printBake, type Printed, type PrintedTarget, targetsOf } from '../tools/bake-file.ts'

/**
 * What launchway decides for itself: names and where the image goes; and what is about bake alone. Attestations would
 * make an index of every image.
 */
const notTaken = ['tags', 'output', 'attest', 'call', 'description', 'matrix', 'name', 'inherits', 'annotations']

/**
 * Labels that say when, of which commit and as which version an image was built, as docker/metadata-action and many a bake file
 * set them: those of OCI, and of Label Schema before it. What they say is no part of the key, as with launchway's own.
 */
const ofRelease: ReadonlySet<string> = new Set([
  ...['created', 'revision', 'version', 'ref.name'].map((name) => `org.opencontainers.image.${name}`),
  ...['build-date', 'vcs-ref', 'version'].map((name) => `org.label-schema.${name}`),
])

/** Of a group that a message names. */
const shownTargets = 12

/** The plan with the images that a bake file describes, as bake understands it here and now. */
export async function withBaked(plan: PlanSection, config: Config, ports: Ports): Promise<PlanSection> {
  const targets = resolveTargets(config)
  if (targets.size === 0) return plan
  const files = [config.bake ?? []].flat()
  const printed = await read(files, [...targets.values()], ports)
  const found = bakedImages(printed, targets, [...plan.images, ...(plan.bases ?? [])])
  const bases = await Promise.all(found.bases.map((base) => withoutUnread(base, ports)))
  const images = new Map(
    await Promise.all([...found.images].map(async ([name, image]) => [name, await withoutUnread(image, ports)] as const)),
  )
  for (const [name, { annotations }] of Object.entries(printed.target)) {
    const pushed = plan.images.find((image) => targets.get(image.name) === name)
    if (Array.isArray(annotations) && annotations.length > 0 && pushed !== undefined && pushed.annotations === undefined)
      ports.log.warning(
        `${files.join(', ')}: the annotations of ${name} are not taken: write them as annotations of the image into launchway.yml`,
      )
  }
  const below = [...(plan.bases ?? []).map((base) => images.get(base.name) ?? base), ...bases]
  return {
    ...plan,
    images: plan.images.map((image) => {
      const baked = images.get(image.name)
      const written = { ...image.written, ...baked?.written }
      return { ...image, ...baked, ...(Object.keys(written).length === 0 ? {} : { written }) }
    }),
    ...(below.length === 0 ? {} : { bases: below }),
  }
}

/**
 * docker/metadata-action gives its targets the version as an argument, too. Where the Dockerfile does not name that, nothing reads it:
 * it would change the key and not the image.
 */
async function withoutUnread(image: PlannedBase, { files, root }: Ports): Promise<PlannedBase> {
  const given = Object.entries(image.args)
  if (!given.some(([name]) => name.startsWith('DOCKER_META_'))) return image
  const dockerfile = await files.read(join(root, image.context, image.dockerfile))
  const isRead = ([name]: readonly [string, string]): boolean => !name.startsWith('DOCKER_META_') || dockerfile?.includes(name) !== false
  return { ...image, args: Object.fromEntries(given.filter(isRead)) }
}

async function read(files: readonly string[], targets: readonly string[], ports: Ports): Promise<Printed> {
  const { code, stdout, stderr } = await ports.exec.run(printBake(files, targets, ports.root), { signal: ports.signal, accept: [0, 1] })
  if (code === 0) return parsePrinted(stdout)
  const place = bakePlace(stderr)
  const said = stderr.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'))
  throw new LaunchwayError('CONFIG_INVALID', `bake does not understand ${files.join(', ')}`, {
    hint: [
      ...said,
      `The same by hand: docker buildx bake ${files.map((file) => `--file ${file}`).join(' ')} --print ${targets.join(' ')}`,
    ].join('\n'),
    ...(place === undefined ? {} : { place }),
  })
}

/**
 * Images of a bake file in the words of the record, and what they are built on and nobody pushes.
 * @param targets by the name of the image, its target
 * @param others all images of the plan, whose names are taken
 * @throws LaunchwayError CONFIG_INVALID for what cannot be taken as it is
 */
export function bakedImages(
  printed: Printed,
  targets: ReadonlyMap<string, string>,
  others: readonly { name: string }[],
): { images: Map<string, PlannedBase>; bases: PlannedBase[] } {
  const taken = new Set(others.map(({ name }) => name))
  const names = new Map([...targets].map(([image, target]) => [target, image]))
  const below = Object.keys(printed.target).filter((target) => !names.has(target))
  for (const target of below) {
    const name = freeName(target, taken)
    taken.add(name)
    names.set(target, name)
  }
  const take = (name: string, target: string): PlannedBase => {
    const found = Object.hasOwn(printed.target, target) ? printed.target[target] : undefined
    if (found === undefined) throw notOne(name, target, printed)
    return plannedFrom(name, target, found, names)
  }
  return {
    images: new Map([...targets].map(([name, target]) => [name, take(name, target)])),
    bases: below.map((target) => take(names.get(target) ?? target, target)),
  }
}

function freeName(target: string, taken: ReadonlySet<string>): string {
  const plain =
    target
      .toLowerCase()
      .replaceAll(/[^a-z0-9_-]/g, '-')
      .replace(/^[_-]+/, '')
      .slice(0, 30) || 'base'
  let name = plain
  for (let number = 2; taken.has(name); number += 1) name = `${plain}-${number}`
  return name
}

function plannedFrom(name: string, target: string, printed: PrintedTarget, names: ReadonlyMap<string, string>): PlannedBase {
  const { context, dockerfile, target: stage, platforms, args, contexts, labels, secret, ssh, ...rest } = printed
  const { 'cache-from': from, 'cache-to': to, ...more } = rest
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(context ?? ''))
    throw refused(
      target,
      `its context is not in this repository: ${context}`,
      'Its content could not be told from one run to the next: check it out here.',
    )
  if (more['dockerfile-inline'] !== undefined)
    throw refused(target, 'it has dockerfile-inline', 'Write the Dockerfile into a file: what an image is built from is read from there.')
  const kept = Object.entries(more).filter(([key, value]) => !notTaken.includes(key) && value !== null)
  const cache = { from: (from ?? []).map(asText), to: (to ?? []).map((one) => forgiving(asText(one))) }
  const bake = kept.map(([key, value]) => {
    const parsed = BakeValue.safeParse(value)
    if (!parsed.success)
      throw refused(target, `${key} is not known to this launchway`, 'Leave it out, or build the image by the keys of launchway.yml.')
    return [key, parsed.data] as const
  })
  const values = given(labels)
  // The file says them by variables and functions that bake has worked out: that a label is there is all that is known of it.
  const passing = Object.keys(values).filter((key) => ofRelease.has(key))
  return {
    name,
    context: context ?? '.',
    dockerfile: dockerfile ?? 'Dockerfile',
    ...(stage === undefined || stage === null ? {} : { target: stage }),
    platforms: platformsOf(target, platforms ?? []),
    args: given(args),
    ...(contexts === undefined || contexts === null ? {} : { contexts: renamed(contexts, names) }),
    ...((secret ?? []).length === 0 ? {} : { secrets: (secret ?? []).map((one) => secretOf(target, fieldsOf(one))) }),
    ...((ssh ?? []).length === 0 ? {} : { ssh: (ssh ?? []).map((one) => sshOf(asText(one), fieldsOf(one))) }),
    ...(Object.keys(values).length === 0 ? {} : { labels: values }),
    ...(passing.length === 0 ? {} : { written: { labels: Object.fromEntries(passing.map((key) => [key, ''])) } }),
    ...(cache.from.length + cache.to.length === 0 ? {} : { cache }),
    ...(bake.length === 0 ? {} : { bake: Object.fromEntries(bake) }),
  }
}

/** As buildx reads them: an entry may be several, and `local` is the platform of whoever builds. */
function platformsOf(target: string, written: readonly string[]): string[] {
  const all = written.flatMap((entry) => entry.split(',')).filter((entry) => entry.trim() !== '')
  if (all.length === 1 && all[0]?.trim() === 'local') return []
  for (const platform of all) {
    const wrong = wrongPlatform(platform)
    if (wrong !== undefined)
      throw refused(target, `of its platforms ${wrong}`, 'Each is an architecture of Linux: linux/amd64, linux/arm64.')
  }
  return [...new Set(all.map(normalPlatform))]
}

function given(values: Readonly<Record<string, string | null>> | null | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(values ?? {}).flatMap(([key, value]) => (value === null ? [] : [[key, value]])))
}

/** An image may be called otherwise than its target. */
function renamed(contexts: Readonly<Record<string, string>>, names: ReadonlyMap<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(contexts).map(([name, value]) => {
      const target = value.startsWith('target:') ? value.slice('target:'.length) : undefined
      return [name, target === undefined ? value : `target:${names.get(target) ?? target}`]
    }),
  )
}

/** As buildx reads it: without a type or a source it is the variable of that name. */
function secretOf(target: string, fields: ReadonlyMap<string, string>): BuildSecret {
  const id = fields.get('id') ?? ''
  if (id === '') throw refused(target, 'it has a secret without an id', 'secret = ["id=npm,env=NPM_TOKEN"]')
  const file = fields.get('src') ?? fields.get('source')
  return file !== undefined && fields.get('type') !== 'env' ? { id, file } : { id, env: fields.get('env') ?? file ?? id }
}

function sshOf(text: string, fields: ReadonlyMap<string, string>): BuildSsh {
  const [id = 'default', file] = fields.has('id') ? [fields.get('id'), fields.get('paths')] : text.split('=')
  return { id, ...(file === undefined ? {} : { file }) }
}

/** Bake takes the name of a group, and of a target that a matrix makes several of, where it takes that of a target; an image is one. */
function notOne(image: string, name: string, printed: Printed): LaunchwayError {
  const all = targetsOf(name, printed)
  const [first] = all
  if (first === undefined) return refused(name, 'it is not there', 'docker buildx bake --print shows what there is.')
  return new LaunchwayError(
    'CONFIG_INVALID',
    `images.${image}: ${name} of the bake file is no target: as a group or by its matrix it is ${firstOf(all, shownTargets).join(', ')}`,
    {
      hint: `An image is one target. Name it, and write an image for each of them that is pushed:\n  images:\n    ${image}: { bake: ${first}, repositories: [...] }`,
    },
  )
}

function refused(target: string, why: string, hint: string): LaunchwayError {
  return new LaunchwayError('CONFIG_INVALID', `the target ${target} of the bake file cannot be taken: ${why}`, { hint })
}
