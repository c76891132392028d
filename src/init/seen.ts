import { parseDocument } from 'yaml'
import { z } from 'zod'
import type { ComposeFile } from '../tools/compose-file.ts'
import type { DockerfileFacts } from '../tools/dockerfile.ts'
import type { Pin } from './workflow-parts.ts'

/** What a look at a repository shows. */
export interface Seen {
  /** Name of the folder. */
  folder: string
  git: SeenGit
  /** By path: every Dockerfile. */
  dockerfiles: ReadonlyMap<string, DockerfileFacts>
  /** The text of each, for a stage that is not the last. */
  dockerfileTexts: ReadonlyMap<string, string>
  /** The folder that the build of each would see, where no compose file says it. */
  contexts: ReadonlyMap<string, string>
  compose?: SeenCompose
  /** Where there is none that compose reads by itself: those by other names, and in other folders. */
  composeElsewhere: readonly string[]
  hints: Hints
  /** Workflows that are there already, by name, and their text. */
  workflows: ReadonlyMap<string, string>
  /** A file that shows that versions are published as releases on GitHub. */
  publishes?: string
  /** Paths of the files that launchway reads or writes which are there already. */
  present: ReadonlySet<string>
  /** There is a .dockerignore, and builds see the repository itself all the same. */
  seesTooMuch: boolean
  /** Of the env files that the compose file reads: those that the repository does not have. */
  missing: readonly string[]
  /** Files of variables that git has or may have, by path, where there is a compose file: `.env`, `live.env`. */
  envFiles: ReadonlyMap<string, ReadonlyMap<string, string>>
  /** All files that git has or may have, where there is a compose file. */
  paths: ReadonlySet<string>
  /** The launchway that looks, where it is a commit that others can fetch. */
  pin?: Pin
}

export interface SeenGit {
  /** Undefined on a detached checkout. */
  branch?: string
  branches: readonly string[]
  /** The branch that the remote calls its default. */
  remoteDefault?: string
  hasCommit: boolean
  hasVersionTags: boolean
  /** `Team/App` where the remote is GitHub's. */
  github?: string
  /** There is a remote, and it is not GitHub's. */
  otherRemote?: string
}

export interface SeenCompose {
  file: string
  /** Compose files that are not read: those of other names. */
  others: readonly string[]
  project: ComposeFile
}

/** What the sources of the application say of themselves. */
export interface Hints {
  framework?: 'flask' | 'django' | 'fastapi' | 'express' | 'rails'
  /** Celery is among the packages, and nothing is seen to start a worker. */
  celery: boolean
  /** By service: the port to which the configuration of a web server leads. */
  leadsTo: ReadonlyMap<string, number>
  /** Path of Django's manage.py. */
  manage?: string
  /** What brings the database to the version of the code. */
  migration?: 'django' | 'flask-migrate' | 'alembic'
  /** A path that says whether the application is well. */
  healthPath?: string
}

/**
 * Whether a team publishes its versions on GitHub: a workflow that begins with it, or notes that GitHub or a draft makes of it.
 * @returns the file that says so
 */
export function publishingIn(paths: readonly string[], workflows: ReadonlyMap<string, string>): string | undefined {
  return (
    [...workflows].find(([, text]) => eventsOf(text).includes('release'))?.[0] ??
    paths.find((path) => /^\.github\/(release|release-drafter)\.ya?ml$/.test(path))
  )
}

/** What sets a workflow off; nothing, where it cannot be read. */
function eventsOf(text: string): string[] {
  const document = parseDocument(text, { logLevel: 'silent' })
  const { on } = (document.errors.length === 0 ? Events.safeParse(document.toJS()).data : undefined) ?? {}
  return typeof on === 'string' ? [on] : Array.isArray(on) ? on : Object.keys(on ?? {})
}

const Events = z.object({ on: z.union([z.string(), z.array(z.string()), z.record(z.string(), z.unknown())]) })

const healthPaths = /(["'`])(\/(?:api\/)?(?:-\/)?(?:healthz?|health[-_]?check|healthy|readyz|livez|ready|ping|up)\/?)\1/

/** The files of a repository that say what it is made with. @param sources by path */
export function hintsIn(sources: ReadonlyMap<string, string>): Hints {
  const of = (pattern: RegExp): string => [...sources].flatMap(([path, text]) => (pattern.test(path) ? text : [])).join('\n')
  const python = of(/(^|\/)(requirements[\w.-]*\.txt|pyproject\.toml|Pipfile|setup\.(py|cfg))$/)
  const has = (name: string): boolean => new RegExp(`(^|[\\s"'\\[])${name}(?![\\w-])`, 'im').test(python)
  const node = of(/(^|\/)package\.json$/)
  const manage = [...sources.keys()].find((path) => /(^|\/)manage\.py$/.test(path))
  const framework =
    manage !== undefined || has('django')
      ? 'django'
      : has('flask')
        ? 'flask'
        : has('fastapi')
          ? 'fastapi'
          : /"express"\s*:/.test(node)
            ? 'express'
            : /^\s*gem ["']rails["']/m.test(of(/(^|\/)Gemfile$/))
              ? 'rails'
              : undefined
  const migrations = [...sources.keys()].some((path) => /(^|\/)migrations\/(env\.py|alembic\.ini)$/.test(path))
  const migration =
    manage !== undefined
      ? 'django'
      : has('flask-migrate') && migrations
        ? 'flask-migrate'
        : [...sources.keys()].includes('alembic.ini')
          ? 'alembic'
          : undefined
  const healthPath = healthPaths.exec(of(/\.(py|js|ts|mjs|rb|go|conf)$/))?.[2]
  return {
    ...(framework === undefined ? {} : { framework }),
    celery: has('celery') && !/celery\b.*\bworker\b/.test(of(/\.(sh|conf|ini)$|(^|\/)Procfile$/)),
    leadsTo: new Map(
      [...of(/\.conf$|(^|\/)conf$/).matchAll(/(?:proxy_pass\s+https?:\/\/|\bserver\s+)([\w-]+):(\d+)/g)].map(([, name = '', port]) => [
        name,
        Number(port),
      ]),
    ),
    ...(manage === undefined ? {} : { manage }),
    ...(migration === undefined ? {} : { migration }),
    ...(healthPath === undefined ? {} : { healthPath }),
  }
}

/** The path in a command that asks an address of its own container, such as `curl -f http://localhost:8000/healthz`. */
export function askedPath(command: string): string | undefined {
  const [, path] = /(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\])(?::\$?\{?\w+\}?)?(\/[\w./-]*)?/.exec(command) ?? []
  return path ?? (/(?:curl|wget)\b.*(?:localhost|127\.0\.0\.1)/.test(command) ? '/' : undefined)
}

/** A file that git has, or a folder of such files. */
export function isFile(source: string, { paths }: Pick<Seen, 'paths'>): boolean {
  const path = source.replace(/^\.\//, '').replace(/\/+$/, '')
  return source.startsWith('.') && (paths.has(path) || [...paths].some((one) => one.startsWith(`${path}/`)))
}
