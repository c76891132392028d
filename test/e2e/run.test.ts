import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { sshAddress } from '../../lab/lab.ts'
import { parseRelease } from '../../src/core/release.ts'
import { application, configuration, newName, newRepository, type Repository } from './support/repository.ts'
import { answer, clearHost, containersOf, named, onHost, tagsOf } from './support/host.ts'
import { type Ended, launchway } from './support/programs.ts'

const lab = inject('lab')
const isCampaign = process.env['LAUNCHWAY_CAMPAIGN'] !== undefined

/**
 * From a commit to an answer, at a terminal with no GITHUB_* in sight. The hosts are of three ages; to the two others the
 * actions release, in files of their own.
 */
const suites = isCampaign ? ['bookworm', 'trixie', 'forky'] : ['forky']

describe.each(suites)('launchway run, to a host with Debian %s', (suite) => {
  const app = newName(`shop-${suite}`)
  const host = lab.hosts[suite]
  if (host === undefined) throw new Error(`the lab has no host ${suite}`)
  const env = { SSH_KEY: readFileSync(lab.key, 'utf8'), XDG_STATE_HOME: mkdtempSync(join(tmpdir(), 'launchway-state-')) }
  let repository: Repository
  let first: Ended
  let second: Ended
  const at = (...args: string[]): Promise<Ended> => launchway(repository.folder, args, env)
  const release = (...args: string[]): Promise<Ended> => at('run', ...args)

  beforeAll(async () => {
    repository = await newRepository({
      ...application('one'),
      'launchway.yml': configuration({
        app,
        registry: lab.registry.address,
        host: sshAddress(host, 'deploy'),
        knownHosts: lab.knownHosts,
        publish: 5000,
      }),
    })
  })
  afterAll(async () => {
    repository.remove()
    rmSync(env.XDG_STATE_HOME, { recursive: true, force: true })
    await clearHost(host, app)
  })

  it('builds, pushes and starts the first version, which answers', async () => {
    first = await release('--json')
    expect(first, first.stderr).toMatchObject({ code: 0 })
    expect(await answer(host, '5000')).toEqual({ status: 200, body: 'one' })
    const tags = await tagsOf(lab.registry.address, app)
    // In no certain order: a key may come before or after "env". This registry has no referrers API: the list of what belongs to the image is a tag of its own.
    expect(tags).toHaveLength(6)
    expect(tags).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^launchway-[0-9a-f]{32}$/),
        'launchway-env-production',
        'launchway-moving',
        'master',
        expect.stringMatching(/^sha-[0-9a-f]{7}$/),
        expect.stringMatching(/^sha256-[0-9a-f]{64}$/),
      ]),
    )
    expect(Object.values(await containersOf(host, app))).toEqual(['running'])
  })

  it('makes the same image of the same commit: one digest, however often it is released', async () => {
    second = await release('--json')
    expect(second, second.stderr).toMatchObject({ code: 0 })
    const { build, deploy } = parseRelease(second.stdout, 'standard output')
    const running = await onHost(host, 'docker', 'inspect', '--format', '{{.Config.Image}}', deploy?.hosts[0]?.services[0]?.container ?? '')
    expect(running).toBe(`${lab.registry.address}/${app}@${build?.images[0]?.registries[`${lab.registry.address}/${app}`]?.digest}`)
    expect(deploy?.hosts[0]?.previous).toBe(parseRelease(first.stdout, 'the first run').id)
    expect(build?.images[0]?.config).toEqual(parseRelease(first.stdout, 'the first run').build?.images[0]?.config)
    expect(await answer(host, '5000')).toEqual({ status: 200, body: 'one' })
  })

  it('puts the next commit live and keeps the old container, stopped', async () => {
    await repository.commit({ 'version.txt': 'two' })
    const ended = await release()
    expect(ended, ended.stderr).toMatchObject({ code: 0 })
    expect(ended.stdout).toMatch(/ master@[0-9a-f]{7} is live in production/)
    expect(await answer(host, '5000')).toEqual({ status: 200, body: 'two' })
    expect(Object.values(await containersOf(host, app)).toSorted()).toContain('exited')
  })

  it(
    'albinotonnina/echos#154: puts an earlier version live again by its commit: the same digest runs, nothing is built and no tag moves',
    { tags: ['albinotonnina/echos#154'] },
    async () => {
      const image = `${lab.registry.address}/${app}`
      const earlier = parseRelease(first.stdout, 'the first run')
      const before = await tagsOf(lab.registry.address, app)
      const ended = await at('redeploy', earlier.plan.sha, '--json')
      expect(ended, ended.stderr).toMatchObject({ code: 0 })
      const { plan, build, push, deploy } = parseRelease(ended.stdout, 'standard output')
      // Two releases have that commit: the newer one is meant.
      expect(plan).toMatchObject({ redeploys: parseRelease(second.stdout, 'the second run').id, sha: earlier.plan.sha })
      expect(deploy?.hosts[0]?.services[0]?.reference).toBe(`${image}@${earlier.build?.images[0]?.registries[image]?.digest}`)
      expect([build?.images[0]?.how, push]).toEqual(['promoted', undefined])
      expect(ended.stderr).not.toContain('naming to')
      expect(await answer(host, '5000')).toEqual({ status: 200, body: 'one' })
      expect(await tagsOf(lab.registry.address, app)).toEqual(before)
    },
  )

  it('puts an earlier version live without its command before the switch, which cannot run any more; the failure names the way', async () => {
    const plain = readFileSync(join(repository.folder, 'launchway.yml'), 'utf8')
    await repository.commit({ 'launchway.yml': `${plain}    before-switch: { command: [grep, two, version.txt] }\n` })
    const { plan } = parseRelease(first.stdout, 'the first run')
    const failed = await at('redeploy', plan.sha)
    expect(failed, failed.stderr).toMatchObject({ code: 7, stderr: expect.stringContaining('RELEASE_COMMAND_FAILED') })
    expect(failed.stderr).toContain('launchway redeploy VERSION --without-before-switch')
    const ended = await at('redeploy', plan.sha, '--without-before-switch')
    expect(ended, ended.stderr).toMatchObject({ code: 0, stderr: expect.stringContaining('without before-switch') })
    expect(await answer(host, '5000')).toEqual({ status: 200, body: 'one' })
    await repository.commit({ 'launchway.yml': plain })
  })

  it.each([
    ['that was never there', 'v9.9.9', /has no version "v9\.9\.9"[\s\S]*It has: master, sha-/],
    ['of a digest that was never there', `sha256:${'0'.repeat(64)}`, /has no version "sha256:0/],
  ])('says that there is no version %s, and those that are; what runs goes on', async (_, version, said) => {
    const ended = await at('redeploy', version)
    expect(ended.code).toBe(2)
    expect(ended.stderr).toMatch(said)
    expect(ended.stderr).toContain('VERSION_UNKNOWN')
    expect(await answer(host, '5000')).toEqual({ status: 200, body: 'one' })
  })

  it('lets the old version answer again when the new one is not healthy, and shows its last lines', async () => {
    await repository.commit({ 'version.txt': 'broken', 'launchway.yml': withShortTimeout(repository.folder) })
    const ended = await release()
    expect(ended.code).not.toBe(0)
    expect(ended.stderr).toContain('DEPLOY_ROLLED_BACK')
    expect(ended.stderr).toContain('serving broken')
    expect(await answer(host, '5000')).toEqual({ status: 200, body: 'one' })
  })
})

