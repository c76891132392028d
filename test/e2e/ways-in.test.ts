import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { z } from 'zod'
import type { Job } from '../../lab/act.ts'
import { type Place, placeOf, prepareHost, serverName } from '../../lab/demo/place.ts'
import { commit, makeRepository, nextVersion } from '../../lab/demo/repository.ts'
import { ask, call } from '../../lab/run.ts'
import { parseJson } from '../../src/core/json.ts'
import { parseRelease, type Release } from '../../src/core/release.ts'
import { canaries, type Canaries, plantInJournal } from './support/canary.ts'
import { heldIn, recordAt } from './support/held.ts'
import { clearHost, onHost, tagsOf } from './support/host.ts'
import { bareEnvironment, type Ended, run } from './support/programs.ts'

const lab = inject('lab')
const image = 'apw247/flask_addie'

/** A step that says what it should not. */
const planted = `on: push
jobs:
  planted:
    runs-on: ubuntu-latest
    steps:
      - run: echo "said $SECRET_KEY"; echo "summed up $SECRET_KEY" >> "$GITHUB_STEP_SUMMARY"
        env: { SECRET_KEY: '\${{ secrets.SECRET_KEY }}' }
`

/**
 * The first system of all, by every way in: its own workflows under act. Production stands behind nginx with TLS,
 * development has a port of its own, and the branch `docker` is not deployed.
 */
