import { createHash } from 'node:crypto'
import { copyFileSync, cpSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LaunchwayError } from '../../src/core/error.ts'
import { cache, root, tools } from '../paths.ts'
import { ask, call, docker } from '../run.ts'
import { type Suite, suites, toxiproxy } from '../versions.ts'
import { debianMirror, inPath, isRoot, needDisk } from './machine.ts'
import type { Step } from './steps.ts'
import { frontendProgram, makeFrontend } from './tools.ts'

const folder = join(root, 'lab', 'images')

/** The images of the lab carry a digest of what they are made from: a change makes them anew, and nothing else does. */
function stamp(...parts: string[]): string {
  const digest = createHash('sha256')
  for (const part of parts) digest.update(`${part}\0`)
  return digest.digest('hex').slice(0, 12)
}

function sources(name: string): string {
  const files = globSync('**/*', { cwd: join(folder, name), withFileTypes: true }).filter((entry) => entry.isFile())
  const paths = files.map((entry) => join(entry.parentPath, entry.name)).toSorted()
  return paths.map((path) => `${path.slice(folder.length)}\n${readFileSync(path, 'utf8')}`).join('\0')
}

async function isThere(reference: string): Promise<boolean> {
  return (await ask('docker', ['image', 'inspect', reference])) !== undefined
}

const debianImage = (suite: Suite): string => `launchway-lab/debian:${suite}`
export const hostImage = (suite: Suite): string => `launchway-lab/host:${suite}-${stamp(sources('host'), suites[suite].packages)}`
export const servicesImage = (): string => `launchway-lab/services:${stamp(sources('services'), toxiproxy.version)}`

/** Debian as an image: pulled where a registry can be reached, else made from packages. */
function debianStep(suite: Suite): Step {
  return {
    name: `debian:${suite}`,
    needs: ['engine', 'debian'],
    takes: 'pulled, or made with debootstrap: about 40 s',
    find: async () => ((await isThere(debianImage(suite))) ? 'is there' : undefined),
    async make(progress) {
      const official = `debian:${suite}-slim`
      const pulled = await call('docker', ['pull', '--quiet', official], { timeoutMs: 120_000 }).catch((error: unknown) => error)
      if (!(pulled instanceof Error)) {
        await docker('tag', official, debianImage(suite))
        return 'pulled'
      }
      if (inPath('debootstrap') === undefined || !isRoot) {
        throw new LaunchwayError('TOOL_MISSING', `${official} can neither be pulled nor made here`, {
          hint: `Docker said: ${pulled.message}\nLet docker reach a registry that has it, or run this as root on Debian.`,
        })
      }
      progress('no registry has it; making it with debootstrap')
      await debootstrap(suite)
      // What users' Dockerfiles name must be there as well, where nothing else can bring it.
      if (!(await isThere(official))) await docker('tag', debianImage(suite), official)
      return 'made with debootstrap'
    },
  }
}

async function debootstrap(suite: Suite): Promise<void> {
  // Not in /tmp: where that is mounted without devices, as many servers have it, no system can be made.
  const building = join(cache, 'build')
  mkdirSync(building, { recursive: true })
  needDisk(building, 1, 'a Debian image')
  const tree = mkdtempSync(join(building, `${suite}-`))
  const archive = `${tree}.tar`
  try {
    const script = '/usr/share/debootstrap/scripts'
    // A suite newer than this machine's debootstrap is made as the newest one that it knows.
    const known = existsSync(join(script, suite)) ? [] : [join(script, 'trixie')]
    await call('debootstrap', ['--variant=minbase', '--include=ca-certificates', suite, tree, debianMirror(), ...known])
    await call('tar', ['-C', tree, '-cf', archive, '.'])
    await docker('import', '--change', 'CMD ["bash"]', archive, debianImage(suite))
  } finally {
    rmSync(tree, { recursive: true, force: true })
    rmSync(archive, { force: true })
  }
}

