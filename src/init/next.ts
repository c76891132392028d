import type { Config } from '../config/schema.ts'
import { parseRepository } from '../core/reference.ts'
import type { Keys } from './known-hosts.ts'
import type { Seen } from './seen.ts'
import { howToFill, type Setting, unfilled } from './workflow-parts.ts'

interface Around {
  config: Config
  file: string
  /** Undefined where no workflows are written. */
  setting: Setting | undefined
  secrets: readonly string[]
  seen: Seen
  keys: Keys
  /** Files that somebody did not want replaced. */
  kept: readonly string[]
  /** They were written, and not only shown. */
  hasFiles: boolean
}

/** What somebody has to do before the first release, in its order. */
export function nextSteps({ config, file, setting, secrets, seen, keys, kept, hasFiles }: Around): string[] {
  const environments = Object.entries(config.environments ?? {})
  const [name = 'production'] = environments[0] ?? []
  const steps: string[] = [...(hasFiles ? [`Read ${file}, and change what you want otherwise.`] : [])]
  if (setting?.pin === unfilled)
    steps.push(
      `Which launchway the workflows run: in .github/workflows put for OWNER ${howToFill.owner}, and for COMMIT ${howToFill.commit} (${howToFill.list}; where it lists none yet, git ls-remote https://github.com/OWNER/launchway HEAD). Until then GitHub cannot run them, and launchway doctor names each line.`,
    )
  steps.push(...keys.todo.map((one) => `The host key: ${one}`))
  if (setting !== undefined) {
    steps.push(
      `A key for the deploys alone: ssh-keygen -t ed25519 -N '' -C launchway -f ../deploy-key; append ../deploy-key.pub to ~/.ssh/authorized_keys ${onServers(config)}.`,
      ...(setting.environments.length === 0
        ? []
        : [
            'Is the repository private, and its account on GitHub Free? There are no environments then: leave out the next step, take environment: with name and url below it out of the workflows, and --env out of the lines for the secrets.',
          ]),
      ...setting.environments.map(
        (one) =>
          `The environment, in which the secrets stand, and reviewers if you want them: gh api --method PUT 'repos/{owner}/{repo}/environments/${one.name}'`,
      ),
      ...secretLines(secrets, setting).map((line) => `The secret: ${line}`),
    )
  }
  const doubled = [...seen.workflows].flatMap(([path, text]) =>
    /docker\/build-push-action|appleboy\/ssh-action|docker (compose|build|push)/.test(text) &&
    /^\s*push:/m.test(text) &&
    !text.includes('launchway')
      ? [path]
      : [],
  )
  const published = [...seen.workflows].find(([path, text]) => path.endsWith('/release.yml') && text.includes('/launchway@'))?.[0]
  if (published !== undefined && setting !== undefined && !setting.published && setting.tags.length > 0)
    steps.push(`${published} releases what is published on GitHub as well, and so each version twice: delete it.`)
  steps.push(...doubled.map((path) => `${path} builds or deploys on a push as well: take that out of it.`))
  if (seen.seesTooMuch)
    steps.push('Add .git, .github and launchway.yml to .dockerignore: what the build does not see cannot change the key of the image.')
  if (setting === undefined) {
    const registry = registryOf(config)
    steps.push(
      ...(registry === undefined ? [] : [`May this machine push? docker login ${registry}`]),
      ...secrets.map((one) => `The secret, for the shell that releases: export ${one}=…`),
      `The server: Docker, and an account that may use it and take your key (docs/guide/hosts.md of launchway); launchway doctor -e ${name} says what is missing.`,
    )
  }
  const foreign = setting === undefined ? [] : kept.filter((path) => isForeign(path, seen))
  steps.push(
    ...foreign.map(
      (path) =>
        `${path} stays as it is, and has no step of launchway: ${lacking(path)} Take what init would write (launchway init --dry-run shows it) into that file, or into one of another name; launchway init --force replaces it.`,
    ),
    ...missingBranches(config, seen).map(
      ([branch, environment]) =>
        `There is no branch ${branch} yet, and what comes to it ${environment === undefined ? 'is built' : `goes to ${environment}`}: git switch --create ${branch}, or another one in ${file}.`,
    ),
    'See what would happen: launchway plan',
    ...(setting === undefined
      ? [`Commit, and release: git add --all && git commit, then launchway run -e ${name}`]
      : [
          `Commit and push: git add --all && git commit -m 'Release with launchway' && git push. ${whatFollows(
            config,
            foreign.some((path) => path.endsWith('/push.yml')),
          )}`,
          ...versionSteps(config, setting, foreign),
          ...(setting.published && !foreign.some((path) => path.endsWith('/release.yml'))
            ? [
                `Put a version live: gh release create v1.0.0 --generate-notes, or Releases on GitHub. The workflow "release" does it${seen.publishes === undefined ? '' : `; so because of ${seen.publishes}: --live push or --live tag otherwise`}.`,
              ]
            : []),
        ]),
  )
  return steps
}

