import { basename, dirname, join } from 'node:path'
import { composeFiles } from '../config/gates.ts'
import type { Command } from '../core/command.ts'
import { LaunchwayError } from '../core/error.ts'
import type { Ports } from '../core/ports.ts'
import { parseVariables } from '../core/text.ts'
import { readComposeFile } from '../tools/compose-file.ts'
import { dockerfileFacts } from '../tools/dockerfile.ts'
import {
  branches,
  githubRepository,
  headRef,
  headSha,
  ignoredOf,
  originHead,
  remote,
  remotesWith,
  tagsHere,
  tagsLike,
  topLevel,
} from '../tools/git.ts'
import { hintsIn, publishingIn, type Seen, type SeenCompose, type SeenGit } from './seen.ts'
import type { Pin } from './workflow-parts.ts'

/** Folders that hold nothing of the user's own. */
const others = /(^|\/)(\.git|node_modules|\.venv|venv|__pycache__|\.tox|(vendor|dist|build)\/[^/]+)$/
/** Files that say what an application is made with. */
const telling =
  /(^|\/)(requirements[\w.-]*\.txt|pyproject\.toml|Pipfile|setup\.(py|cfg)|package\.json|Gemfile|manage\.py|alembic\.ini|migrations\/env\.py)$/
const sources = /\.(py|js|mjs|ts|rb|go|conf|sh|ini)$|(^|\/)(Procfile|conf)$/
const [mostSources, mostBytes] = [400, 200_000]

/**
 * @param program the file that was started as launchway
 * @throws LaunchwayError USAGE where there is no repository, or another folder is its root
 */
export async function look({ config, program }: { config: string; program: string }, ports: Ports): Promise<Seen> {
  const { files, root } = ports
  const git = await lookAtGit(ports)
  const all = (await files.walk(root, (path, kind) => (kind === 'directory' ? (others.test(path) ? 'prune' : 'skip') : 'keep'))).filter(
    ({ kind }) => kind === 'file',
  )
  const text = async (path: string): Promise<string> => (await files.read(join(root, path)))?.toString() ?? ''
  const texts = async (paths: readonly string[]): Promise<Map<string, string>> =>
    new Map(await Promise.all(paths.map(async (path): Promise<[string, string]> => [path, await text(path)])))
  const paths = all.map(({ path }) => path)
  const dockerfileTexts = await texts(paths.filter((path) => /^(Dockerfile([.-][\w.-]+)?|[\w.-]+\.Dockerfile)$/i.test(basename(path))))
  const read = all.filter(({ path, size }) => size < mostBytes && (telling.test(path) || sources.test(path)))
  const compose = await lookAtCompose(paths, text)
  const wanted = compose === undefined ? [] : [...new Set(compose.project.services.flatMap(({ envFiles }) => envFiles))]
  const variables =
    compose === undefined ? [] : paths.filter((path) => /(^|\/)(\.env[\w.-]*|[\w.-]+\.env)$/.test(path)).slice(0, mostSources)
  const wantedFiles = compose === undefined ? [] : compose.project.givenFiles
  const doubtful = [...new Set([...wanted, ...variables, ...wantedFiles])]
  const ignored = doubtful.length === 0 ? [] : ((await maybe(ignoredOf(doubtful, root), ports))?.split('\n') ?? [])
  const pin = await ownPin(program, ports)
  const workflows = await texts(paths.filter((path) => /^\.github\/workflows\/[^/]+\.ya?ml$/.test(path)))
  const publishes = publishingIn(paths, workflows)
  return {
    folder: basename(root),
    git,
    dockerfiles: new Map([...dockerfileTexts].map(([path, body]) => [path, dockerfileFacts(body)])),
    dockerfileTexts,
    contexts: new Map([...dockerfileTexts.keys()].map((path) => [path, contextOf(path, paths)])),
    ...(compose === undefined ? {} : { compose }),
    composeElsewhere: compose === undefined ? paths.filter((path) => /^(docker-)?compose[\w.-]*\.ya?ml$/.test(basename(path))) : [],
    hints: hintsIn(await texts(read.map(({ path }) => path).slice(0, mostSources))),
    workflows,
    ...(publishes === undefined ? {} : { publishes }),
    present: new Set(paths.filter((path) => [config, '.dockerignore'].includes(path))),
    seesTooMuch: paths.includes('.dockerignore') && !/^\/?\.git\/?$/m.test(await text('.dockerignore')),
    missing: wanted.filter((path) => !paths.includes(path) || ignored.includes(path)),
    envFiles: new Map(
      [...(await texts(variables.filter((path) => !ignored.includes(path))))].map(([path, body]) => [path, variablesIn(body)]),
    ),
    paths: new Set(compose === undefined ? [] : paths.filter((path) => !ignored.includes(path))),
    ...(pin === undefined ? {} : { pin }),
  }
}

