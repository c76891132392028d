import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { docker } from '../../lab/run.ts'
import { placesOf } from '../support/places.ts'
import { environmentName, newStateRoot } from './support/host.ts'
import { failureOf, pathsOf } from './support/hosts.ts'
import { siteAt } from './support/place.ts'
import { deployTo, type PushedImage, removeImage } from './support/release.ts'
import { pushServer } from './support/server.ts'
import { certified, configured, rollBack, site, siteHost, type SiteHost } from './support/site.ts'

const lab = inject('lab')
let image: PushedImage = { repository: '', digest: '' }
beforeAll(async () => {
  image = await pushServer(lab.registry.address)
})
afterAll(() => removeImage(image))

const isCampaign = process.env['LAUNCHWAY_CAMPAIGN'] !== undefined

/** Nothing of the deploy is on the host. */
async function isUntouched(host: SiteHost): Promise<void> {
  expect(await host.containers()).toEqual([])
  expect(await host.ask(`ls ${host.stateRoot} 2> /dev/null || :`)).toBe('')
}

describe('a host whose nginx cannot take the service is refused before anything is touched', () => {
  test('a configuration that was broken before, with the words of nginx', async () => {
    await using host = siteHost('bookworm')
    await using _ = await configured(host, `/etc/nginx/conf.d/${host.app}.conf`, 'server { listen 80; nonsense on; }')
    const error = await failureOf(deployTo(host, image, { version: 'one', services: [site(host)] }))
    expect(error).toMatchObject({ code: 'HOST_UNFIT', message: expect.stringContaining('broken, before this deploy') })
    expect(error.hint).toContain('unknown directive "nonsense"')
    await isUntouched(host)
  })

  test('a name that another server has already, and the file it stands in', async () => {
    await using host = siteHost('bookworm')
    const path = `/etc/nginx/sites-enabled/${host.app}`
    await using _ = await configured(host, path, `server {\n  listen 80;\n  server_name x.example.org\n    ${host.name.toUpperCase()};\n}`)
    const error = await failureOf(deployTo(host, image, { version: 'one', services: [site(host)] }))
    expect(error).toMatchObject({
      code: 'HOST_UNFIT',
      message: expect.stringContaining(`another server of nginx has the name ${host.name}: ${path}`),
    })
    await isUntouched(host)
  })

  test('a certificate that is not there, and how to get one', async () => {
    await using host = siteHost('bookworm')
    const tls = { certificate: `/etc/letsencrypt/live/${host.name}/fullchain.pem`, key: `/etc/letsencrypt/live/${host.name}/privkey.pem` }
    const error = await failureOf(
      deployTo(host, image, { version: 'one', services: [site(host, { nginx: { serverNames: [host.name], tls } })] }),
    )
    expect(error).toMatchObject({ code: 'HOST_UNFIT', message: expect.stringContaining(tls.certificate) })
    expect(error.hint).toContain(`certbot certonly --nginx -d ${host.name}`)
    await isUntouched(host)
  })

  test('a certificate that has ended, where nobody has had HTTPS yet', async () => {
    await using host = siteHost('bookworm')
    await using tls = await certified(host, { days: -1 })
    const nginx = { serverNames: [host.name], tls: { certificate: tls.certificate, key: tls.key } }
    const error = await failureOf(deployTo(host, image, { version: 'one', services: [site(host, { nginx })] }))
    expect(error).toMatchObject({
      code: 'HOST_UNFIT',
      message: expect.stringContaining(`${tls.certificate}, the certificate of ${host.name}, ended on`),
    })
    expect(error.hint).toContain('certbot renew')
    await isUntouched(host)
  })

  test('an nginx that does not run, or is not there', async () => {
    await using host = siteHost('trixie')
    const stopped = async (): Promise<AsyncDisposable> => {
      await host.ask('lab-service nginx stop')
      return { [Symbol.asyncDispose]: async () => void (await host.ask('lab-service nginx start')) }
    }
    {
      await using _ = await stopped()
      const error = await failureOf(deployTo(host, image, { version: 'one', services: [site(host)] }))
      expect(error).toMatchObject({ code: 'HOST_UNFIT', message: expect.stringContaining('nginx is not running') })
      await host.ask('mv /usr/sbin/nginx /usr/sbin/nginx.away')
      await using _back = { [Symbol.asyncDispose]: async () => void (await host.ask('mv /usr/sbin/nginx.away /usr/sbin/nginx')) }
      const gone = await failureOf(deployTo(host, image, { version: 'one', services: [site(host)] }))
      expect(gone).toMatchObject({ code: 'HOST_UNFIT', message: expect.stringContaining('nginx is not installed') })
    }
    await expect.poll(() => host.page().catch(() => '')).toContain('nginx')
    await isUntouched(host)
  })

  test('an account that may use docker and cannot become root', async () => {
    await using host = siteHost('trixie', { user: 'deploy' })
    const error = await failureOf(deployTo({ ...host, stateRoot: host.stateRoot }, image, { version: 'one', services: [site(host)] }))
    expect(error).toMatchObject({ code: 'HOST_UNFIT', message: expect.stringContaining('nginx is for root to configure') })
    expect(error.hint).toContain('/etc/sudoers.d/')
  })

  test('a state folder that the workers of nginx may not look into', async () => {
    await using host = siteHost('forky', { stateRoot: `/root/${newStateRoot().slice(1)}` })
    const error = await failureOf(deployTo(host, image, { version: 'one', services: [site(host)] }))
    expect(error).toMatchObject({ code: 'HOST_UNFIT', message: expect.stringContaining("nginx's workers may not look into /root") })
    await isUntouched(host)
  })
})