describe('examples/addie, by each way in, does exactly its part', () => {
  let place: Place
  const scratch = mkdtempSync(join(tmpdir(), 'launchway-ways-'))
  let printed = 0
  const git = (...args: string[]): Promise<unknown> => call('git', ['-C', place.repository, ...args])

  /** What `act` does of a workflow, as if GitHub had told of this event. */
  async function act(event: Job['event'], workflow: string, payload: unknown = {}): Promise<Ended> {
    const file = join(scratch, 'event.json')
    writeFileSync(file, JSON.stringify(payload))
    rmSync(place.runner.artifacts, { recursive: true, force: true })
    // act hides the secrets that it knows: then nobody would see what launchway itself does not hide.
    const args = [...place.runner.args({ event, workflow, payload: file }), '--insecure-secrets']
    const ended = await run('act', args, { cwd: place.repository, env: { ...bareEnvironment(), ...place.runner.env, TMPDIR: scratch } })
    writeFileSync(join(scratch, `${event}-${(printed += 1)}.log`), ended.stdout + ended.stderr)
    return ended
  }
  const push = (ref: string): Promise<Ended> => act('push', 'push.yml', { ref })

  /** The record that the last run has kept. */
  function record(): Release {
    const kept = join(place.runner.artifacts, 'launchway/release.json')
    return parseRelease(readFileSync(kept, 'utf8'), kept)
  }
  /** That of the release which production runs, by what the registry says. */
  const current = (): Promise<Release> => recordAt({ url: `http://${lab.registry.address}` }, image, 'launchway-env-production')

  /** The version that answers in an environment; undefined when none does. */
  async function versionIn(environment: 'production' | 'development'): Promise<string | undefined> {
    const { curl, url } = place.front
    const address = environment === 'production' ? [...curl, `${url}/healthz`] : [`http://127.0.0.1:${place.host.ports['6000']}/healthz`]
    const body = await ask('curl', ['--silent', '--fail', '--max-time', '5', ...address])
    return body === undefined ? undefined : parseJson(body, z.object({ version: z.string() }))?.version
  }
  const versions = async (): Promise<(string | undefined)[]> => [await versionIn('production'), await versionIn('development')]
  const own = async (): Promise<string[]> => (await tagsOf(lab.registry.address, image)).filter((tag) => !/^(launchway-|sha)/.test(tag))

  beforeAll(async () => {
    place = placeOf(lab)
    await prepareHost(place)
    await makeRepository(place)
  })
  afterAll(async () => {
    rmSync(scratch, { recursive: true, force: true })
    rmSync(join(lab.folder, 'demo'), { recursive: true, force: true })
    await onHost(place.host, 'sh', '-c', 'rm -rf /etc/nginx/conf.d/launchway* /etc/nginx/launchway.d/servers && nginx -s reload')
    await clearHost(place.host, 'flask_addie')
  })

  it('a branch that launchway.yml does not name: nothing to do, because …, and green', async () => {
    await git('checkout', '--quiet', '-b', 'feature')
    const ended = await push('refs/heads/feature')
    expect(ended.code, ended.stdout + ended.stderr).toBe(0)
    const message = 'no rule for the branch "feature": branches has master, docker, docker_dev'
    expect(ended.stdout).toContain(`nothing to do: ${message}`)
    expect(record()).toMatchObject({ outcome: { state: 'nothing-to-do', message }, plan: { event: 'push', ref: 'refs/heads/feature' } })
    expect(record().build).toBeUndefined()
    expect([await versions(), await own()]).toEqual([[undefined, undefined], []])
  })

  it('docker_dev: built, tested, scanned, pushed, and development answers on its port', async () => {
    await git('checkout', '--quiet', '-b', 'docker_dev')
    const ended = await push('refs/heads/docker_dev')
    expect(ended.code, ended.stdout + ended.stderr).toBe(0)
    expect(ended.stdout).toContain('passed: a job is done')
    expect(ended.stdout).toMatch(/Trivy \d+\.\d+\.\d+/)
    const { smoke, scan, push: pushed, deploy } = record()
    expect([smoke?.checks.every(({ passed }) => passed), scan?.images.length, deploy?.environment]).toEqual([true, 1, 'development'])
    expect(pushed?.references.map(({ reference }) => reference)).toContain(`${lab.registry.address}/${image}:docker_dev`)
    expect([await versions(), await own()]).toEqual([[undefined, '1.0.0'], ['docker_dev']])
  })

  it('docker: built, tested, scanned and pushed, and nothing is deployed', async () => {
    await git('checkout', '--quiet', '-b', 'docker')
    nextVersion(place)
    await commit(place, 'The next version')
    const ended = await push('refs/heads/docker')
    expect(ended.code, ended.stdout + ended.stderr).toBe(0)
    expect(ended.stdout).toContain('deploy: skipped, the branch docker is not deployed')
    expect(record()).toMatchObject({ outcome: { state: 'done' }, plan: { version: 'docker', stages: { deploy: { run: false } } } })
    expect(record().deploy).toBeUndefined()
    expect([await versions(), await own()]).toEqual([
      [undefined, '1.0.0'],
      ['docker', 'docker_dev'],
    ])
  })

  it('master: production answers behind nginx, over TLS with the headers of the application', async () => {
    await git('checkout', '--quiet', '-B', 'master')
    const ended = await push('refs/heads/master')
    expect(ended.code, ended.stdout + ended.stderr).toBe(0)
    expect([await versions(), await own()]).toEqual([
      ['1.1.0', '1.0.0'],
      ['docker', 'docker_dev', 'master'],
    ])
    expect(record()).toMatchObject({
      build: { images: [{ how: 'promoted' }] },
      deploy: { environment: 'production', url: place.front.url },
    })
    const { curl, url } = place.front
    const { stdout } = await call('curl', ['--silent', '--head', ...curl, url])
    expect(stdout).toMatch(/^x-frame-options: DENY\r?$/im)
    expect(stdout).toMatch(/^strict-transport-security: max-age=/im)
    const plain = await call('curl', [
      '--silent',
      '--head',
      '--header',
      `Host: ${serverName}`,
      `http://127.0.0.1:${place.host.ports['80']}/`,
    ])
    expect(plain.stdout).toMatch(/^location: https:\/\/addie\.example\.org/im)
  })

  it('a tag v1.2.3: an image of that version, in production', async () => {
    await git('tag', 'v1.2.3')
    const ended = await push('refs/tags/v1.2.3')
    expect(ended.code, ended.stdout + ended.stderr).toBe(0)
    expect(ended.stdout).toContain('1.2.3 is live in production')
    const reason = 'the tag v1.2.3 (by v*) goes to production'
    expect(record()).toMatchObject({ plan: { ref: 'refs/tags/v1.2.3', version: '1.2.3', stages: { deploy: { run: true, reason } } } })
    expect(await versions()).toEqual(['1.1.0', '1.0.0'])
    expect(await own()).toEqual(['1.2.3', 'docker', 'docker_dev', 'master', 'v1.2.3'])
  })

  /** By a button of its workflow. */
  const moved = (move: string, dry = 'false'): Promise<Ended> =>
    act('workflow_dispatch', 'versions.yml', { ref: 'refs/heads/master', inputs: { move, environment: 'production', 'dry-run': dry } })

  it('a button that only says what would happen: an older version would go live, and nothing does', async () => {
    const ended = await act('workflow_dispatch', 'redeploy.yml', {
      ref: 'refs/heads/master',
      inputs: { version: 'docker_dev', environment: 'production', 'dry-run': 'true' },
    })
    expect(ended.code, ended.stdout + ended.stderr).toBe(0)
    expect(ended.stdout).toContain('docker_dev goes to production: https://addie.example.org')
    expect(record().plan).toMatchObject({ event: 'workflow_dispatch', version: 'docker_dev', stages: { deploy: { run: true } } })
    expect([record().deploy, (await current()).plan.version]).toEqual([undefined, '1.2.3'])
    expect(await versions()).toEqual(['1.1.0', '1.0.0'])
  })

  const redeployed = (): Promise<Ended> =>
    act('workflow_dispatch', 'redeploy.yml', { ref: 'refs/heads/master', inputs: { version: 'docker_dev', environment: 'production' } })

  it(
    'a button with an older version: it goes live again, and nothing is built, scanned or pushed',
    { tags: ['albinotonnina/echos#154'] },
    async () => {
      const before = await tagsOf(lab.registry.address, image)
      // From now on a new version waits for somebody's word.
      const file = join(place.repository, 'launchway.yml')
      writeFileSync(file, readFileSync(file, 'utf8').replace('  production:\n', '  production:\n    confirm: true\n'))
      await commit(place, 'Wait for a confirmation')
      const ended = await redeployed()
      expect(ended.code, ended.stdout + ended.stderr).toBe(0)
      const { plan, deploy } = record()
      expect(Object.entries(plan.stages).flatMap(([stage, { run }]) => (run ? [stage] : []))).toEqual(['plan', 'deploy', 'report'])
      expect(deploy?.hosts).toMatchObject([{ waits: {} }])
      expect((await current()).id).toBe(record().id)
      for (const stage of ['build', 'smoke', 'scan', 'upload', 'push']) expect(ended.stdout).toContain(`${stage}: skipped, release `)
      expect(ended.stdout).not.toContain('naming to')
      expect(await versions()).toEqual(['1.0.0', '1.0.0'])
      expect(await tagsOf(lab.registry.address, image)).toEqual(before)
      expect(ended.stdout).toContain('it waits for a confirmation')
    },
  )

  it.each([
    ['confirm', 'flask_addie docker_dev would be confirmed in production'],
    ['abort', 'flask_addie would go back to 1.2.3 in production'],
    ['rollback', 'flask_addie would go back to 1.2.3 in production'],
  ])('a button that only says what %s would come to: it still waits', async (move, says) => {
    const ended = await moved(move, 'true')
    expect(ended.code, ended.stdout + ended.stderr).toBe(0)
    expect(ended.stdout).toContain(says)
    expect(ended.stdout).toContain('Nothing was changed.')
    expect(await versions()).toEqual(['1.0.0', '1.0.0'])
  })

  it('a button that confirms: it stays, and nothing waits for another that would leave it', async () => {
    const confirmed = await moved('confirm')
    expect(confirmed.code, confirmed.stdout + confirmed.stderr).toBe(0)
    expect([await versions(), (await current()).plan.version]).toEqual([['1.0.0', '1.0.0'], 'docker_dev'])
    const aborted = await moved('abort')
    expect(aborted.code, aborted.stdout + aborted.stderr).not.toBe(0)
    expect(aborted.stdout).toContain('NOTHING_WAITS')
    expect(await versions()).toEqual(['1.0.0', '1.0.0'])
  })

  it('a button that goes back: the version before answers again, from what the host has kept', async () => {
    const ended = await moved('rollback')
    expect(ended.code, ended.stdout + ended.stderr).toBe(0)
    expect(await versions()).toEqual(['1.1.0', '1.0.0'])
    expect((await current()).plan.version).toBe('1.2.3')
  })

  it('a button that aborts: what waited has gone, and the version before answers again', async () => {
    const waiting = await redeployed()
    expect(waiting.code, waiting.stdout + waiting.stderr).toBe(0)
    expect(record().deploy?.hosts).toMatchObject([{ waits: {} }])
    expect([await versions(), (await current()).plan.version]).toEqual([['1.0.0', '1.0.0'], 'docker_dev'])
    const aborted = await moved('abort')
    expect(aborted.code, aborted.stdout + aborted.stderr).toBe(0)
    expect([await versions(), (await current()).plan.version]).toEqual([['1.1.0', '1.0.0'], '1.2.3'])
  })

  describe('no secret of the repository', () => {
    const lines = (text: string): string[] => text.split('\n').filter((line) => line.length > 20 && !line.startsWith('-----'))
    const secrets = (): { key: string; secret: string } => ({
      key: lines(readFileSync(lab.key, 'utf8'))[0] ?? '',
      secret: readFileSync(join(lab.folder, 'demo', 'secret-key'), 'utf8'),
    })
    const found = (): Canaries => canaries(...Object.values(secrets()))
    const registry = { url: `http://${lab.registry.address}` }

    it('is in a log, a summary, a record, a journal or an image, though the runner hides none', async () => {
      const { secret } = secrets()
      const container = (await onHost(place.host, 'docker', 'ps', '--quiet', '--filter', 'label=launchway.environment=production')).trim()
      expect(await onHost(place.host, 'docker', 'exec', container, 'printenv', 'SECRET_KEY')).toBe(secret)
      const logs = readdirSync(scratch).filter((name) => name.endsWith('.log'))
      expect(logs.filter((name) => readFileSync(join(scratch, name), 'utf8').includes('is live in production'))).not.toEqual([])
      expect(found().filesIn(scratch)).toEqual([])
      // Where act keeps files, the secrets that it was given stand in one.
      expect(found().filesIn(join(lab.folder, 'demo', 'runner'))).toEqual(['secrets'])
      const held = await heldIn(registry, image)
      expect(held.filter((text) => text.includes('"outcome"'))).not.toEqual([])
      expect(held.filter((text) => found().isIn(text))).toEqual([])
      expect(await found().isInState(place.host, 'flask_addie')).toBe(false)
      const key = (await tagsOf(lab.registry.address, image)).find((tag) => /^launchway-[0-9a-f]{32}$/.test(tag))
      expect(await found().isInImage(`${lab.registry.address}/${image}:${key}`, scratch)).toBe(false)
    })

    it('would be missed there', async () => {
      const { secret } = secrets()
      writeFileSync(join(place.repository, '.github/workflows/planted.yml'), planted)
      const ended = await act('push', 'planted.yml', { ref: 'refs/heads/master' })
      expect(ended.code, ended.stdout + ended.stderr).toBe(0)
      expect(ended.stdout).toContain(`said ${secret}`)
      expect(ended.stdout).toContain(`summed up ${secret}`)
      expect(found().filesIn(scratch)).toEqual([`push-${printed}.log`])
      for (const [at, value] of Object.entries(secrets())) {
        const takeOut = await plantInJournal(place.host, 'flask_addie/production', value)
        expect(await found().isInState(place.host, 'flask_addie'), at).toBe(true)
        await takeOut()
      }
      const tag = `${lab.registry.address}/${image}:planted`
      await call('docker', ['build', '--quiet', '--tag', tag, '-'], {
        stdin: `FROM scratch\nCOPY <<end /file\nend\nLABEL planted=${secret}\n`,
      })
      try {
        await call('docker', ['push', '--quiet', tag])
        expect((await heldIn(registry, image)).filter((text) => found().isIn(text))).not.toEqual([])
        expect(await found().isInImage(tag, scratch)).toBe(true)
      } finally {
        await call('docker', ['image', 'rm', '--force', tag])
      }
    })
  })
})
