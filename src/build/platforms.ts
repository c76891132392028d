import { Writable } from 'node:stream'
import { z } from 'zod'
import { LaunchwayError } from '../core/error.ts'
import { parseJson } from '../core/json.ts'
import { Digest } from '../core/names.ts'
import { platformOf } from '../core/platform.ts'
import type { PlannedBase } from '../core/planned-image.ts'
import type { Ports } from '../core/ports.ts'
import { saveAll } from '../tools/docker.ts'
import { smallFiles } from '../tools/tar-reader.ts'

/**
 * What is built has to be in the engine, where smoke and scan look at it, and the classic store has room for one platform of it.
 * @throws LaunchwayError TOOL_MISSING
 */
export async function requireStore(images: readonly PlannedBase[], ports: Pick<Ports, 'engine'>): Promise<void> {
  const several = images.filter(({ platforms }) => platforms.length > 1)
  if (several.length === 0 || (await ports.engine.info()).containerdStore) return
  const named = several.map(({ name, platforms }) => `${name} (${platforms.join(', ')})`).join(', ')
  throw new LaunchwayError('TOOL_MISSING', `this engine keeps images of one platform, and of several are ${named}: nothing was built`, {
    hint: [
      'Several platforms need an engine with the containerd image store, whichever builder is in use:',
      '- on your own machine, in /etc/docker/daemon.json, and then restart Docker:',
      '    { "features": { "containerd-snapshotter": true } }',
      '- on a runner of GitHub, in a step before this one:',
      '    - uses: docker/setup-docker-action',
      '      with: { daemon-config: \'{ "features": { "containerd-snapshotter": true } }\' }',
      'What the registry has already under the content key is taken from there, and needs neither.',
    ].join('\n'),
  })
}

const Entry = z.object({ digest: Digest })
const Layout = z.object({ manifests: z.array(Entry) })
const Manifest = z.object({ config: Entry })
const Config = z.object({ os: z.string(), architecture: z.string(), variant: z.string().nullish() })

/** No manifest or configuration has more; a registry takes no manifest of more than four. */
const mostBytes = 8_000_000

/**
 * The digests of the configurations of an image of several platforms, by platform, in their order. No answer of the engine has
 * them, so it writes the image out, and what is small of it is read as it goes by.
 * @param digest of the index that buildx says it made
 * @throws LaunchwayError BUILD_FAILED where that is not what the engine has, or a platform is not in it
 */
export async function configsOf(
  { name, platforms }: Pick<PlannedBase, 'name' | 'platforms'>,
  { reference, digest }: { reference: string; digest: string },
  ports: Ports,
): Promise<Record<string, string>> {
  const { into, files } = smallFiles(mostBytes)
  const said: string[] = []
  const errors = new Writable({ write: (chunk: Buffer, _encoding, done) => (said.push(chunk.toString().slice(0, 500)), done()) })
  const streams = { input: undefined, output: into, errors }
  const { code } = await ports.exec.run(saveAll([reference]), { signal: ports.signal, accept: [0, 1], streams })
  const has = code === 0 ? configsIn(files, digest) : new Map<string, string>()
  const lacks = platforms.filter((platform) => !has.has(platform))
  if (lacks.length > 0)
    throw new LaunchwayError('BUILD_FAILED', `${reference} was built, but the engine does not have ${name} for ${lacks.join(', ')}`, {
      hint: [
        ...said.map((line) => line.trim()),
        `It has: ${[...has.keys()].join(', ') || 'nothing of this build'}. Another run of the same content on this engine may have replaced it: run this one again.`,
      ].join('\n'),
    })
  return Object.fromEntries(platforms.map((platform) => [platform, has.get(platform) ?? '']))
}

function configsIn(files: ReadonlyMap<string, Buffer>, root: string): Map<string, string> {
  const found = new Map<string, string>()
  const blob = (digest: string): string => files.get(`blobs/${digest.replace(':', '/')}`)?.toString() ?? ''
  const walk = (digest: string, depth: number): void => {
    const text = blob(digest)
    const config = parseJson(text, Manifest)?.config.digest
    if (config !== undefined) {
      const its = parseJson(blob(config), Config)
      if (its !== undefined) found.set(platformOf(its), config)
    } else if (depth > 0) for (const entry of parseJson(text, Layout)?.manifests ?? []) walk(entry.digest, depth - 1)
  }
  walk(root, 2)
  return found
}
