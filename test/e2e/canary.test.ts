import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { type LabHost, sshAddress } from '../../lab/lab.ts'
import { call } from '../../lab/run.ts'
import { parseRelease } from '../../src/core/release.ts'
import { clearHost, onHost } from './support/host.ts'
import { type Ended, launchway } from './support/programs.ts'
import { application, configuration, newName, newRepository, type Repository } from './support/repository.ts'

const lab = inject('lab')
const host = lab.hosts['bookworm']
if (host === undefined) throw new Error('the lab has no host bookworm')

/** With what shells, YAML and URLs give a meaning to. */
const canary = `canary-${randomBytes(12).toString('hex')} "$'\\%/+&`

/** The shapes in which it could be somewhere. */
const shapes = [
  canary,
  canary.slice(0, 31),
  Buffer.from(canary).toString('base64'),
  encodeURIComponent(canary),
  JSON.stringify(canary).slice(1, -1),
]

function holdsCanary(text: string | Buffer): boolean {
  const bytes = Buffer.from(text)
  return shapes.some((shape) => bytes.includes(shape))
}

/** The command lines of all processes, those in containers and on the lab's hosts among them, for as long as it looks. */
function watchArgv(): { stop(): string[] } {
  const found = new Set<string>()
  // Often enough for a client that is there for a blink.
  const look = (): void => {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
        if (holdsCanary(line)) found.add(line.replaceAll('\0', ' '))
      } catch {
        // It ended meanwhile.
      }
    }
  }
  const timer = setInterval(look, 10)
  return { stop: () => (clearInterval(timer), [...found]) }
}

/** Every layer and configuration of an image, unpacked, and whether the canary is in one. */
async function imageHolds(reference: string, scratch: string): Promise<boolean> {
  const archive = join(scratch, 'image.tar')
  await call('docker', ['save', '--output', archive, reference])
  const bytes = readFileSync(archive)
  rmSync(archive)
  const folder = join(scratch, 'image')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'image.tar'), bytes)
  await call('tar', ['-xf', join(folder, 'image.tar'), '-C', folder])
  rmSync(join(folder, 'image.tar'))
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const held = files.some((entry) => {
    const content = readFileSync(join(entry.parentPath, entry.name))
    return holdsCanary(content) || (content[0] === 0x1f && content[1] === 0x8b && holdsCanary(gunzipSync(content)))
  })
  rmSync(folder, { recursive: true, force: true })
  return held
}

/** What lies in the state folder of the host, apart from what a container is started with. */
async function stateHolds(on: LabHost, app: string): Promise<boolean> {
  const text = await onHost(on, 'sh', '-c', `find /var/lib/launchway/${app} -type f ! -name secrets -exec cat {} +`)
  return holdsCanary(text)
}

describe('a password that is given as a secret', () => {
  const app = newName('canary')
  const scratch = mkdtempSync(join(tmpdir(), 'launchway-canary-'))
  const env = { CANARY: canary, SSH_KEY: readFileSync(lab.key, 'utf8'), XDG_STATE_HOME: join(scratch, 'state') }
  let repository: Repository
  const release = (): Promise<Ended> => launchway(repository.folder, ['run', '--json', '--debug'], env)
  const target = { app, registry: lab.registry.address, host: sshAddress(host, 'ops'), knownHosts: lab.knownHosts, publish: 5000 }
  const files = {
    ...application('one'),
    'launchway.yml': configuration(target).replace('    health: /\n', '    health: { path: /, timeout: 5s }\n    secrets: [CANARY]\n'),
  }

  beforeAll(async () => {
    repository = await newRepository(files)
  })
  afterAll(async () => {
    repository.remove()
    rmSync(scratch, { recursive: true, force: true })
    await clearHost(host, app)
  })

  it('would be found, wherever it stood: in a command line, a log, a layer of an image, the state of a host', async () => {
    const argv = watchArgv()
    const planted = spawn('sh', ['-c', 'sleep 2; :', 'planted', canary], { stdio: 'ignore' })
    await new Promise((resolve) => setTimeout(resolve, 200))
    planted.kill()
    expect(argv.stop()).toHaveLength(1)
    expect(holdsCanary(`a line with ${Buffer.from(canary).toString('base64')} in it`)).toBe(true)
    const tag = `launchway-canary:${app}`
    await call('docker', ['build', '--quiet', '--tag', tag, '-'], {
      stdin: `FROM python:3\nRUN printf '%s' '${canary.slice(0, 31)}' > /planted\n`,
    })
    expect(await imageHolds(tag, scratch)).toBe(true)
    await call('docker', ['image', 'rm', '--force', tag])
    await onHost(host, 'mkdir', '-p', `/var/lib/launchway/${app}`)
    await onHost(host, 'sh', '-c', `printf '%s' "$1" > /var/lib/launchway/${app}/planted`, '-', canary)
    expect(await stateHolds(host, app)).toBe(true)
    await onHost(host, 'rm', '-r', `/var/lib/launchway/${app}`)
  })

  it('reaches the container, and is in no log, command line, record, layer or state', async () => {
    const argv = watchArgv()
    const ended = await release()
    expect(ended, ended.stderr).toMatchObject({ code: 0 })
    expect(argv.stop()).toEqual([])
    expect([holdsCanary(ended.stdout), holdsCanary(ended.stderr)]).toEqual([false, false])
    const container = (await onHost(host, 'docker', 'ps', '--quiet', '--filter', `label=launchway.app=${app}`)).trim()
    expect(await onHost(host, 'docker', 'exec', container, 'python', '-c', "import os; print(os.environ['CANARY'])")).toBe(canary)
    const { build } = parseRelease(ended.stdout, 'standard output')
    expect(await imageHolds(`${lab.registry.address}/${app}:launchway-${build?.images[0]?.key}`, scratch)).toBe(false)
    expect(await stateHolds(host, app)).toBe(false)
  })

  it('is taken out of the evidence, when the application itself prints it and dies', async () => {
    await repository.commit({ 'app.py': "import os, sys\nprint('started with', os.environ['CANARY'], flush=True)\nsys.exit(3)\n" })
    const argv = watchArgv()
    const ended = await release()
    expect(argv.stop()).toEqual([])
    expect(ended.stderr).toContain('DEPLOY_ROLLED_BACK')
    expect(ended.stderr).toContain('started with ***')
    expect([holdsCanary(ended.stdout), holdsCanary(ended.stderr)]).toEqual([false, false])
    expect(parseRelease(ended.stdout, 'standard output').outcome.evidence).toContain('started with ***')
  })
})
