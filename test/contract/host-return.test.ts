import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { describe, expect, inject, onTestFinished, test } from 'vitest'
import { docker } from '../../lab/run.ts'
import { rollback } from '../../src/deploy/rollback.ts'
import type { Lifecycle } from '../../src/core/lifecycle.ts'
import { journalOf } from './support/host.ts'
import { failureOf, pathsOf, pushAnother, stepsOf, useHosts } from './support/hosts.ts'
import { back, portsOf, release, releaseOf } from './support/lifecycle.ts'
import { pushServer } from './support/server.ts'
import { site, siteHost } from './support/site.ts'
import { removeImage, web, worker } from './support/release.ts'

const { image, machine } = useHosts()

describe('a rollback to a version that somebody names', () => {
  test('goes by what people call it, by id and by the beginning of an id; an unknown one is told what each host keeps', async () => {
    const host = await machine()
    const services = [web(host)]
    const [one, two] = [
      await release(host, image(), { version: 'v1', services }),
      await release(host, image(), { version: 'v2', services }),
    ]
    await release(host, image(), { version: 'v3', services })
    expect(await back(host, { version: 'v1' })).toMatchObject({ version: 'v1', release: one.release })
    expect(await host.answer()).toBe('v1')
    expect(await back(host, { version: two.release })).toMatchObject({ version: 'v2' })
    expect(await host.answer()).toBe('v2')
    expect(await back(host, { version: '1' })).toMatchObject({ version: 'v1' })
    expect(await back(host, { version: 'v1' })).toMatchObject({ version: 'v1', hosts: [] })
    const unknown = await failureOf(back(host, { version: 'v9' }))
    expect(unknown).toMatchObject({ code: 'VERSION_UNKNOWN', message: 'no host keeps a version "v9": nothing to roll back to' })
    expect(unknown.hint).toContain(`v2 (${two.release}) of 2026-01-01 00:`)
    expect(await host.answer()).toBe('v1')
  })

  test(
    'litigant-portal#521: what a kept release needs is never pruned, and what was removed by hand is pulled and made again',
    { tags: ['litigant-portal#521', 'pruned-image'] },
    async () => {
      const host = await machine()
      const { repository, digest } = image()
      const reference = `${repository}@${digest}`
      const services = [web(host, { secrets: ['KEY'] })]
      const wish = { services, keep: 1, secrets: { KEY: 'kept' } }
      const first = await release(host, image(), { version: 'one', ...wish })
      for (const version of ['two', 'three']) await release(host, image(), { version, ...wish })
      // The image is that of all of them: what was pruned did not take it along.
      expect(await docker('image', 'inspect', '--format', '{{.Id}}', reference)).toMatch(/^sha256:/)
      expect(existsSync(pathsOf(host).release(first.release))).toBe(false)
      const [kept, serving] = await host.containers()
      await docker('rm', kept?.name ?? '')
      await docker('stop', serving?.name ?? '')
      await docker('rm', serving?.name ?? '')
      await docker('image', 'rm', '--force', repository, reference)
      await back(host, { version: 'two' })
      expect(await host.answer()).toBe('two')
      expect(await docker('exec', kept?.name ?? '', 'sh', '-c', 'echo "$KEY"')).toBe('kept')
      // A plain deploy of the release that is live does the same.
      const { current } = pathsOf(host)
      const id = readFileSync(current, 'utf8').trim()
      await docker('rm', '--force', kept?.name ?? '')
      await docker('image', 'rm', '--force', repository, reference)
      await release(host, image(), { version: 'two', ...wish, id })
      expect(await host.answer()).toBe('two')
    },
  )

  test(
    'litigant-portal#521: an image stays for a kept release whose container somebody has removed, though an older one of it goes',
    { tags: ['litigant-portal#521'] },
    async () => {
      const host = await machine()
      const other = await pushAnother(image(), 'other')
      onTestFinished(async () => void (await docker('image', 'rm', '--force', `${other.repository}@${other.digest}`)))
      const services = [worker]
      const first = await release(host, image(), { version: 'one', services })
      await release(host, image(), { version: 'two', services })
      await release(host, other, { version: 'three', services })
      for (const { name, state } of await host.containers()) if (state !== 'running') await docker('rm', name)
      await release(host, other, { version: 'four', services, keep: 3 })
      expect(existsSync(pathsOf(host).release(first.release))).toBe(false)
      const { repository, digest } = image()
      expect(await docker('image', 'inspect', '--format', '{{.Id}}', `${repository}@${digest}`)).toMatch(/^sha256:/)
      expect(await back(host, { version: 'two' })).toMatchObject({ version: 'two' })
    },
  )

  test('is refused where a version that would be left declares that it cannot be, unless it is forced', async () => {
    const host = await machine()
    await release(host, image(), { version: 'one' })
    const two = await release(host, image(), { version: 'two', noReturn: 'its migration drops the column price' })
    const refused = await failureOf(back(host))
    expect(refused).toMatchObject({
      code: 'ROLLBACK_REFUSED',
      message: `two (${two.release}) cannot be rolled back: its migration drops the column price`,
    })
    const steps = stepsOf(host).length
    await release(host, image(), { version: 'three' })
    expect(await failureOf(back(host, { version: 'one' }))).toMatchObject({ code: 'ROLLBACK_REFUSED' })
    await back(host)
    await back(host, { version: 'one', force: true })
    expect(await host.answer()).toBe('one')
    expect(stepsOf(host).slice(steps)).toContain('forced done')
    expect(journalOf(host)).toContain('drops the column price')
    // What fails before it is live is undone all the same.
    const failed = release(host, image(), { version: 'bad', noReturn: 'x', services: [web(host, { env: { MODE: 'crash' } })] })
    expect(await failureOf(failed)).toMatchObject({ code: 'DEPLOY_ROLLED_BACK' })
    expect(await host.answer()).toBe('one')
  })
})

