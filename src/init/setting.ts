import { resolveRegistries } from '../config/resolve.ts'
import { resolveImages } from '../config/resolve-image.ts'
import type { Config } from '../config/schema.ts'
import { secretsByJob } from '../config/secrets-by-job.ts'
import { isLoopback, parseRepository } from '../core/reference.ts'
import type { Pin, Setting, Target } from './workflow-parts.ts'

/**
 * What the workflows of a launchway.yml look like.
 * @param publishes versions are released by publishing them on GitHub, not by pushing their tags
 */
export function settingOf(config: Config, pin: Pin, file = 'launchway.yml', publishes = false): Setting {
  const hosts = [...new Set(resolveImages(config).flatMap(({ repositories }) => repositories.map((one) => parseRepository(one).host)))]
  const named = resolveRegistries(config)
  const { release, deploy, everywhere, needsIdentity } = secretsByJob(config)
  const general = hosts.filter(
    (host) => host !== 'ghcr.io' && !isLoopback(host) && named.find((one) => one.host === host)?.password === undefined,
  )
  const tags = Object.keys(config.tags ?? {}).map(filterOf)
  const published = publishes && tags.length > 0
  return {
    pin,
    ...(file === 'launchway.yml' ? {} : { config: file }),
    branches: Object.keys(config.branches ?? {}).map(filterOf),
    tags: published ? [] : tags,
    published,
    environments: targetsOf(config, deploy, published),
    ghcr: hosts.includes('ghcr.io'),
    login: general.length > 0,
    passwords: everywhere,
    building: release,
    identity: needsIdentity,
  }
}

/** What is a letter to launchway, and a sign in a filter of GitHub's. */
function filterOf(pattern: string): string {
  return pattern.replaceAll(/[+?[\]!\\]/g, String.raw`\$&`)
}

/** The environments that a push or a published release can lead to, in the order of the file. */
function targetsOf(config: Config, deploy: ReadonlyMap<string, readonly string[]>, isPublished: boolean): Target[] {
  return Object.entries(config.environments ?? {}).flatMap(([name, environment]): Target[] => {
    const [branches, tags] = [conditionsOf(config.branches, 'heads', name), conditionsOf(config.tags, 'tags', name)]
    const pushed = anyOf(isPublished ? branches : [...branches, ...tags], name)
    const published = isPublished ? anyOf(tags, name) : undefined
    if (pushed === undefined && published === undefined) return []
    // The key of the usual name is an input of the step.
    const secrets = (deploy.get(name) ?? []).filter((one) => one !== 'SSH_KEY')
    return [
      {
        name,
        secrets,
        ...(pushed === undefined ? {} : { pushed }),
        ...(published === undefined ? {} : { published }),
        ...(environment.url === undefined ? {} : { url: environment.url }),
      },
    ]
  })
}

function anyOf(conditions: readonly (string | undefined)[], environment: string): string | undefined {
  if (conditions.length === 0) return undefined
  return conditions.includes(undefined) ? `needs.release.outputs.environment == '${environment}'` : conditions.join(' || ')
}

type Routes = Config['branches']

/** An expression of GitHub's for each pattern that leads there; undefined for one that it cannot say. */
function conditionsOf(routes: Routes, kind: 'heads' | 'tags', environment: string): (string | undefined)[] {
  const patterns = Object.keys(routes ?? {})
  const exact = patterns.filter((pattern) => !pattern.includes('*'))
  return Object.entries(routes ?? {}).flatMap(([pattern, target]): (string | undefined)[] => {
    if ((typeof target === 'string' ? target : target.environment) !== environment) return []
    const ref = refOf(kind, pattern)
    if (!pattern.includes('*')) return [`github.ref == '${ref}'`]
    // Where several patterns could fit, launchway alone knows which does; a name that another one cannot fit has come by this one.
    const isAlone = patterns.every((one) => one === pattern || !one.includes('*') || !canMeet(beginningOf(one), beginningOf(pattern)))
    if (!isAlone || !/^[^*]*\*{1,2}$/.test(pattern)) return [undefined]
    const others = exact.filter((one) => one.startsWith(beginningOf(pattern))).map((one) => ` && github.ref != '${refOf(kind, one)}'`)
    const fits = `startsWith(github.ref, '${refOf(kind, beginningOf(pattern))}')${others.join('')}`
    return [others.length === 0 ? fits : `(${fits})`]
  })
}

/** What stands before the first star. */
function beginningOf(pattern: string): string {
  return pattern.replace(/\*.*$/s, '')
}

function canMeet(one: string, other: string): boolean {
  return one.startsWith(other) || other.startsWith(one)
}

/** As a string of an expression. */
function refOf(kind: 'heads' | 'tags', name: string): string {
  return `refs/${kind}/${name}`.replaceAll("'", "''")
}
