import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fetchArchive, fetchProgram } from '../../src/adapters/archive.ts'
import { systemClock } from '../../src/adapters/clock.ts'
import { cosignRelease } from '../../src/adapters/cosign.ts'
import type { Way } from '../../src/adapters/download.ts'
import { archiveFor } from '../../src/adapters/tool-release.ts'
import { trivyRelease as trivy } from '../../src/adapters/trivy.ts'
import { LaunchwayError } from '../../src/core/error.ts'
import { keysOf } from '../../src/core/objects.ts'
import { cache, tools } from '../paths.ts'
import { ask, call } from '../run.ts'
import { actionlint, cosign, frontend, pebble, toxiproxy, trivyGo, wheels } from '../versions.ts'
import { databaseWriter } from '../vulnerabilities/stamp.ts'
import { goMade, isBuiltFrom, toolFolder, toolMade } from './go.ts'
import { aptInstall, canInstall, inPath, needDisk } from './machine.ts'
import type { Step } from './steps.ts'

/** Debian packages that tests and lab call; elsewhere the user installs them. */
const programs = {
  debootstrap: 'debootstrap',
  ssh: 'openssh-client',
  openssl: 'openssl',
  python3: 'python3-venv',
  busybox: 'busybox',
  dash: 'dash',
  git: 'git',
  curl: 'curl',
  wget: 'wget',
  ps: 'procps',
} as const

const missingPrograms = (): (keyof typeof programs)[] => keysOf(programs).filter((program) => inPath(program) === undefined)

export const debianStep: Step = {
  name: 'debian',
  needs: [],
  async find() {
    const missing = missingPrograms().filter((program) => canInstall || program !== 'debootstrap')
    return missing.length === 0 ? 'packages are there' : undefined
  },
  async make(progress) {
    const missing = missingPrograms()
    if (!canInstall) {
      throw new LaunchwayError('TOOL_MISSING', `${missing.join(', ')} are not installed`, {
        hint: `Install them with your package manager. On Debian, as root, set-up does this by itself.`,
      })
    }
    await aptInstall(
      missing.map((program) => programs[program]),
      progress,
    )
    return `installed ${missing.join(', ')}`
  },
}

/** A Go that can fetch the version which a module asks for (1.21 and later do). */
export const goStep: Step = {
  name: 'go',
  needs: ['engine'],
  async find() {
    const version = /go(\d+)\.(\d+)/.exec((await ask('go', ['version'])) ?? '')
    if (version !== null && Number(version[2]) >= 21) return version[0]
    const isThere = ['trivy', databaseWriter()].every((program) => existsSync(join(tools, program)))
    return isThere && [toxiproxyFound(), actionlintFound(), pebbleFound()].every((found) => found !== undefined) ? 'not needed' : undefined
  },
  async make(progress) {
    if (!canInstall)
      throw new LaunchwayError('TOOL_MISSING', 'Go 1.21 or newer is not installed', { hint: 'Install it: https://go.dev/doc/install' })
    // The engine's step has added the newer release as a source.
    await aptInstall(['golang-go/trixie', 'golang-src/trixie', 'golang-1.24-go/trixie', 'golang-1.24-src/trixie'], progress)
    return 'installed'
  },
}

async function trivyFound(): Promise<string | undefined> {
  const said = await ask('trivy', ['--version'])
  return said === undefined ? undefined : (/Version: (\S+)/.exec(said)?.[1] ?? said)
}

const wayOf = (progress: (line: string) => void): Way => ({
  clock: systemClock,
  signal: undefined,
  log: { info: progress, warning: progress },
})

/** PATH, else the official release by its checksum, else built from its module. */
export const trivyStep: Step = {
  name: 'trivy',
  needs: ['go'],
  takes: 'fetched, or built from its Go module: up to 10 min',
  find: trivyFound,
  async make(progress) {
    const archive = archiveFor(trivy, `${process.platform}-${process.arch}`)
    if (archive !== undefined) {
      const why = await fetchArchive(archive.urls[0] ?? '', archive.sha256, 'trivy', tools, wayOf(progress))
      if (why === undefined) return `${await trivyFound()}, the official release, checksum verified`
      progress(`${why}; building it from its Go module`)
    }
    mkdirSync(toolFolder('trivy'), { recursive: true })
    needDisk(toolFolder('trivy'), 9, 'building Trivy')
    const module = 'github.com/aquasecurity/trivy'
    await toolMade({
      ...{ name: 'trivy', program: `${module}/cmd/trivy`, module, version: `v${trivy.version}`, go: trivyGo },
      linked: `-X ${module}/pkg/version/app.ver=${trivy.version}`,
      env: { GOEXPERIMENT: 'jsonv2' },
    })
    return `${await trivyFound()}, built from its Go module`
  },
}

/** What is there, when it is of the version that is asked for. */
function found({ module, version }: { module: string; version: string }, programs: readonly string[]): string | undefined {
  return programs.every((program) => isBuiltFrom(join(tools, program), module, version)) ? `${version} is there` : undefined
}