function variablesIn(body: string): Map<string, string> {
  return new Map(Object.entries(parseVariables(body)).map(([name, value]) => [name, value ?? '']))
}

/** A folder of Dockerfiles alone holds nothing that one could copy: the build sees the whole repository then. */
function contextOf(dockerfile: string, paths: readonly string[]): string {
  const folder = dirname(dockerfile)
  return paths.some((path) => path.startsWith(`${folder}/`) && !/dockerfile/i.test(basename(path))) ? folder : '.'
}

/** Undefined where the program says no. */
async function maybe(command: Command, { exec }: Ports): Promise<string | undefined> {
  try {
    return await exec.read(command)
  } catch (error) {
    if (error instanceof LaunchwayError && error.code === 'COMMAND_FAILED') return undefined
    throw error
  }
}

async function lookAtGit(ports: Ports): Promise<SeenGit> {
  const { root, files } = ports
  const ask = async (of: Command): Promise<string | undefined> => maybe(of, ports)
  const top = await ask(topLevel(root))
  if (top === undefined) {
    throw new LaunchwayError('USAGE', 'this is not a git repository', {
      hint: 'launchway releases commits. In the folder of your application: git init --initial-branch main && git add --all && git commit',
    })
  }
  if ((await files.look(top))?.path !== (await files.look(root))?.path) {
    throw new LaunchwayError('USAGE', `the root of this repository is ${top}`, {
      hint: `GitHub looks for workflows there: cd ${top} && launchway init`,
    })
  }
  const [ref, atRemote, url, listed, sha, versions] = await Promise.all(
    [headRef(root), originHead(root), remote(root), branches(root), headSha(root), tagsLike('v[0-9]*', root)].map(ask),
  )
  const names = (listed ?? '').split('\n').flatMap((line) => /^refs\/(?:heads|remotes\/origin)\/(?!HEAD$)(.+)$/.exec(line)?.[1] ?? [])
  const github = url === undefined ? undefined : githubRepository(url)
  return {
    ...(ref === undefined ? {} : { branch: ref.replace('refs/heads/', '') }),
    branches: [...new Set(names)],
    ...(atRemote === undefined ? {} : { remoteDefault: atRemote.replace('refs/remotes/origin/', '') }),
    hasCommit: sha !== undefined,
    hasVersionTags: (versions ?? '') !== '',
    ...(github === undefined ? {} : { github }),
    ...(url === undefined || github !== undefined ? {} : { otherRemote: url }),
  }
}

async function lookAtCompose(paths: readonly string[], text: (path: string) => Promise<string>): Promise<SeenCompose | undefined> {
  const file = composeFiles.find((name) => paths.includes(name))
  const known = paths.filter((path) => !path.includes('/') && /^(docker-)?compose[\w.-]*\.ya?ml$/.test(path))
  if (file === undefined) return undefined
  const project = readComposeFile(await text(file))
  if (typeof project === 'string') {
    throw new LaunchwayError('USAGE', `${file} cannot be read: ${project}`, {
      hint: 'See `docker compose config` for what is wrong with it.',
      place: { file },
    })
  }
  return { file, others: known.filter((path) => path !== file), project }
}

/**
 * The launchway that runs, as others can fetch it: the commit of the clone that it runs from, where GitHub has it. A release
 * cannot say it in its own code, which the commit is made of.
 */
async function ownPin(program: string, ports: Ports): Promise<Pin | undefined> {
  const own = await ports.files.look(program)
  const top = own === undefined ? undefined : await maybe(topLevel(dirname(own.path)), ports)
  if (top === undefined || (await ports.files.look(join(top, 'bin/launchway'))) === undefined) return undefined
  const [url, commit] = [await maybe(remote(top), ports), await maybe(headSha(top), ports)]
  const repository = url === undefined ? undefined : githubRepository(url)
  if (repository === undefined || commit === undefined) return undefined
  const remotes = (await maybe(remotesWith(commit, top), ports)) ?? ''
  const tag = (await maybe(tagsHere(top), ports))?.split('\n').find((name) => /^v\d/.test(name))
  return remotes === '' && tag === undefined ? undefined : { repository, commit, ...(tag === undefined ? {} : { tag }) }
}
