import { hash } from 'node:crypto'
import { join } from 'node:path'
import type { Command } from '../core/command.ts'
import type { Ports } from '../core/ports.ts'
import { type Trivy, trivyCodes } from '../tools/trivy.ts'
import { identityOf, type Kept, type Kind } from './kept-database.ts'

/**
 * What Trivy keeps of the layers it has looked through. Which library a `.jar` is it keeps with its layer, and asks no database again, newer or
 * not; and the layers that it looks through beside the one for which it misses that database it keeps as if they had no library (0.71). So what
 * it has kept is taken up with the same database for Java alone, by each run into a folder of its own, and kept for the next run only
 * where the look ended well: what one that failed or was ended left behind decides nothing, and no run waits for another.
 */
export interface Layers {
  /** Trivy with the cache folder of this run. */
  trivy: Trivy
  /** Tells the database for Java that Trivy sees from every other; empty where it sees none. */
  java: string
}

/** More than this nobody wants to read at each start: it begins anew. */
const mostBytes = 64_000_000

/** Begins a run. @param java which database for Java decides, if one does by itself */
export async function openLayers(trivy: Trivy, java: Kept | undefined, ports: Ports): Promise<Layers> {
  const cacheDir = await ports.files.temporary('trivy-cache')
  await showDatabase('db', trivy, cacheDir, ports)
  const layers: Layers = { trivy: { ...trivy, cacheDir }, java: '' }
  if (java === undefined) await takeUp(layers, trivy, ports)
  else await showJava(layers, java, trivy, ports)
  return layers
}

/** Has Trivy see this database for Java from now on. Everything is looked through with it, what it has kept of this run included. */
export async function showJava(layers: Layers, java: Kept, trivy: Trivy, ports: Ports): Promise<void> {
  if (layers.java === '') await showDatabase('java-db', trivy, layers.trivy.cacheDir, ports)
  layers.java = identityOf(java)
  await forgetLayers(layers, ports)
  await takeUp(layers, trivy, ports)
}

/** Has Trivy look at something. What a look leaves behind that did not end well is forgotten. */
export async function lookWith(layers: Layers, how: Command, ports: Ports): ReturnType<Ports['exec']['run']> {
  let isSound = false
  try {
    const ended = await ports.exec.run(how, { signal: ports.signal, accept: trivyCodes })
    isSound = ended.code === 0
    return ended
  } finally {
    if (!isSound) await forgetLayers(layers, ports)
  }
}

async function forgetLayers({ trivy: { cacheDir } }: Layers, { files }: Ports): Promise<void> {
  await files.remove(join(cacheDir, 'fanal'))
}

/** Keeps them for the next run. Where that cannot be done, it looks them through again. */
export async function keepLayers({ trivy: { cacheDir }, java }: Layers, trivy: Trivy, { files, log }: Ports): Promise<void> {
  const own = ownFile(cacheDir)
  try {
    if ((await files.stat(own)) === undefined) return
    await files.move(own, keptFile(java, trivy))
    // Those of an earlier database for Java nobody takes up again.
    const folder = join(trivy.cacheDir, 'layers')
    const others = await files.walk(folder, (path) => (path.startsWith('java-') && path !== nameOf(java) ? 'keep' : 'skip'))
    for (const { path } of java === '' ? [] : others) await files.remove(join(folder, path))
  } catch (error) {
    log.debug(`what Trivy keeps of layers was not kept: ${error instanceof Error ? error.message : String(error)}`)
  }
}

const nameOf = (java: string): string => (java === '' ? 'plain.db' : `java-${hash('sha256', java).slice(0, 16)}.db`)
const keptFile = (java: string, { cacheDir }: Trivy): string => join(cacheDir, 'layers', nameOf(java))
const ownFile = (cacheDir: string): string => join(cacheDir, 'fanal', 'fanal.db')

function showDatabase(kind: Kind, { cacheDir }: Trivy, to: string, { files }: Ports): Promise<void> {
  return files.link(join(cacheDir, kind), join(to, kind))
}

async function takeUp({ trivy: { cacheDir }, java }: Layers, trivy: Trivy, { files, log }: Ports): Promise<void> {
  const path = keptFile(java, trivy)
  if (((await files.stat(path))?.size ?? mostBytes) >= mostBytes) return
  try {
    await files.write(ownFile(cacheDir), (await files.read(path)) ?? '', 0o600)
  } catch (error) {
    log.debug(`what Trivy kept of layers was not taken up: ${error instanceof Error ? error.message : String(error)}`)
  }
}
