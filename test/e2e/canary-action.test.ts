import { randomBytes } from 'node:crypto'
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { sshAddress } from '../../lab/lab.ts'
import { call } from '../../lab/run.ts'
import { parseRelease } from '../../src/core/release.ts'
import { canaries, keepLog, plantInJournal } from './support/canary.ts'
import { answer, clearHost, named, onHost } from './support/host.ts'
import { heldIn, tagsIn } from './support/held.ts'
import { application, configuration, newName, newRepository, type Repository } from './support/repository.ts'
import { type Job, newJob, type Step } from './support/runner.ts'

const lab = inject('lab')
const host = lab.hosts['bookworm']
if (host === undefined) throw new Error('the lab has no host bookworm')
const { address: registry, username, password, ca } = lab.secureRegistry
const key = readFileSync(lab.key, 'utf8')
const canary = `canary-${randomBytes(12).toString('hex')} "$'\\%/+&`
const found = canaries(canary, password, `${username}:${password}`, key.split('\n')[1] ?? '')

const asked = { url: `https://${registry}`, ca, login: `${username}:${password}` }
const heldBy = (name: string): Promise<string[]> => heldIn(asked, name)

describe('a password, a key and a login that an action is given', () => {
  const app = newName('canary')
  const scratch = mkdtempSync(join(tmpdir(), 'launchway-canary-'))
  const target = { app, registry, host: sshAddress(host, 'ops'), knownHosts: lab.knownHosts, publish: 5000 }
  const checked = `registries: { '${registry}': { ca: ${ca} } }
smoke:
  env: { CANARY: smoke-only }
  checks:
    - { http: 'http://web:5000/', contains: one }
    - { name: what the stack has, exec: web, command: [python, -c, "import os; print(os.environ['CANARY'])"], stdout: smoke-only }
`
  const unchecked = checked.replace('  env: { CANARY: smoke-only }\n', '')
  const withSecret = configuration(target).replace('    health: /\n', '    health: /\n    secrets: [CANARY]\n')
  let repository: Repository
  let job: Job | undefined
  const jobs: Job[] = []

  /** The whole release in one step, in a job whose folder keeps the log, too. */
  async function release(): Promise<Step> {
    const sha = (await call('git', ['-C', repository.folder, 'rev-parse', 'HEAD'])).stdout.trim()
    const ref = 'refs/heads/master'
    const payload = { ref, after: sha, deleted: false }
    job = newJob({ folder: repository.folder, name: 'push', ref, sha, payload, api: lab.github.url, token: lab.github.token })
    jobs.push(job)
    const given = { 'ssh-key': key, 'registry-username': username, 'registry-password': password }
    const step = await job.uses('.', given, { CANARY: canary, RUNNER_DEBUG: '1', XDG_STATE_HOME: join(scratch, 'state') })
    keepLog(join(job.temp, 'log'), step)
    return step
  }
  const kept = (): string[] => found.filesIn(job?.temp ?? '')

  beforeAll(async () => {
    repository = await newRepository({
      ...application('one'),
      'compose.yaml': 'services: { web: { build: ., environment: { CANARY: "${CANARY}" } } }\n',
      'launchway.yml': `${withSecret}${checked}`,
    })
  })
  afterAll(async () => {
    for (const one of jobs) one.end()
    repository.remove()
    rmSync(scratch, { recursive: true, force: true })
    await clearHost(host, app)
  })

  it('reach the container, not the stack under test, and no log, output, summary, record, registry, image or journal', async () => {
    const argv = found.watchArgv()
    const step = await release()
    expect(argv.stop()).toEqual([])
    expect(step.code, step.stdout + step.stderr).toBe(0)
    expect(step.stdout).toContain('passed: what the stack has')
    const container = (await onHost(host, 'docker', 'ps', '--quiet', '--filter', `label=launchway.app=${app}`)).trim()
    expect(await onHost(host, 'docker', 'exec', container, 'python', '-c', "import os; print(os.environ['CANARY'])")).toBe(canary)
    expect(kept()).toEqual([])
    const held = await heldBy(app)
    expect(held.filter((text) => text.includes('"outcome"'))).not.toEqual([])
    expect(held.filter((text) => found.isIn(text))).toEqual([])
    const { build } = parseRelease(readFileSync(step.outputs['release'] ?? '', 'utf8'), 'the record')
    expect(await found.isInImage(`${registry}/${app}:launchway-${build?.images[0]?.key}`, scratch)).toBe(false)
    expect(await found.isInState(host, app)).toBe(false)
  })

  it('would be found in each place that was searched', async () => {
    const temp = job?.temp ?? ''
    for (const name of ['log', 'output', 'summary', 'launchway/release.json']) appendFileSync(join(temp, name), `a line with ${canary}\n`)
    expect(kept()).toEqual(['launchway/release.json', 'log', 'output', 'summary'])
    const takeOut = await plantInJournal(host, app, Buffer.from(canary).toString('base64'))
    expect(await found.isInState(host, app)).toBe(true)
    await takeOut()
    const docker = join(scratch, 'docker')
    const tag = `${registry}/${app}:planted`
    await call('mkdir', [docker])
    const auth = Buffer.from(`${username}:${password}`).toString('base64')
    writeFileSync(join(docker, 'config.json'), JSON.stringify({ auths: { [registry]: { auth } } }), { mode: 0o600 })
    await call('docker', ['build', '--quiet', '--tag', tag, '-'], {
      stdin: `FROM scratch\nCOPY <<end /file\nend\nLABEL planted="${canary.slice(0, 31)}"\n`,
    })
    try {
      expect(await found.isInImage(tag, scratch)).toBe(true)
      await call('docker', ['--config', docker, 'push', '--quiet', tag])
      expect((await heldBy(app)).filter((text) => found.isIn(text))).not.toEqual([])
    } finally {
      await call('docker', ['image', 'rm', '--force', tag])
    }
  })

  it('are taken out of the evidence, when the stack is given one from the step, prints it and dies; no tag moves, no host is touched', async () => {
    const before = named(await tagsIn(asked, app))
    await repository.commit({
      'app.py': "import os, sys\nprint('started with', os.environ['CANARY'], flush=True)\nsys.exit(3)\n",
      'launchway.yml': `${withSecret}${unchecked}`,
    })
    const argv = found.watchArgv()
    const step = await release()
    expect(argv.stop()).toEqual([])
    expect(step.code).not.toBe(0)
    expect(step.stdout).toContain('SMOKE_UNHEALTHY')
    expect(step.stdout).toContain('started with ***')
    expect(step.summary).toContain('started with ***')
    expect(kept()).toEqual([])
    expect(named(await tagsIn(asked, app))).toEqual(before)
    expect(await answer(host, '5000')).toEqual({ status: 200, body: 'one' })
  })
})