/** Whether branches or tags lead to an environment. */
export function leadSomewhere(routes: Config['branches']): boolean {
  return Object.values(routes ?? {}).some((target) => environmentOf(target) !== undefined)
}

function environmentOf(target: NonNullable<Config['branches']>[string]): string | undefined {
  return typeof target === 'string' ? target : target.environment
}

/** The accounts that take the key for deploys: each of them, since a deploy goes to all. */
function onServers({ environments = {} }: Config): string {
  const hosts = [...new Set(Object.values(environments).flatMap(({ host, hosts: several }) => [host ?? [], several ?? []].flat()))]
  const [only = ''] = hosts
  if (hosts.length > 1) return `on each server: of ${hosts.join(', of ')}`
  return `of ${only.includes('@') ? only.slice(0, only.indexOf('@')) : 'the account'} on the server`
}

/** A workflow of somebody's own, under the name of one of launchway's. */
function isForeign(path: string, { workflows }: Seen): boolean {
  const text = workflows.get(path)
  return text !== undefined && !/uses:\s*["']?[^\s#]*\/launchway/.test(text)
}

function lacking(path: string): string {
  if (path.endsWith('/push.yml')) return 'nothing that is pushed is released.'
  return path.endsWith('/release.yml') ? 'no version that is published goes live.' : 'nothing does what the one of launchway would.'
}

/** Branches that are to go live, or the only one that is built, and that nobody has made. */
function missingBranches({ branches = {} }: Config, { git }: Seen): [branch: string, environment: string | undefined][] {
  const isOnly = Object.keys(branches).length === 1
  return Object.entries(branches).flatMap(([branch, target]): [string, string | undefined][] => {
    const environment = environmentOf(target)
    const isThere = /[*?[\]!+\\]/.test(branch) || git.branches.includes(branch) || git.branch === branch
    return isThere || (environment === undefined && !isOnly) ? [] : [[branch, environment]]
  })
}

function whatFollows({ branches }: Config, isForeignPush: boolean): string {
  if (isForeignPush) return 'That releases nothing, until push.yml has the steps of launchway.'
  return leadSomewhere(branches) ? 'The workflow "push" does the rest.' : 'The workflow "push" builds and tests it; nothing goes live yet.'
}

/** Where a tag alone puts something live. */
function versionSteps({ branches, tags = {} }: Config, { published }: Setting, foreign: readonly string[]): string[] {
  const [pattern] = Object.entries(tags).find(([, target]) => environmentOf(target) !== undefined) ?? []
  if (published || pattern === undefined || leadSomewhere(branches) || foreign.some((path) => path.endsWith('/push.yml'))) return []
  const tag = /^[\w./-]*\*{0,2}$/.test(pattern) ? pattern.replace(/\*+$/, '1.0.0') : 'v1.0.0'
  return [`Put a version live: git tag ${tag} && git push origin ${tag}. The workflow "push" does it.`]
}

/** Where images are pushed, for a login; Docker Hub is meant where no host is named. */
function registryOf({ image, images = {} }: Config): string | undefined {
  const repository = image ?? Object.values(images).flatMap(({ repositories = [] }) => repositories)[0]
  return repository === undefined ? undefined : parseRepository(repository).host
}

/** Secrets of the environments stand there, so that its rules hold for them; those of registries and of the release job are of the repository. */
function secretLines(names: readonly string[], { environments, passwords, building }: Setting): string[] {
  return names.flatMap((name) => {
    const inEnvironments = environments.filter(({ secrets }) => name === 'SSH_KEY' || secrets.includes(name))
    const from = name === 'SSH_KEY' ? ' < ../deploy-key' : ''
    if (name.startsWith('REGISTRY_') || passwords.includes(name) || building.includes(name)) return [`gh secret set ${name}${from}`]
    return inEnvironments.map((one) => `gh secret set ${name} --env ${one.name}${from}`)
  })
}