test('behind nginx a version that is in the slot of the current one is made again in the other, and no request is lost', async () => {
  const server = await pushServer(inject('lab').registry.address)
  onTestFinished(() => removeImage(server))
  await using host = siteHost('trixie')
  const services = [site(host)]
  for (const version of ['one', 'two']) await release(host, server, { version, services })
  const { hosts } = await release(host, server, { version: 'three', services })
  expect(hosts[0]?.slot).toBe('a')
  const requests = host.traffic()
  await requests.seen('three')
  const { environment } = releaseOf(host, server, { version: 'now', services }).plan
  if (environment === undefined) throw new Error('no environment')
  const returned = await rollback(host.app, environment, portsOf(host, {}), { version: 'one' })
  expect(returned).toMatchObject({ version: 'one', hosts: [{ slot: 'b' }] })
  await requests.seen('one')
  expect(Object.fromEntries((await requests.stop()).failures)).toEqual({})
  expect(await host.page()).toBe('one')
})

describe('the probe from outside', () => {
  const door = async (answer: { status: number; body?: string; location?: string }): Promise<string> => {
    const server = createServer((_request, response) => {
      response.writeHead(answer.status, { server: 'door', ...(answer.location === undefined ? {} : { location: answer.location }) })
      response.end(answer.body ?? '')
    })
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
    onTestFinished(() => void server.close())
    const address = server.address()
    return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/healthz`
  }
  const probe = (url: string): Lifecycle['probe'] => ({ url, timeoutMs: 1500 })

  test('asks the public address; what is not well there brings the version before back, with the answer as evidence', async () => {
    const host = await machine()
    const said: string[] = []
    const here = `http://127.0.0.1:${host.port}/`
    await release(host, image(), { version: 'one', probe: probe(here), onInfo: (line) => said.push(line) })
    expect(said).toContain(`${here} 200, as the public sees it`)
    const sick = await door({ status: 502, body: '<h1>Bad Gateway</h1>' })
    const error = await failureOf(release(host, image(), { version: 'two', probe: probe(sick) }))
    expect(error).toMatchObject({
      code: 'DEPLOY_ROLLED_BACK',
      message: expect.stringMatching(/ does not answer as it should; one@[0-9a-f]{7} serves again$/),
    })
    expect(error.hint).toBe(`${sick} answered 502\nserver: door\n\n<h1>Bad Gateway</h1>`)
    expect(await host.answer()).toBe('one')
    const login = await door({ status: 302, location: '/accounts/login/?next=/healthz' })
    expect((await failureOf(release(host, image(), { version: 'three', probe: probe(login) }))).hint).toContain(
      '/accounts/login/?next=/healthz, a login',
    )
    expect(await host.answer()).toBe('one')
  })

  test('that fails where there is no way back leaves the release, and says so', async () => {
    const host = await machine()
    const sick = await door({ status: 500 })
    const first = await failureOf(release(host, image(), { version: 'one', probe: probe(sick) }))
    expect(first).toMatchObject({
      code: 'PROBE_FAILED',
      message: expect.stringContaining('stays: this deploy replaced no version on host'),
    })
    expect(await host.answer()).toBe('one')
    const declared = await failureOf(release(host, image(), { version: 'two', probe: probe(sick), noReturn: 'it drops a column' }))
    expect(declared).toMatchObject({ code: 'PROBE_FAILED', message: expect.stringContaining('stays: it drops a column') })
    expect(await host.answer()).toBe('two')
  })
})
