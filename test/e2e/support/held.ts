import { z } from 'zod'
import { call } from '../../../lab/run.ts'
import { parseRelease, type Release } from '../../../src/core/release.ts'

const Tags = z.object({ tags: z.array(z.string()) })
const Blob = z.object({ digest: z.string(), size: z.number() })
const Manifest = z.object({ manifests: z.array(Blob).default([]), config: Blob.optional(), layers: z.array(Blob).default([]) })

export interface Asked {
  url: string
  ca?: string
  /** `account:password` */
  login?: string
}

/** What a registry answers to curl, which is given the login on its standard input. */
async function fetched({ url, ca, login }: Asked, path: string): Promise<string> {
  const accept = ['application/vnd.oci.image.index.v1+json', 'application/vnd.oci.image.manifest.v1+json']
  const headers = [...accept, 'application/vnd.docker.distribution.manifest.v2+json'].flatMap((type) => ['--header', `Accept: ${type}`])
  const args = ['--silent', '--fail', '--location', ...(ca === undefined ? [] : ['--cacert', ca]), ...headers, '--config', '-']
  const stdin = login === undefined ? '\n' : `user = "${login}"\n`
  return (await call('curl', [...args, `${url}/v2/${path}`], { stdin })).stdout
}

/** The tags of a repository. */
export async function tagsIn(registry: Asked, name: string): Promise<string[]> {
  return Tags.parse(JSON.parse(await fetched(registry, `${name}/tags/list`))).tags.toSorted()
}

/** The record that a tag leads to, such as that of an environment: of the release which runs there. */
export async function recordAt(registry: Asked, name: string, tag: string): Promise<Release> {
  const [layer] = Manifest.parse(JSON.parse(await fetched(registry, `${name}/manifests/${tag}`))).layers
  return parseRelease(await fetched(registry, `${name}/blobs/${layer?.digest}`), `${name}:${tag}`)
}

/** All that a repository of a registry has but the layers of its images: records, configurations, manifests. */
export async function heldIn(registry: Asked, name: string): Promise<string[]> {
  const texts: string[] = []
  const seen = new Set<string>()
  const read = async (reference: string): Promise<void> => {
    if (seen.has(reference)) return
    seen.add(reference)
    const text = await fetched(registry, `${name}/manifests/${reference}`)
    texts.push(text)
    const { manifests, config, layers } = Manifest.parse(JSON.parse(text))
    for (const { digest } of manifests) await read(digest)
    for (const { digest, size } of [...(config === undefined ? [] : [config]), ...layers]) {
      if (size < 500_000) texts.push(await fetched(registry, `${name}/blobs/${digest}`))
    }
  }
  for (const tag of await tagsIn(registry, name)) await read(tag)
  return texts
}
