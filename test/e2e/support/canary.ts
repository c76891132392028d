import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { LabHost } from '../../../lab/lab.ts'
import { call } from '../../../lab/run.ts'
import { watchCommandLines } from './argv.ts'
import { onHost } from './host.ts'

/** Finds secrets wherever they may have been left: each search is proven by a plant in the place that is searched. */
export interface Canaries {
  isIn(text: string | Buffer): boolean
  /** The command lines of all processes, those in containers and on the lab's hosts among them, for as long as it looks. */
  watchArgv(): { stop(): string[] }
  /** The files of a folder that hold one, by their path in it. */
  filesIn(folder: string): string[]
  /**
   * Whether the configuration of an image holds one, or a layer that its base, the image of the lab, did not have before
   * there was a secret. @param scratch a folder to unpack it in
   */
  isInImage(reference: string, scratch: string): Promise<boolean>
  /** Whether the state folder of an application does, apart from what its containers are started with. */
  isInState(on: LabHost, app: string): Promise<boolean>
}

/** What the images of the tests are made from. */
const base = 'python:3'

/** The digests of an image's layers, unpacked: by these they are named in an archive of the classic store. */
async function layersOf(reference: string): Promise<string[]> {
  const { stdout } = await call('docker', ['image', 'inspect', '--format', '{{join .RootFS.Layers "\\n"}}', reference])
  return stdout.trim().split('\n')
}

/** The shapes in which a secret could be somewhere. */
function shapesOf(secret: string): string[] {
  return [
    secret,
    secret.slice(0, 31),
    Buffer.from(secret).toString('base64'),
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
  ]
}

export function canaries(...secrets: readonly string[]): Canaries {
  const shapes = secrets.flatMap(shapesOf)
  const isIn = (text: string | Buffer): boolean => {
    const bytes = Buffer.from(text)
    return shapes.some((shape) => bytes.includes(shape))
  }
  const filesIn = (folder: string): string[] =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((file) => {
        const content = readFileSync(file)
        return isIn(content) || (content[0] === 0x1f && content[1] === 0x8b && isIn(gunzipSync(content)))
      })
      .map((file) => relative(folder, file))
      .toSorted()
  return {
    isIn,
    filesIn,
    watchArgv: () => watchCommandLines(isIn),
    async isInImage(reference, scratch) {
      const folder = join(scratch, 'image')
      mkdirSync(folder, { recursive: true })
      try {
        await call('docker', ['save', '--output', join(folder, 'image.tar'), reference])
        await call('tar', ['-xf', join(folder, 'image.tar'), '-C', folder])
        rmSync(join(folder, 'image.tar'))
        for (const layer of await layersOf(base)) rmSync(join(folder, 'blobs', layer.replace(':', '/')), { force: true })
        return filesIn(folder).length > 0
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    },
    async isInState(on, app) {
      return isIn(await onHost(on, 'sh', '-c', `find /var/lib/launchway/${app} -type f ! -name secrets -exec cat {} +`))
    },
  }
}

/** Adds a line to the journal of a host, and returns what takes it out again. */
export async function plantInJournal(on: LabHost, app: string, secret: string): Promise<() => Promise<unknown>> {
  const journal = (await onHost(on, 'find', `/var/lib/launchway/${app}`, '-name', 'journal.jsonl')).trim()
  await onHost(on, 'sh', '-c', 'printf "%s\\n" "$1" >> "$2"', '-', secret, journal)
  return () => onHost(on, 'sed', '-i', '$d', journal)
}

/** Writes down what a step printed as a runner shows it: what follows add-mask is never seen. */
export function keepLog(file: string, { stdout, stderr }: { stdout: string; stderr: string }): void {
  writeFileSync(file, `${stdout}${stderr}`.replaceAll(/^::add-mask::.*$/gm, ''))
}