/** Builds a folder of lab/images under a tag; more files than it has can be added to its context. */
async function buildImage(
  name: string,
  tag: string,
  args: Record<string, string>,
  extra: Record<string, string>,
  progress: (line: string) => void,
  labels: readonly string[] = [],
): Promise<void> {
  const context = mkdtempSync(join(tmpdir(), `launchway-${name}-`))
  try {
    cpSync(join(folder, name), context, { recursive: true })
    for (const [file, source] of Object.entries(extra)) copyFileSync(source, join(context, file))
    const given = [
      ...Object.entries(args).flatMap(([key, value]) => ['--build-arg', `${key}=${value}`]),
      ...labels.flatMap((label) => ['--label', label]),
    ]
    await call('docker', ['buildx', 'build', '--load', '--progress', 'plain', '--provenance=false', '--tag', tag, ...given, context], {
      onLine: (line) => {
        if (/Need to get/.test(line)) progress(line.replace(/^#\d+ [\d.]+ /, ''))
      },
    })
  } finally {
    rmSync(context, { recursive: true, force: true })
  }
}

function hostStep(suite: Suite): Step {
  return {
    name: `host:${suite}`,
    needs: [`debian:${suite}`],
    takes: 'about 15 s',
    find: async () => ((await isThere(hostImage(suite))) ? 'is there' : undefined),
    async make(progress) {
      await buildImage('host', hostImage(suite), { SUITE: suite, PACKAGES: suites[suite].packages }, {}, progress)
      return 'built'
    },
  }
}

const servicesStep: Step = {
  name: 'services',
  needs: ['debian:bookworm', 'toxiproxy'],
  takes: 'about 10 s',
  find: async () => ((await isThere(servicesImage())) ? 'is there' : undefined),
  async make(progress) {
    await buildImage('services', servicesImage(), {}, { 'toxiproxy-server': join(tools, 'toxiproxy-server') }, progress)
    return 'built'
  },
}

/** The certificates that this machine trusts, so that package managers inside an image reach its mirrors. */
const machineCertificates = '/etc/ssl/certs/ca-certificates.crt'

/** On a stand-in: the digest of what it was made from. */
const standInLabel = 'launchway.lab.stand-in'

/** An image that Dockerfiles and compose files name: pulled, else a stand-in made from Debian packages under the same name. */
export function baseStep(name: string, reference: string, suite: Suite = 'bookworm', files: Record<string, string> = {}): Step {
  return standInStep(name, reference, {
    needs: [`debian:${suite}`],
    takes: 'made from Debian packages: about 15 s',
    extra: async () => Promise.resolve({ 'machine-ca.crt': machineCertificates, ...files }),
  })
}

/** What reads the Dockerfiles that begin with `# syntax=` and this name. */
export function frontendStep(reference: string): Step {
  return standInStep('dockerfile', reference, {
    needs: ['go'],
    takes: 'built from its Go module: about a minute',
    async extra() {
      await makeFrontend()
      return { 'dockerfile-frontend': frontendProgram }
    },
  })
}

interface StandIn {
  needs: string[]
  /** What making it takes where nobody can pull it. */
  takes: string
  /** Files of the context beside those of the folder. */
  extra: () => Promise<Record<string, string>>
}

function standInStep(name: string, reference: string, { needs, takes, extra }: StandIn): Step {
  const made = (): string => stamp(sources(name))
  return {
    name: reference,
    needs,
    takes: `pulled, or ${takes}`,
    async find() {
      const of = await ask('docker', ['image', 'inspect', '--format', `{{ index .Config.Labels "${standInLabel}" }}`, reference])
      // What has no such label is the image itself, or somebody's own of that name.
      return of === undefined || (of !== '' && of !== made()) ? undefined : 'is there'
    },
    async make(progress) {
      const pulled = await ask('docker', ['pull', '--quiet', reference], { timeoutMs: 120_000 })
      if (pulled !== undefined) return 'pulled'
      await buildImage(name, reference, {}, await extra(), progress, [`${standInLabel}=${made()}`])
      return 'made here'
    },
  }
}

const suiteNames: readonly Suite[] = ['bookworm', 'trixie', 'forky']

export const imageSteps: readonly Step[] = [
  ...suiteNames.map(debianStep),
  ...suiteNames.map(hostStep),
  servicesStep,
  baseStep('python', 'python:3'),
  baseStep('redis', 'redis:7'),
  baseStep('nginx', 'nginx:1', 'forky'),
]
