import type { Ports } from '../core/ports.ts'
import type { Release } from '../core/release.ts'
import { redact, Secret } from '../core/secret.ts'
import { looksSecret } from '../core/secret-names.ts'
import type { ComposeProject } from '../tools/compose.ts'

/** Shorter ones are words of everyday. */
const leastChars = 6
/** Values that everybody tries first: to take them out of a text would hide what it says, and no secret. */
const common: ReadonlySet<string> = new Set(
  'changeme default development disabled docker enabled example localhost mariadb password postgres postgresql production secret staging testing'.split(
    ' ',
  ),
)
/** A larger file is no secret that somebody would print. */
const mostBytes = 100_000

/** Where a secret is kept is none: who is told of `/run/secrets/key` that it is not there must see it. */
const ofFile = /_(FILE|PATH)$/i

/** Variables that a compose file asks for and whose names look like those of secrets: the step's environment has them. */
export function secretNamesIn(file: string): string[] {
  return [...file.matchAll(/\$\{?([A-Za-z_]\w*)/g)].flatMap(([, name = '']) => (looksSecret(name) ? [name] : []))
}

/** Variables of the step that a script finds in its environment, and must not have in its evidence. */
export function secretNamesOf({ plan }: Pick<Release, 'plan'>): string[] {
  const { registries, environment } = plan
  const services = [...(environment?.services ?? []), ...(environment?.accessories ?? [])]
  const ofDeploy = environment === undefined ? [] : [environment.ssh.key, ...services.flatMap(({ secrets }) => secrets)]
  return [...new Set(['REGISTRY_PASSWORD', 'GITHUB_TOKEN', ...registries.flatMap(({ password }) => password ?? []), ...ofDeploy])]
}

/**
 * The values of a rendered project that look like secrets, by their names, and the passwords in its URLs: files named
 * by env_file and the step's environment went into it, and what a service logs may repeat them.
 * @param known values that launchway.yml shows itself
 */
export function secretsOf({ services }: ComposeProject, known: Readonly<Record<string, string>>): Secret[] {
  const variables = Object.values(services).flatMap(({ environment = {}, build }) =>
    // Compose doubles what it would otherwise read as a variable.
    Object.entries({ ...build?.args, ...environment }).map(([name, value]) => [name, (value ?? '').replaceAll('$$', '$')] as const),
  )
  return secretsAmong(variables, known)
}

/** The same of what files of variables say, whose values go into commands and labels, too. */
export function fileSecrets(ofFiles: readonly NodeJS.Dict<string>[], known: Readonly<Record<string, string>>): Secret[] {
  const variables = ofFiles.flatMap((one) => Object.entries(one).map(([name, value = '']) => [name, value] as const))
  return secretsAmong(variables, known)
}

/** The same of the step's environment, all of which a script has. */
export function stepSecrets(known: Readonly<Record<string, string>>, { environment }: Pick<Ports, 'environment'>): Secret[] {
  return secretsAmong(
    [...environment].map(([name, value]) => [name, value.reveal()] as const),
    known,
  )
}

function secretsAmong(variables: Iterable<readonly [string, string]>, known: Readonly<Record<string, string>>): Secret[] {
  const shown = new Set(Object.values(known))
  const values = [...variables].flatMap(([name, text]) => [
    ...(looksSecret(name) && !ofFile.test(name) ? [text] : []),
    ...passwordsIn(text),
  ])
  const isWorth = (value: string): boolean => value.length >= leastChars && !shown.has(value) && !common.has(value.toLowerCase())
  // Compose writes a `$` in a command twice.
  const written = values.filter(isWorth).flatMap((value) => [value, value.replaceAll('$', '$$$$')])
  return [...new Set(written)].map((value) => new Secret(value))
}

/** What compose hands to services as secrets, from files or from the environment: each of it is one, whatever its name. */
export async function keptSecrets({ secrets = {} }: ComposeProject, { files, secret }: Pick<Ports, 'files' | 'secret'>): Promise<Secret[]> {
  const found: Secret[] = []
  for (const kept of Object.values(secrets)) {
    if (kept?.environment !== undefined) secret(kept.environment)
    const body = kept?.file === undefined ? undefined : await files.read(kept.file).catch(() => undefined)
    const text = body === undefined || body.length > mostBytes ? '' : body.toString().trim()
    if (text.length >= leastChars) found.push(new Secret(text))
  }
  return found
}

function passwordsIn(text: string): string[] {
  return [...text.matchAll(/\b[a-z][a-z\d+.-]*:\/\/[^\s:/@]*:([^\s/@]+)@/gi)].flatMap(([, password = '']) => [password, decoded(password)])
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Takes the secrets of the run and those of the project out of a text. */
export function hiding(secrets: readonly Secret[], ofRun: (text: string) => string): (text: string) => string {
  return (text) => redact(ofRun(text), secrets)
}
