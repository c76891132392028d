/**
 * An image from a commit to a registry, against `docker buildx build --push` typed by hand and, where its checkout is
 * given (`--peer build-push-action=PATH/dist/index.cjs`), against docker/build-push-action; and eight images on one base.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { down } from '../lab/down.ts'
import { root } from '../lab/paths.ts'
import { ask, call, docker } from '../lab/run.ts'
import { newLabName, up } from '../lab/up.ts'
import type { Options } from './asked.ts'
import { type Contender, inTurns, spread } from './measure.ts'
import { machine, range, type Report, table } from './report.ts'

/** Dependencies that take a second to install, and an application above them. */
const dockerfile = `FROM debian:trixie-slim
COPY requirements.txt /app/
RUN sleep 1 && cat /app/requirements.txt > /installed
COPY src /app/src
CMD ["true"]
`

/** What is different from the run before. */
const changes: Record<string, (folder: string, mark: string) => void> = {
  'one line': (folder, mark) => writeFileSync(join(folder, 'src/part-7.py'), `mark = '${mark}'\n`),
  nothing: () => undefined,
}

/** Images that are built on one base: their own last step takes so many seconds. */
const seconds = [1, 1, 1, 1.5, 1.5, 2, 2, 3]

export async function benchBuild({ rounds = 5, peers, say }: Options): Promise<Report> {
  const before = machine()
  const folder = mkdtempSync(join(tmpdir(), 'launchway-bench-build-'))
  const lab = await up({ name: newLabName(), hosts: [] })
  const registry = lab.registry.address
  try {
    const places = ['by-hand', 'launchway', ...peers.keys()].map((name) => ({
      name,
      folder: join(folder, name),
      image: `${registry}/bench/${name}`,
    }))
    for (const place of places) await treeOf(place.folder, place.image)
    const lines: Line[] = []
    for (const [change, apply] of Object.entries(changes)) {
      const contenders = places.map((place): Contender => ({
        name: place.name,
        async run() {
          marks += 1
          apply(place.folder, String(marks))
          await commit(place.folder)
          return timed(() => push(place, peers.get(place.name)))
        },
      }))
      const series = await inTurns(contenders, {
        count: rounds,
        warmUp: 1,
        onRound: (round, of) => say(`bench build: ${change}, round ${round} of ${of} …`),
      })
      lines.push(...series.map(({ name, values, ratios }) => ({ what: change, name, seconds: spread(values), ratio: spread(ratios) })))
    }
    lines.push(...(await together(folder, registry, rounds, say)))
    const figures = { bench: 'build', date: new Date().toISOString().slice(0, 10), machine: before, rounds, lines }
    return { text: show(figures), figures }
  } finally {
    const made = (await docker('image', 'ls', '--quiet', `${registry}/bench/*`)).split('\n').filter((id) => id !== '')
    if (made.length > 0) await ask('docker', ['image', 'rm', '--force', ...new Set(made)])
    rmSync(folder, { recursive: true, force: true })
    await down(lab.name)
  }
}

interface Line {
  what: string
  name: string
  seconds: ReturnType<typeof spread>
  ratio: ReturnType<typeof spread>
}

interface Place {
  name: string
  folder: string
  image: string
}

let marks = 0

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return (performance.now() - began) / 1000
}

const git = (folder: string, ...words: string[]): Promise<unknown> =>
  call('git', ['-C', folder, '-c', 'user.name=bench', '-c', 'user.email=bench@example.org', '-c', 'core.hooksPath=/dev/null', ...words])
const commit = (folder: string): Promise<unknown> => git(folder, 'commit', '--quiet', '--all', '--allow-empty', '--message', 'next')

/** A committed application of 300 small files; each contender's own differs, so that nobody finds another's layers. */
async function treeOf(folder: string, image: string): Promise<void> {
  mkdirSync(join(folder, 'src'), { recursive: true })
  for (let part = 0; part < 300; part += 1) writeFileSync(join(folder, `src/part-${part}.py`), `part = ${part}\n`.repeat(20))
  writeFileSync(join(folder, 'requirements.txt'), `${image}\n`)
  writeFileSync(join(folder, 'Dockerfile'), dockerfile)
  writeFileSync(join(folder, '.dockerignore'), '.git\nlaunchway.yml\n')
  writeFileSync(join(folder, 'launchway.yml'), `image: ${image}\nbranches: { master: {} }\nsmoke: false\nscan: false\n`)
  await git(folder, 'init', '--quiet', '--initial-branch', 'master')
  await git(folder, 'add', '--all')
  await git(folder, 'commit', '--quiet', '--message', 'all')
}