test('visitors who have HTTPS are not taken it for a certificate that has ended since, ends soon, or is for others; each is warned of', async () => {
  await using host = siteHost('bookworm')
  const warnings: string[] = []
  const deployWith = async (version: string, { certificate, key }: { certificate: string; key: string }): Promise<string> => {
    warnings.length = 0
    const nginx = { serverNames: [host.name], tls: { certificate, key } }
    await deployTo(host, image, { version, services: [site(host, { nginx })], onWarning: (line) => warnings.push(line) })
    return warnings.join('\n')
  }
  {
    await using good = await certified(host)
    expect(await deployWith('one', good)).not.toContain(good.certificate)
  }
  {
    await using soon = await certified(host, { days: 3 })
    expect(await deployWith('two', soon)).toContain(`${soon.certificate}, the certificate of ${host.name}, ends within a week, on 20`)
  }
  {
    await using others = await certified(host, { name: 'old.example.org' })
    expect(await deployWith('three', others)).toContain(`is for old.example.org, and not for ${host.name}: no browser takes it there`)
  }
  await using over = await certified(host, { days: -1 })
  expect(await deployWith('four', over)).toContain(`${over.certificate}, the certificate of ${host.name}, ended on 20`)
})

/** A version, how it comes to serve after `one` did at its own port, and whether this is in every run, not in the campaign alone. */
const turns = [
  ['two', 'nginx', true],
  ['three', 'nginx', false],
  ['two', 'a rollback', false],
  ['four', 'its own port', true],
  ['two', 'a rollback', true],
  ['five', 'its own port', false],
  ['six', 'its own port', false],
  ['five', 'a rollback', false],
] as const

test('an account that may use docker and sudo moves behind nginx and away again, and can return each time', async () => {
  const container = lab.hosts['trixie']?.container ?? ''
  const stateRoot = newStateRoot()
  // No account has a name of digits alone.
  const user = `u${stateRoot.slice(-8)}`
  const make = `useradd --groups docker "$1" && echo "$1 ALL=(ALL) NOPASSWD: ALL" > "/etc/sudoers.d/$1" && install -d -o "$1" "$2"`
  await docker('exec', container, 'sh', '-euc', make, 'sh', user, stateRoot)
  const gone = (): Promise<string> => docker('exec', container, 'sh', '-c', 'rm -f "/etc/sudoers.d/$1"; userdel "$1"', 'sh', user)
  await using _ = { [Symbol.asyncDispose]: async () => void (await gone()) }
  await using host = siteHost('trixie', { user, stateRoot })
  const direct = (): Promise<string> => host.ask('curl -s http://127.0.0.1:8095/')
  const published = [site(host, { nginx: undefined, publish: '127.0.0.1:8095' })]
  const first = await deployTo(host, image, { version: 'one', services: published, keep: 1 })
  expect(await host.ask(`stat -c %U ${pathsOf(host).release(first.release)}`)).toBe(user)
  const at = new Map([['one', 'its own port']])
  let services = published
  for (const [version, how] of isCampaign ? turns : turns.filter(([, , isSample]) => isSample)) {
    if (how === 'a rollback') await rollBack(host, services, { keep: 1 })
    else {
      services = how === 'nginx' ? [site(host)] : published
      at.set(version, how)
      await deployTo(host, image, { version, services, keep: 1 })
    }
    expect(await (at.get(version) === 'nginx' ? host.page() : direct()), `${version} by ${how}`).toBe(version)
  }
  expect((await host.ask(`ls ${pathsOf(host).home}/releases`)).split('\n')).toHaveLength(2)
}, 300_000)

