/** A repository's name taken apart as Docker does it: `addie` is `docker.io/library/addie`. */
export interface RepositoryName {
  /** As users write it and as settings are keyed: `docker.io`, `ghcr.io`, `127.0.0.1:5000`. */
  host: string
  path: string
}

/** @see https://github.com/distribution/reference: a first part with a dot or a colon, or `localhost`, is a host */
export function parseRepository(name: string): RepositoryName {
  const slash = name.indexOf('/')
  const first = name.slice(0, Math.max(slash, 0))
  if (slash !== -1 && (/[.:]/.test(first) || first === 'localhost')) {
    const path = name.slice(slash + 1)
    return { host: first, path: first === 'docker.io' && !path.includes('/') ? `library/${path}` : path }
  }
  return { host: 'docker.io', path: name.includes('/') ? name : `library/${name}` }
}

/** The same name written out: `docker.io/library/addie`. */
export function fullName(repository: string): string {
  const { host, path } = parseRepository(repository)
  return `${host}/${path}`
}

/** A name of an image taken apart; `tag` is `latest` where it says none. */
export interface Reference {
  /** As it is written: `addie`, `ghcr.io/team/addie`. */
  repository: string
  tag: string
  digest: string | undefined
}

export function parseReference(reference: string): Reference {
  const [name = '', digest] = reference.split('@')
  const [, repository = name, tag = 'latest'] = /^(.+):([^:/]+)$/.exec(name) ?? []
  return { repository, tag, digest }
}

/** `redis:7@sha256:…` as the engine keeps it: what is known by its digest has no tag. */
export function byDigest(reference: string): string {
  const { repository, digest } = parseReference(reference)
  return digest === undefined ? reference : `${repository}@${digest}`
}

/** Whether two names of repositories, however they are written, are of the same one. */
export function isSameRepository(one: string, other: string): boolean {
  return fullName(one) === fullName(other)
}

/** An image as BuildKit calls it: without docker.io, library and latest. */
export function familiarName(reference: string): string {
  const { repository, tag, digest } = parseReference(reference)
  const { host, path } = parseRepository(repository)
  const name = host === 'docker.io' ? path.replace(/^library\//, '') : `${host}/${path}`
  return `${name}${tag === 'latest' ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`
}

/** Whether one of the named contexts of a build stands in the place of an image. */
export function isNamedContext(reference: string, contexts: Readonly<Record<string, string>> = {}): boolean {
  return [reference, familiarName(reference)].some((name) => Object.hasOwn(contexts, name))
}

/** Where the API of a registry is: Docker Hub answers under another name than its own. */
export function apiHost(host: string): string {
  return host === 'docker.io' ? 'registry-1.docker.io' : host
}

/** Under which name docker keeps the login for a registry: the Hub's is from before it had another. */
export function loginKey(host: string): string {
  return host === 'docker.io' ? 'https://index.docker.io/v1/' : host
}

export function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d+){3}|\[::1\])(:\d+)?$/.test(host)
}

/** What docker forbids in a tag becomes `-`, as docker/metadata-action does; its length, at most 128, is for who asks. */
export function toTag(text: string): string {
  return text.replaceAll(/[^\w.-]+/g, '-').replace(/^[.-]+/, '')
}