/** From a commit to an image in the registry. @param peer an action of somebody else's, as it is shipped */
async function push({ name, folder, image }: Place, peer: string | undefined): Promise<void> {
  if (peer !== undefined) return action(peer, folder, image)
  if (name === 'by-hand')
    return void (await call('docker', ['buildx', 'build', '--push', '--tag', `${image}:master`, '.'], { cwd: folder }))
  await run(folder)
}

async function run(folder: string): Promise<void> {
  await call(join(root, 'bin/launchway'), ['run'], { cwd: folder, env: { XDG_STATE_HOME: join(folder, '.git/state') } })
}

/** Its own step and what it does at the end of a job, with the variables of a runner. */
function action(file: string, folder: string, image: string): void {
  const temporary = mkdtempSync(join(folder, '.git/runner-'))
  const written = Object.fromEntries(
    ['OUTPUT', 'STATE', 'ENV', 'PATH', 'STEP_SUMMARY'].map((one) => [`GITHUB_${one}`, join(temporary, one.toLowerCase())]),
  )
  for (const path of Object.values(written)) writeFileSync(path, '')
  const { PATH = '', HOME = '' } = process.env
  const env = {
    ...{ PATH, HOME, RUNNER_TEMP: temporary, RUNNER_TOOL_CACHE: temporary, GITHUB_ACTIONS: 'true', GITHUB_WORKSPACE: folder },
    ...{ GITHUB_REPOSITORY: 'team/bench', GITHUB_REF: 'refs/heads/master', GITHUB_SERVER_URL: 'https://github.com', GITHUB_RUN_ID: '1' },
    ...{ INPUT_CONTEXT: '.', INPUT_PUSH: 'true', INPUT_TAGS: `${image}:master`, DOCKER_BUILD_SUMMARY: 'false' },
    ...{ INPUT_LOAD: 'false', 'INPUT_NO-CACHE': 'false', INPUT_PULL: 'false' },
    ...written,
  }
  for (const state of [{}, { STATE_isPost: 'true' }]) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [file], { cwd: folder, env: { ...env, ...state }, encoding: 'utf8' })
    if (status !== 0) throw new Error(`${file} ended with ${status}:\n${(stdout + stderr).slice(-2000)}`)
  }
  rmSync(temporary, { recursive: true })
}

/** Eight images on one base in one run, against the slowest of them alone: each is built anew, the base is there. */
async function together(folder: string, registry: string, rounds: number, say: Options['say']): Promise<Line[]> {
  const place = async (name: string, parts: readonly number[]): Promise<string> => {
    const own = join(folder, name)
    await treeOf(own, `${registry}/bench/${name}`)
    const images = parts.map((part, index) => {
      writeFileSync(
        join(own, `Dockerfile.${index}`),
        `${dockerfile.replace(/CMD.*\n/, '')}COPY mark /mark\nRUN sleep ${part} && echo ${index} > /own\n`,
      )
      return `  part-${index}: { repositories: [${registry}/bench/${name}-${index}], dockerfile: Dockerfile.${index} }`
    })
    writeFileSync(join(own, 'mark'), 'first\n')
    writeFileSync(join(own, 'launchway.yml'), `images:\n${images.join('\n')}\nbranches: { master: {} }\nsmoke: false\nscan: false\n`)
    await git(own, 'add', '--all')
    return own
  }
  const [alone, all] = [await place('alone', seconds.slice(-1)), await place('eight', seconds)]
  const contender = (name: string, own: string): Contender => ({
    name,
    async run() {
      marks += 1
      writeFileSync(join(own, 'mark'), `${marks}\n`)
      await commit(own)
      return timed(() => run(own))
    },
  })
  const series = await inTurns([contender('the slowest alone', alone), contender('all eight', all)], {
    count: rounds,
    warmUp: 1,
    onRound: (round, of) => say(`bench build: eight images, round ${round} of ${of} …`),
  })
  return series.map(({ name, values, ratios }) => ({
    what: 'eight images, one base',
    name: `launchway, ${name}`,
    seconds: spread(values),
    ratio: spread(ratios),
  }))
}

interface Shown {
  date: string
  machine: ReturnType<typeof machine>
  rounds: number
  lines: readonly Line[]
}

function show({ date, machine: { cpu, processors, memoryGB, system, node, load }, rounds, lines }: Shown): string {
  return [
    `${date}; ${cpu}, ${processors} processors, ${memoryGB} GB; ${system}, Node ${node}; load ${load} before the first round; ${rounds} rounds.`,
    table(
      ['changed', 'by', 'seconds', '× first of its kind'],
      lines.map(({ what, name, seconds: took, ratio }) => [what, name, range(took, 2), range(ratio, 2)]),
    ),
  ].join('\n\n')
}
