import { cpSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isMap, parseDocument } from 'yaml'
import type { Lab, LabHost } from '../lab.ts'
import { sshAddress } from '../lab.ts'
import { root } from '../paths.ts'
import { call, docker } from '../run.ts'
import { bringImages } from '../setup/stand-ins.ts'

/** What of an example is otherwise in a lab. */
export interface ExamplePlace {
  lab: Lab
  host: LabHost
  /** Who deploys there. */
  account: string
  /** Of the application; repositories are below it. */
  app: string
  /** Texts of its configuration, compose files and env files: what is written, and what stands there instead. */
  texts?: Readonly<Record<string, string>>
  /** Images that the Dockerfiles begin from, beyond those that every set-up has. */
  bases?: readonly string[]
  /** Images of others that the compose files name, which nobody can pull here. */
  pulled?: readonly string[]
}

/** Copies an example into a folder, as a repository on the branch `branch` with one commit. */
export async function makeExample(name: string, folder: string, branch: string, place: ExamplePlace): Promise<void> {
  const { lab, host, account, app, texts = {}, bases = [], pulled = [] } = place
  mkdirSync(folder, { recursive: true })
  cpSync(join(root, 'examples', name), folder, { recursive: true, filter: (path) => !path.includes('__pycache__') })
  const configFile = join(folder, 'launchway.yml')
  const registry = lab.registry.address
  const repositories = [...new Set(readFileSync(configFile, 'utf8').match(/(?<=repositories: \[|^image: ).*?(?=\/[^/\]\n]+(?:\]|$))/gm))]
  const changes = [
    ...Object.entries(texts),
    ...repositories.map((repository) => [repository, `${registry}/${app}`] as const),
    ...pulled.map((image) => [`image: ${image}`, `image: ${registry}/${image}`] as const),
  ]
  const files = globSync(['launchway.yml', '*compose*.yml', '*.env', 'web/*.conf'], { cwd: folder })
  for (const file of files) {
    const text = readFileSync(join(folder, file), 'utf8')
    writeFileSync(
      join(folder, file),
      changes.reduce((now, [from, to]) => now.replaceAll(from, to), text),
    )
  }
  const config = parseDocument(readFileSync(configFile, 'utf8'))
  config.setIn(['app'], app)
  config.setIn(['scan', 'databases'], [lab.vulnerabilities])
  const environments = config.get('environments')
  for (const { key } of isMap(environments) ? environments.items : []) {
    config.setIn(['environments', String(key), 'host'], sshAddress(host, account))
    config.setIn(['environments', String(key), 'ssh', 'known-hosts'], lab.knownHosts)
  }
  writeFileSync(configFile, config.toString())
  await bringImages([...bases, ...pulled])
  for (const image of pulled) await publish(image, registry)
  await beginRepository(folder, branch)
  await commit(folder, 'The first version')
}

/** Makes a repository of a folder, without a commit. */
export async function beginRepository(folder: string, branch: string): Promise<void> {
  await git(folder, 'init', '--quiet', '--initial-branch', branch)
  await git(folder, 'config', 'user.name', 'Example')
  await git(folder, 'config', 'user.email', 'example@example.org')
}

/** Has the compose files of a folder name images of others as hosts of a lab can pull them, which are then there. */
export async function pullFrom(registry: string, folder: string, images: readonly string[]): Promise<void> {
  await bringImages(images)
  for (const image of images) await publish(image, registry)
  for (const file of globSync('*compose*.y*ml', { cwd: folder })) {
    const path = join(folder, file)
    // A name without a tag is that of the newest.
    const there = (line: string, before: string, name: string): string => {
      const image = images.find((one) => one === name || one === `${name}:latest`)
      return image === undefined ? line : `${before}${registry}/${image}`
    }
    writeFileSync(path, readFileSync(path, 'utf8').replaceAll(/^( +image: )['"]?([^\s'"]+)['"]?$/gm, there))
  }
}

/** Where hosts of the lab can pull it. */
async function publish(image: string, registry: string): Promise<void> {
  await docker('tag', image, `${registry}/${image}`)
  await docker('push', '--quiet', `${registry}/${image}`)
  await docker('image', 'rm', `${registry}/${image}`)
}

/** Changes files, by path: what is written, and what stands there instead; and commits them. */
export async function change(folder: string, message: string, files: Readonly<Record<string, readonly [string, string]>>): Promise<void> {
  for (const [path, [from, to]] of Object.entries(files)) {
    const text = readFileSync(join(folder, path), 'utf8')
    if (!text.includes(from)) throw new Error(`${path} does not say ${from}`)
    writeFileSync(join(folder, path), text.replaceAll(from, to))
  }
  await commit(folder, message)
}

async function commit(folder: string, message: string): Promise<void> {
  await git(folder, 'add', '--all')
  await git(folder, 'commit', '--quiet', '--no-verify', '--message', message)
}

const git = (folder: string, ...args: string[]): Promise<unknown> => call('git', ['-C', folder, ...args])
