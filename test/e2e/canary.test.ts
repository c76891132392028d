import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { sshAddress } from '../../lab/lab.ts'
import { call } from '../../lab/run.ts'
import { parseRelease } from '../../src/core/release.ts'
import { canaries, plantInJournal } from './support/canary.ts'
import { clearHost, onHost } from './support/host.ts'
import { type Ended, launchway } from './support/programs.ts'
import { application, configuration, newName, newRepository, type Repository } from './support/repository.ts'

const lab = inject('lab')
const host = lab.hosts['bookworm']
if (host === undefined) throw new Error('the lab has no host bookworm')

/** With what shells, YAML and URLs give a meaning to. */
const canary = `canary-${randomBytes(12).toString('hex')} "$'\\%/+&`

const found = canaries(canary)

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

  it('would be found, wherever it stood: in a command line, a log, a layer of an image', async () => {
    const argv = found.watchArgv()
    const planted = spawn('sh', ['-c', 'sleep 2; :', 'planted', canary], { stdio: 'ignore' })
    await new Promise((resolve) => setTimeout(resolve, 200))
    planted.kill()
    expect(argv.stop()).toHaveLength(1)
    expect(found.isIn(`a line with ${Buffer.from(canary).toString('base64')} in it`)).toBe(true)
    const tag = `launchway-canary:${app}`
    await call('docker', ['build', '--quiet', '--tag', tag, '-'], {
      stdin: `FROM scratch\nCOPY <<planted /planted\n${canary.slice(0, 31)}\nplanted\n`,
    })
    expect(await found.isInImage(tag, scratch)).toBe(true)
    await call('docker', ['image', 'rm', '--force', tag])
  })

  it('reaches the container, and is in no log, command line, record, layer or state', async () => {
    const argv = found.watchArgv()
    const ended = await release()
    expect(ended, ended.stderr).toMatchObject({ code: 0 })
    expect(argv.stop()).toEqual([])
    expect([found.isIn(ended.stdout), found.isIn(ended.stderr)]).toEqual([false, false])
    const container = (await onHost(host, 'docker', 'ps', '--quiet', '--filter', `label=launchway.app=${app}`)).trim()
    expect(await onHost(host, 'docker', 'exec', container, 'python', '-c', "import os; print(os.environ['CANARY'])")).toBe(canary)
    const { build } = parseRelease(ended.stdout, 'standard output')
    expect(await found.isInImage(`${lab.registry.address}/${app}:launchway-${build?.images[0]?.key}`, scratch)).toBe(false)
    expect(await found.isInState(host, app)).toBe(false)
    const takeOut = await plantInJournal(host, app, canary)
    expect(await found.isInState(host, app)).toBe(true)
    await takeOut()
  })

  it('is taken out of the evidence, when the application itself prints it and dies', async () => {
    await repository.commit({ 'app.py': "import os, sys\nprint('started with', os.environ['CANARY'], flush=True)\nsys.exit(3)\n" })
    const argv = found.watchArgv()
    const ended = await release()
    expect(argv.stop()).toEqual([])
    expect(ended.stderr).toContain('DEPLOY_ROLLED_BACK')
    expect(ended.stderr).toContain('started with ***')
    expect([found.isIn(ended.stdout), found.isIn(ended.stderr)]).toEqual([false, false])
    expect(parseRelease(ended.stdout, 'standard output').outcome.evidence).toContain('started with ***')
  })
})
