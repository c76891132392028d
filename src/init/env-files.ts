import { looksSecret } from '../core/secret-names.ts'
import type { ComposeFile } from '../tools/compose-file.ts'
import type { Seen } from './seen.ts'

/** Files of variables that a repository has, and what is left for somebody to say. */

/** Those that are there to be copied and changed. */
const patterns = /(example|sample|template|dist)$|[._-](example|sample|template|dist)[._-]/i
const forDevelopers = /(^|[/._-])(smoke|tests?|ci|dev|development|local)([/._-]|$)/i

const forTests = /(^|[/._-])(smoke|tests?|ci)([/._-]|$)/i

/**
 * The file that gives all variables which neither have a default nor stand in `.env` nor are secret: the one that services
 * read as well, before others.
 */
export function envFileFor(project: ComposeFile, seen: Seen): string | undefined {
  const wanted = wantedOf(project, seen).filter((name) => !looksSecret(name))
  return theBest(wanted, project, seen, (path) => !forDevelopers.test(path))
}

/** The same for the smoke test: one that is made for tests and gives the secrets as well, or one whose folders are here. */
export function testFileFor(project: ComposeFile, seen: Seen): string | undefined {
  const wanted = wantedOf(project, seen)
  const hasFolders = (values: ReadonlyMap<string, string>): boolean => foldersOf(project).every((name) => isHere(values.get(name), seen))
  return (
    theBest(wanted, project, seen, (path, values) => forTests.test(path) && hasFolders(values)) ??
    theBest(
      wanted.filter((name) => !looksSecret(name)),
      project,
      seen,
      (_, values) => hasFolders(values),
    )
  )
}

function wantedOf({ variables }: ComposeFile, { envFiles }: Seen): string[] {
  return [...variables.keys()].filter((name) => envFiles.get('.env')?.has(name) !== true)
}

function theBest(
  wanted: readonly string[],
  { services }: ComposeFile,
  { envFiles }: Seen,
  fits: (path: string, values: ReadonlyMap<string, string>) => boolean,
): string | undefined {
  if (wanted.length === 0) return undefined
  const read = services.flatMap((service) => service.envFiles)
  return [...envFiles]
    .filter(([path, values]) => path !== '.env' && !patterns.test(path) && wanted.every((name) => values.has(name)) && fits(path, values))
    .map(([path]) => path)
    .toSorted((a, b) => Number(read.includes(b)) - Number(read.includes(a)) || a.length - b.length)[0]
}

/** Variables that say what is mounted. */
export function foldersOf({ variables }: ComposeFile): string[] {
  return [...variables].flatMap(([name, use]) => (use === 'folder' ? name : []))
}

/** A path of the repository, or the name of a volume. */
export function isHere(value: string | undefined, { paths }: Seen): boolean {
  if (value === undefined || value.startsWith('/') || value.startsWith('..')) return false
  const path = value.replace(/^\.\//, '').replace(/\/+$/, '')
  return !value.startsWith('.') || [...paths].some((one) => one === path || one.startsWith(`${path}/`))
}

/** For the smoke test alone: what a compose file asks for and nothing gives. */
export function smokeVariables({ variables }: ComposeFile, { envFiles }: Seen, chosen?: string): Record<string, string> {
  const given = [envFiles.get('.env'), chosen === undefined ? undefined : envFiles.get(chosen)]
  return Object.fromEntries(
    [...variables].flatMap(([name, use]): [string, string][] =>
      given.some((one) => one?.has(name) === true)
        ? []
        : [[name, /FERNET_KEY/.test(name) ? fernetKey : use === 'value' || use === 'folder' ? 'smoke-only' : forUse[use]]],
    ),
  )
}

const forUse = { port: '18080', image: 'latest', user: '1000' }
/** Any other text is none: 32 bytes in base64. */
const fernetKey = Buffer.from('smoke-only-smoke-only-smoke-only').toString('base64')