describe('a host that would refuse the deploy', () => {
  const app = newName('unknown')
  const state = mkdtempSync(join(tmpdir(), 'launchway-state-'))

  it.each([
    [
      'whose key nobody has committed',
      'other.example.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJvZ3VzYm9ndXNib2d1c2JvZ3VzYm9ndXNib2d1c2Jv\n',
      {},
      'SSH_HOST_KEY',
      /ssh-keyscan -p \d+ 127\.0\.0\.1 >> \S*\.github\/known_hosts/,
    ],
    ['that does not know our key', readFileSync(lab.knownHosts, 'utf8'), { SSH_KEY: otherKey() }, 'SSH_UNREACHABLE', /refused the key/],
    ['that cannot take the deploy', readFileSync(lab.knownHosts, 'utf8'), {}, 'HOST_UNFIT', /port 22 is held by/, 22],
  ])('%s is told of before a tag moves', async (_, knownHosts, env, code, said, publish = 5000) => {
    const host = lab.hosts['forky']
    if (host === undefined) throw new Error('the lab has no host forky')
    const target = {
      app,
      registry: lab.registry.address,
      host: sshAddress(host, 'deploy'),
      knownHosts: '.github/known_hosts',
      publish,
    }
    const repository = await newRepository({
      ...application('one'),
      'launchway.yml': configuration(target),
      '.github/known_hosts': knownHosts,
    })
    const ended = await launchway(repository.folder, ['run'], { SSH_KEY: readFileSync(lab.key, 'utf8'), XDG_STATE_HOME: state, ...env })
    repository.remove()
    expect(ended.code).not.toBe(0)
    expect(ended.stderr).toContain(code)
    expect(ended.stderr).toMatch(said)
    expect(named(await tagsOf(lab.registry.address, app))).toEqual([])
  })
})

/** A key pair that no host has heard of; its private half. */
function otherKey(): string {
  const folder = mkdtempSync(join(tmpdir(), 'launchway-key-'))
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'key')])
  const key = readFileSync(join(folder, 'key'), 'utf8')
  rmSync(folder, { recursive: true })
  return key
}

function withShortTimeout(folder: string): string {
  return readFileSync(join(folder, 'launchway.yml'), 'utf8').replace('health: /\n', 'health: { path: /, timeout: 5s }\n')
}
