import { z } from 'zod'
import { parseJson } from '../core/json.ts'
import { Digest } from '../core/names.ts'
import type { Ports } from '../core/ports.ts'
import type { BuiltImage, Registry, ScannedImage } from '../core/release.ts'
import type { Asked } from '../core/scan-rule.ts'
import { openRepository } from '../core/repository.ts'
import type { Found } from '../tools/trivy-report.ts'
import { sorted } from './gate.ts'
import type { Compared } from './through.ts'

/** An image as it is for one platform, which is looked at by itself: what is in another platform's nobody has seen. */
export interface OfPlatform {
  image: BuiltImage
  /** Absent where there is no other. */
  platform?: string
}

export function eachPlatform(image: BuiltImage): OfPlatform[] {
  const all = Object.entries(image.config)
  return all.length < 2 ? [{ image }] : all.map(([platform, digest]) => ({ image: { ...image, config: { [platform]: digest } }, platform }))
}

/** Those of an image by its name. */
export function platformsOf(images: readonly BuiltImage[], name: string): string[] {
  return Object.keys(images.find((image) => image.name === name)?.config ?? {})
}

/** What people call it. */
export function calledAs({ name }: Pick<BuiltImage, 'name'>, platform: string | undefined): string {
  return platform === undefined ? name : `${name} for ${platform}`
}

/** What files of it are called, from its root: those of the first platform as where there is no other. */
export function filesOf(image: BuiltImage, platform: string | undefined, platforms: readonly string[]): string {
  return platform === undefined || platform === platforms[0] ? image.name : `${image.name}.${platform.replaceAll('/', '-')}`
}

const Entry = z.object({ digest: Digest })
const Manifest = z.object({ config: Entry.optional(), manifests: z.array(Entry).optional() })

/** The manifest of an index that has this configuration: of the index itself somebody would choose once more. Undefined where it has none. */
export async function partOf(
  { repository: name, digest }: { repository: string; digest: string },
  config: string,
  registries: readonly Registry[],
  ports: Ports,
): Promise<string | undefined> {
  const repository = await openRepository(name, registries, ports)
  const read = async (reference: string): Promise<z.infer<typeof Manifest>> =>
    parseJson((await repository.manifest(reference))?.body.toString() ?? '', Manifest) ?? {}
  for (const part of (await read(digest)).manifests ?? []) if ((await read(part.digest)).config?.digest === config) return part.digest
  return undefined
}

/** What was found for one platform. */
export interface Part {
  compared: Compared
  /** Absent where there is no other. */
  platform: string | undefined
}

/** One image again, of what was found for each of its platforms; a finding that not all of them have names those that do. */
export function joined(parts: readonly Part[]): Compared[] {
  return [...Map.groupBy(parts, ({ compared }) => compared.name).values()].flatMap((of) => {
    const [first] = of
    if (first === undefined) return []
    if (first.platform === undefined) return of.map(({ compared }) => compared)
    const { findings: _all, seen: _seen, looked: _looked, ...image } = first.compared
    const looked = lookedOf(of)
    return [
      {
        ...image,
        ...(first.compared.seen === undefined ? {} : { seen: first.compared.seen }),
        findings: findingsOf(of),
        packages: packagesOf(of),
        ...(looked === undefined ? {} : { looked }),
        platforms: Object.fromEntries(
          of.map(({ platform = '', compared: { config, seen } }) => [platform, { config, ...(seen === undefined ? {} : { seen }) }]),
        ),
      },
    ]
  })
}

/** What is alike in all that is known of it is one. What is gone from one platform alone is not gone. */
function findingsOf(parts: readonly Part[]): Asked[] {
  const open = new Set(parts.flatMap(({ compared }) => compared.findings.flatMap((one) => (one.status === 'fixed' ? [] : [placeOf(one)]))))
  const found = new Map<string, { finding: Asked; platforms: string[] }>()
  for (const { compared, platform = '' } of parts) {
    for (const finding of compared.findings) {
      if (finding.status === 'fixed' && open.has(placeOf(finding))) continue
      const key = JSON.stringify(Object.entries(finding).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      const known = found.get(key)
      if (known === undefined) found.set(key, { finding, platforms: [platform] })
      else if (!known.platforms.includes(platform)) known.platforms.push(platform)
    }
  }
  const all = [...found.values()].map(({ finding, platforms }) =>
    platforms.length === parts.length || finding.status === 'fixed' ? finding : { ...finding, platforms },
  )
  return [...sorted(all.filter(({ status }) => status !== 'fixed')), ...all.filter(({ status }) => status === 'fixed')]
}

function placeOf({ class: kind, id, package: name }: Asked): string {
  return JSON.stringify([kind, id, name])
}

/** Of each four bytes, as `fingerprints` makes them. */
function packagesOf(parts: readonly Part[]): string {
  const prints = parts.flatMap(
    ({ compared }) =>
      Buffer.from(compared.packages ?? '', 'base64')
        .toString('hex')
        .match(/.{8}/g) ?? [],
  )
  return Buffer.from([...new Set(prints)].toSorted().join(''), 'hex').toString('base64')
}

function lookedOf(parts: readonly Part[]): ScannedImage['looked'] {
  const all = parts.flatMap(({ platform = '', compared: { looked } }) => (looked === undefined ? [] : [{ platform, ...looked }]))
  if (all.length === 0) return undefined
  const blind = all.flatMap((one) => one.blind ?? [])
  return {
    at: all.map(({ platform, at }) => `${platform}: ${at}`).join('; '),
    notes: [...new Set(all.flatMap(({ notes }) => notes))],
    ...(blind.length === 0 ? {} : { blind: blind.join('; ') }),
  }
}

/** By image what Trivy has found, once for all platforms. */
export function seenOnce(seen: readonly { name: string; findings: readonly Found[] }[]): { name: string; findings: Found[] }[] {
  return [...Map.groupBy(seen, ({ name }) => name)].map(([name, of]) => {
    const all = of.flatMap(({ findings }) => findings)
    if (of.length === 1) return { name, findings: all }
    const keyOf = ({ class: kind, id, package: where, installed, exempt }: Found): string =>
      JSON.stringify([kind, id, where, installed, exempt ?? null])
    return { name, findings: [...new Map(all.map((finding) => [keyOf(finding), finding])).values()] }
  })
}