describe('the server of a service', () => {
  test.for(placesOf('forky, sudo only'))(
    'on $name, a bad TLS file leaves the site untouched; it has what the user adds, tells who answered to the loopback alone, and goes to a service of another name and back',
    { tags: ['bad-tls'] },
    async (place) => {
      await using host = await siteAt(place)
      await using tls = await certified(host)
      await using other = await certified({ ...host, app: `${host.app}-other` })
      await deployTo(host, image, { version: 'one', services: [site(host)] })
      const files = `cat ${host.conf} /etc/nginx/conf.d/launchway-server.${host.name}.conf /etc/nginx/launchway.d/servers/${host.name}/*`
      const before = await host.ask(files)
      const running = host.traffic()
      const wrong = { serverNames: [host.name], tls: { certificate: tls.certificate, key: other.key } }
      const error = await failureOf(deployTo(host, image, { version: 'two', services: [site(host, { nginx: wrong })] }))
      expect(error).toMatchObject({ code: 'DEPLOY_ROLLED_BACK', message: expect.stringContaining('switch failed') })
      expect(error.hint).toMatch(/key values mismatch|SSL_CTX_use_PrivateKey/)
      expect(await host.ask(files)).toBe(before)
      expect((await running.stop()).failed).toBe(0)
      expect(await host.page()).toBe('one')

      {
        await host.ask('mkdir -p /etc/nginx/launchway.d')
        await using _ = await configured(
          host,
          `/etc/nginx/launchway.d/${host.app}.${environmentName}.web.conf`,
          'add_header X-Frame-Options DENY always;',
        )
        const head = (): Promise<string> => host.ask(`curl -s -D - -o /dev/null -H 'Host: ${host.name}' http://127.0.0.1/`)
        await expect.poll(head).toContain('X-Frame-Options: DENY')
        await deployTo(host, image, { version: 'two', services: [site(host)] })
        expect(await host.page()).toBe('two')
        expect(await head()).toContain('X-Frame-Options: DENY')
      }
      const local = `curl -s -D - -o /dev/null -H 'Launchway-Slot: live' -H 'Host: ${host.name}'`
      expect(await host.ask(`${local} http://127.0.0.1/`)).toMatch(/Launchway-Upstream: 127\.0\.0\.1:\d+/)
      expect(await host.ask(`${local} -H 'X-Forwarded-For: 10.0.0.1' http://127.0.0.1/`)).not.toContain('Launchway-Upstream')
      const address = await host.ask("hostname -I | cut -d' ' -f1")
      expect(await host.ask(`${local} http://${address}/`)).not.toContain('Launchway-Upstream')

      const renamed = site(host, { name: 'front' })
      const brittle = await failureOf(deployTo(host, image, { version: 'bad', services: [{ ...renamed, env: { MODE: 'brittle' } }] }))
      expect(brittle).toMatchObject({ code: 'DEPLOY_ROLLED_BACK', message: expect.stringContaining('front: probe failed') })
      expect(await host.page()).toBe('two')
      await deployTo(host, image, { version: 'three', services: [renamed] })
      expect(await host.page()).toBe('three')
      const ours = `find /etc/nginx -name '*${host.app}*.conf' -printf '%f\\n' | sort`
      expect((await host.ask(ours)).split('\n')).toEqual([
        `launchway-server.${host.name}.conf`,
        `launchway.${host.app}.${environmentName}.front.conf`,
        `${host.app}.${environmentName}.front.conf`,
      ])
      await rollBack(host, [renamed])
      expect(await host.page()).toBe('two')
    },
  )

  test.for(placesOf('trixie, sudo only'))(
    'on $name, goes with the service: another application beside it stays, and so does its own new way out',
    { tags: ['two-apps', 'kamal#1704'] },
    async (place) => {
      const stateRoot = newStateRoot()
      await using other = await siteAt(place, { stateRoot })
      await using host = await siteAt(place, { stateRoot })
      await Promise.all([
        deployTo(host, image, { version: 'one', services: [site(host)] }),
        deployTo(other, image, { version: 'another', services: [site(other)] }),
      ])
      expect(await host.page()).toBe('one')
      expect(await other.page()).toBe('another')
      const ports = (await host.ask(`cat ${stateRoot}/*/*/ports`)).match(/\d{5}/g) ?? []
      expect(new Set(ports).size).toBe(4)
      const published = [site(host, { nginx: undefined, publish: '127.0.0.1:8097' })]
      await deployTo(host, image, { version: 'two', services: published })
      expect(await host.ask('curl -s http://127.0.0.1:8097/')).toBe('two')
      expect(await host.ask('nginx -T 2> /dev/null').then((text) => text.includes(host.name))).toBe(false)
      expect(await other.page()).toBe('another')
      // And back: what nginx had is written anew.
      await rollBack(host, published)
      expect(await host.page()).toBe('one')
      expect(await other.page()).toBe('another')
    },
  )
})
