import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { loadConfig } from '../../src/config/load.ts'
import { resolveEnvironment, resolveRegistries } from '../../src/config/resolve.ts'
import { resolveImages } from '../../src/config/resolve-image.ts'
import type { Environment } from '../../src/core/deployment.ts'
import type { Ports, Repository } from '../../src/core/ports.ts'
import type { Stack } from '../../src/core/stack.ts'
import { withStack } from '../../src/plan/stack/index.ts'
import { withProject } from '../../src/plan/with-project.ts'
import { record } from '../unit/support/deploy.ts'
import { localPorts, temporaryFolder } from '../unit/support/ports.ts'
import { gitInit } from '../unit/support/repository.ts'

export const someDigest = `sha256:${'d'.repeat(64)}`

/** A repository with these files, as git knows them that is about to commit them. @param untracked files that are there and not committed */
function repositoryOf(files: Readonly<Record<string, string>>, untracked: Readonly<Record<string, string>> = {}): string {
  const root = temporaryFolder()
  const write = (of: Readonly<Record<string, string>>): void => {
    for (const [name, text] of Object.entries(of)) {
      mkdirSync(dirname(join(root, name)), { recursive: true })
      writeFileSync(join(root, name), text)
    }
  }
  gitInit(root)
  write(files)
  execFileSync('git', ['add', '--all'], { cwd: root, stdio: 'ignore' })
  write(untracked)
  return root
}

/** A registry in which every tag is there, but `gone`. */
function registryWithAll(asked: string[] = []): Ports['registry'] {
  return {
    repository: (name) => {
      const resolve: Repository['resolve'] = (tag) => {
        asked.push(`${name}:${tag}`)
        return Promise.resolve(tag === 'gone' ? undefined : { mediaType: '', digest: someDigest, size: 1 })
      }
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nothing else is asked
      return Promise.resolve({ name, resolve } as Repository)
    },
    credentials: () => Promise.resolve(undefined),
  }
}

const head = 'image: ghcr.io/team/app\nbranches: { main: production }\nenvironments:\n  production:\n    host: deploy@a.example.org\n'

interface Planned {
  environment: Environment
  warnings: string[]
  infos: string[]
  asked: string[]
}

/** What the plan makes of a compose project. @param said below the environment, without its indentation */
export async function planProject(
  compose: string,
  said = 'compose: compose.yml',
  of: { files?: Record<string, string>; untracked?: Record<string, string>; env?: Record<string, string>; head?: string } = {},
): Promise<Planned> {
  const text = `${of.head ?? head}${said
    .split('\n')
    .map((line) => `    ${line}\n`)
    .join('')}`
  return planRepository({ 'launchway.yml': text, 'compose.yml': compose, Dockerfile: 'FROM scratch\n', ...of.files }, 'production', of)
}

/** What the plan makes of an environment of a repository with these files. */
export async function planRepository(
  files: Readonly<Record<string, string>>,
  name: string,
  of: { untracked?: Record<string, string>; env?: Record<string, string> } = {},
): Promise<Planned> {
  const root = repositoryOf(files, of.untracked)
  const config = loadConfig(files['launchway.yml'] ?? '', 'launchway.yml')
  const { ports, warnings } = localPorts(root, of.env)
  const asked: string[] = []
  const infos: string[] = []
  const environment = resolveEnvironment(config, name, undefined)
  if (environment === undefined) throw new Error(`there is no ${name}`)
  const planned = await withProject(
    environment,
    { config, file: 'launchway.yml', images: resolveImages(config), registries: resolveRegistries(config) },
    { ...ports, registry: registryWithAll(asked), log: { ...ports.log, info: (line) => void infos.push(line) } },
  )
  return { environment: planned, warnings, infos, asked }
}

/** What the plan makes of a compose project that is a stack of a Swarm. */
export async function planStack(compose: string, files: Readonly<Record<string, string>>): Promise<Stack | undefined> {
  const root = repositoryOf({ ...files, 'compose.yml': compose })
  const config = loadConfig(`${head}    swarm: compose.yml\n`, 'launchway.yml')
  const environment = resolveEnvironment(config, 'production', undefined)
  if (environment === undefined) throw new Error('there is no production')
  const plan = { ...record().plan, environment, images: resolveImages(config), registries: resolveRegistries(config) }
  const planned = await withStack('app', plan, { ...localPorts(root).ports, registry: registryWithAll() })
  return planned.environment?.swarm?.stack
}