const toxiproxyFound = (): string | undefined => found(toxiproxy, ['toxiproxy-server'])
const actionlintFound = (): string | undefined => found(actionlint, ['actionlint'])
const pebbleFound = (): string | undefined => found(pebble, authority)

export const toxiproxyStep: Step = {
  name: 'toxiproxy',
  needs: ['go'],
  takes: 'about 30 s',
  find: async () => toxiproxyFound(),
  async make() {
    const folder = join(cache, 'build', 'toxiproxy')
    mkdirSync(folder, { recursive: true })
    await goMade({ server: 'toxiproxy-server' }, folder, ['install', `${toxiproxy.module}/cmd/server@${toxiproxy.version}`], {
      GOBIN: folder,
    })
    return 'built from its Go module'
  },
}

export const actionlintStep: Step = {
  name: 'actionlint',
  needs: ['go'],
  takes: 'about 15 s',
  find: async () => actionlintFound(),
  async make() {
    const folder = join(cache, 'build', 'actionlint')
    mkdirSync(folder, { recursive: true })
    await goMade({ actionlint: 'actionlint' }, folder, ['install', `${actionlint.module}/cmd/actionlint@${actionlint.version}`], {
      GOBIN: folder,
    })
    return 'built from its Go module'
  },
}

/** A certificate authority that speaks ACME, and the DNS that it asks. */
const authority = ['pebble', 'pebble-challtestsrv'] as const

export const pebbleStep: Step = {
  name: 'pebble',
  needs: ['go'],
  takes: 'about 30 s',
  find: async () => pebbleFound(),
  async make() {
    const folder = join(cache, 'build', 'pebble')
    mkdirSync(folder, { recursive: true })
    const packages = authority.map((program) => `${pebble.module}/cmd/${program}@${pebble.version}`)
    await goMade(Object.fromEntries(authority.map((program) => [program, program])), folder, ['install', ...packages], { GOBIN: folder })
    return 'built from its Go module'
  },
}

/** The release does not say in its own bytes which it is: its version stands beside it. */
const cosignVersion = join(tools, 'cosign.version')

/** For one contract test, and on a machine without the official release minutes of building: on request alone. */
export const cosignStep: Step = {
  name: 'cosign',
  needs: ['go'],
  takes: 'fetched, or built from its Go module: about 5 min',
  async find() {
    const isThere = existsSync(join(tools, 'cosign')) && existsSync(cosignVersion)
    return isThere && readFileSync(cosignVersion, 'utf8') === cosignRelease.version ? `${cosignRelease.version} is there` : undefined
  },
  async make(progress) {
    const program = archiveFor(cosignRelease, `${process.platform}-${process.arch}`)
    if (program !== undefined) {
      const why = await fetchProgram(program.urls[0] ?? '', program.sha256, 'cosign', tools, wayOf(progress))
      if (why === undefined) {
        writeFileSync(cosignVersion, cosignRelease.version)
        return 'the official release, checksum verified'
      }
      progress(`${why}; building it from its Go module`)
    }
    const folder = join(cache, 'build', 'cosign')
    mkdirSync(folder, { recursive: true })
    needDisk(folder, 4, 'building cosign')
    await goMade({ cosign: 'cosign' }, folder, ['install', '-ldflags', '-s -w', `${cosign}@v${cosignRelease.version}`], { GOBIN: folder })
    writeFileSync(cosignVersion, cosignRelease.version)
    return 'built from its Go module'
  },
}

export const frontendProgram = join(tools, 'dockerfile-frontend')

export async function makeFrontend(): Promise<void> {
  const { module, version, go } = frontend
  if (isBuiltFrom(frontendProgram, module, version)) return
  await toolMade({ name: 'dockerfile-frontend', program: `${module}/frontend/dockerfile/cmd/dockerfile-frontend`, module, version, go })
}

/** Programs that come as Python wheels, in an environment of their own. */
export const wheelsStep: Step = {
  name: 'act, shellcheck, zizmor',
  needs: ['debian'],
  async find() {
    const folder = join(cache, wheelFolder())
    return existsSync(join(folder, 'ready')) ? wheels.join(', ').replaceAll('==', ' ') : undefined
  },
  async make() {
    const folder = join(cache, wheelFolder())
    rmSync(folder, { recursive: true, force: true })
    await call('python3', ['-m', 'venv', folder])
    await call(join(folder, 'bin', 'pip'), ['install', '--quiet', '--disable-pip-version-check', ...wheels])
    mkdirSync(tools, { recursive: true })
    for (const program of ['act', 'shellcheck', 'zizmor']) {
      rmSync(join(tools, program), { force: true })
      symlinkSync(join(folder, 'bin', program), join(tools, program))
    }
    writeFileSync(join(folder, 'ready'), '')
    return 'installed'
  },
}

function wheelFolder(): string {
  return `wheels-${wheels.join('-').replaceAll(/[^\w.-]/g, '')}`
}
