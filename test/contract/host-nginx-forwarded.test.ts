import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import type { Nginx } from '../../src/core/deployment.ts'
import { failureOf, running } from './support/hosts.ts'
import { deployTo, type PushedImage, pushImage, removeImage } from './support/release.ts'
import { pushServer } from './support/server.ts'
import { configured, site, siteHost, type SiteHost } from './support/site.ts'

const lab = inject('lab')
let image: PushedImage = { repository: '', digest: '' }
beforeAll(async () => {
  image = await pushServer(lab.registry.address)
})
afterAll(() => removeImage(image))

const behind = (host: SiteHost, more: Partial<Nginx>): { nginx: Nginx } => ({ nginx: { serverNames: [host.name], ...more } })

/** What the application is told in a header; its own path where it is told nothing. */
async function told(host: SiteHost, header: string, port: number, said: Readonly<Record<string, string>> = {}): Promise<string> {
  const words = Object.entries(said).map(([name, value]) => `--header '${name}: ${value}'`)
  const at = `--resolve ${host.name}:${port}:127.0.0.1 http://${host.name}:${port}/path/${header}`
  const [first = ''] = (await host.ask(`curl -s --max-time 10 ${words.join(' ')} ${at}`)).split('\n')
  return first
}

describe('what an application is told', () => {
  test("behind somebody else's TLS is that visitors come by HTTPS, and nothing that they say themselves", async () => {
    await using host = siteHost('bookworm')
    const nginx = behind(host, { behindTls: true, urlPort: 8443 })
    // It sends away whoever does not come by HTTPS: a deploy that says http is not healthy.
    await deployTo(host, image, { version: 'one', services: [site(host, { ...nginx, env: { MODE: 'secure' } })] })
    expect(await told(host, 'X-Forwarded-Proto', 80, { 'X-Forwarded-Proto': 'http' })).toBe('https')
    for (const name of ['Forwarded', 'X-Forwarded-Port', 'X-Forwarded-Prefix', 'X-Forwarded-Scheme', 'X-Forwarded-Ssl'])
      expect(await told(host, name, 80, { [name]: 'forged' })).toBe(`/path/${name}`)
    expect(await told(host, 'Upgrade', 80, { Connection: 'Upgrade', Upgrade: 'h2c' })).toBe('/path/Upgrade')
    for (const name of ['Host', 'X-Forwarded-Host']) {
      expect(await told(host, name, 80, { Host: `${host.name}:8443`, 'X-Forwarded-Host': 'forged' })).toBe(`${host.name}:8443`)
      expect(await told(host, name, 80, { Host: `${host.name}:8444` })).toBe(host.name)
    }
  })

  test("in a server of the user's at a port of its own is that port; one on IPv6 alone is refused beforehand", async () => {
    await using host = siteHost('trixie')
    const services = [site(host, behind(host, { existing: { https: false, port: 8086 }, urlPort: 8086 }))]
    const file = `/etc/nginx/sites-enabled/${host.app}`
    const server = (more: string): string =>
      `server { listen [::]:8086; ${more} server_name ${host.name}; include /etc/nginx/launchway.d/servers/${host.name}/*.conf; }`
    await using _ = await configured(host, file, server(''))
    const error = await failureOf(deployTo(host, image, { version: 'one', services }))
    expect(error).toMatchObject({ code: 'HOST_UNFIT', message: expect.stringContaining('does not listen on the loopback (127.0.0.1)') })
    const [, line = ''] = /add to it: (listen \S+;)/.exec(error.hint ?? '') ?? []
    await using _with = await configured(host, file, server(line))
    await deployTo(host, image, { version: 'one', services })
    expect(await told(host, 'Host', 8086)).toBe(`${host.name}:8086`)
  })
})

test('labels of launchway that an image brings do not hide its container from the next deploy', async () => {
  const labelled = await pushImage(lab.registry.address, (context) =>
    writeFileSync(
      join(context, 'Dockerfile'),
      `FROM ${image.repository}\nLABEL launchway.accessory=db launchway.cron="0 0 1 1 *" launchway.release=x\n`,
    ),
  )
  await using _ = { [Symbol.asyncDispose]: () => removeImage(labelled) }
  await using host = siteHost('bookworm')
  const services = [site(host)]
  const first = await deployTo(host, labelled, { version: 'one', services })
  expect(await running(host)).toEqual([`web ${first.release}`])
  const second = await deployTo(host, labelled, { version: 'two', services })
  expect(await running(host)).toEqual([`web ${second.release}`])
  expect(await host.page()).toBe('two')
})
