import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { docker } from '../../lab/run.ts'
import { environmentName } from './support/host.ts'
import { failureOf } from './support/hosts.ts'
import { deployTo, type PushedImage, removeImage } from './support/release.ts'
import { pushServer } from './support/server.ts'
import { certified, configured, site, siteHost } from './support/site.ts'

const lab = inject('lab')
let image: PushedImage = { repository: '', digest: '' }
beforeAll(async () => {
  image = await pushServer(lab.registry.address)
})
afterAll(() => removeImage(image))

describe('a service', () => {
  test.each([
    ['a password', 'auth_basic closed; auth_basic_user_file /etc/hostname;', '401', 'satisfy any;'],
    ['a list of addresses', 'allow 192.0.2.7; deny all;', '403', ''],
  ])(
    'that the user guards with %s is deployed once the loopback may in, and the failure before says how',
    async (_, guard, status, before) => {
      await using host = siteHost('trixie')
      await deployTo(host, image, { version: 'one', services: [site(host)] })
      await host.ask('mkdir -p /etc/nginx/launchway.d')
      const file = `/etc/nginx/launchway.d/${host.app}.${environmentName}.web.conf`
      await using _guard = await configured(host, file, guard)
      const asked = (): Promise<string> => host.ask(`curl -s -o /dev/null -w '%{http_code}' -H 'Host: ${host.name}' http://127.0.0.1/`)
      await expect.poll(asked).toBe(status)
      const error = await failureOf(deployTo(host, image, { version: 'two', services: [site(host)] }))
      expect(error).toMatchObject({ code: 'DEPLOY_ROLLED_BACK', message: expect.stringContaining('web: probe failed') })
      expect(error.hint).toContain(`nginx itself answered ${status}`)
      expect(error.hint).toContain('satisfy any; allow 127.0.0.1;')
      await using _open = await configured(host, file, `${before} allow 127.0.0.1; ${guard}`)
      await expect.poll(asked).toBe('200')
      await deployTo(host, image, { version: 'two', services: [site(host)] })
      expect(await host.page()).toBe('two')
    },
  )

  test('whose visitors come by an address that another server has for itself: a warning says so, and what it advises helps', async () => {
    await using host = siteHost('trixie')
    const address = await host.ask("hostname -I | cut -d' ' -f1")
    const text = `server { listen ${address}:80; server_name other.example.org; return 404; }`
    await using _ = await configured(host, `/etc/nginx/conf.d/${host.app}.conf`, text)
    const warnings: string[] = []
    const deployed = (version: string): Promise<unknown> =>
      deployTo(host, image, { version, services: [site(host)], onWarning: (line) => warnings.push(line) })
    await deployed('one')
    const outside = (): Promise<string> => host.ask(`curl -s -o /dev/null -w '%{http_code}' -H 'Host: ${host.name}' http://${address}/`)
    expect(await outside()).toBe('404')
    expect(warnings).toEqual([
      expect.stringContaining(`/etc/nginx/conf.d/${host.app}.conf has a server that takes all that comes in at ${address}:80`),
    ])
    const [, file = '', line = ''] = /add to (\S+): (.*)$/.exec(warnings[0] ?? '') ?? []
    await host.ask('mkdir -p /etc/nginx/launchway.d')
    await using _more = await configured(host, file, line)
    await expect.poll(outside).toBe('200')
    await deployed('two')
    expect(await host.page()).toBe('two')
    expect(warnings).toHaveLength(1)
  })

  test('whose worker does not stay up is with the version before again, for visitors too, and none of them has seen an error', async () => {
    await using host = siteHost('trixie')
    const health = { kind: 'container' as const, timeoutMs: 20_000, settleMs: 500, bareMs: 8_000 }
    const worker = (words: string) => ({ name: 'worker', command: ['python3', '-c', `import sys, time; ${words}`], health })
    const { release } = await deployTo(host, image, {
      version: 'one',
      services: [site(host), { ...worker('time.sleep(1000)'), health: { ...health, bareMs: 0 } }],
    })
    const running = host.traffic({ seconds: 60 })
    await running.seen('one')
    const services = [site(host), worker('time.sleep(4); sys.exit("no module named celery")')]
    const error = await failureOf(deployTo(host, image, { version: 'two', services }))
    expect(error).toMatchObject({ code: 'DEPLOY_ROLLED_BACK', message: expect.stringContaining('worker: healthy failed') })
    expect(error.hint).toContain('no module named celery')
    expect(await host.page()).toBe('one')
    const tally = await running.stop()
    expect(Object.fromEntries(tally.failures)).toEqual({})
    // The rest of the worker's time passes while visitors are with the new version.
    expect([...tally.versions.keys()]).toEqual(expect.arrayContaining(['one', 'two']))
    const left = await host.containers()
    expect(left.map(({ service, state, release: of }) => [service, state, of]).toSorted()).toEqual([
      ['web', 'running', release],
      ['worker', 'running', release],
    ])
  })

  test('whose server would answer from now on for names that no server has: a warning says so, and what it advises helps', async () => {
    await using host = siteHost('trixie')
    await using tls = await certified(host)
    const nginx = { serverNames: [host.name], tls: { certificate: tls.certificate, key: tls.key } }
    const legacy = `/etc/nginx/sites-enabled/${host.app}`
    const listening = (line: string): string =>
      `server { ${line} server_name legacy.example.org; ssl_certificate ${tls.certificate}; ssl_certificate_key ${tls.key}; return 200 legacy; }`
    await using _ = await configured(host, legacy, listening('listen 443 ssl;'))
    const unknown = (): Promise<string> => host.ask("curl -sk -H 'Host: unknown.example.org' https://127.0.0.1/")
    await expect.poll(unknown).toBe('legacy')
    const warnings: string[] = []
    const deployed = (version: string): Promise<unknown> =>
      deployTo(host, image, { version, services: [site(host, { nginx })], onWarning: (line) => warnings.push(line) })
    await deployed('one')
    expect(await unknown()).not.toBe('legacy')
    expect(warnings).toEqual([expect.stringContaining(`${legacy} answers on port 443 for names that no server of nginx has`)])
    const [, line = ''] = /in \S+: (listen .*)$/.exec(warnings[0] ?? '') ?? []
    await using _said = await configured(host, legacy, listening(line))
    await expect.poll(unknown).toBe('legacy')
    await deployed('two')
    expect(warnings).toHaveLength(1)
  })

  test('under a policy of SELinux comes with a warning', async () => {
    const container = lab.hosts['trixie']?.container ?? ''
    const bin = await docker('exec', container, 'sh', '-c', 'mktemp -d /tmp/launchway-selinux-XXXXXX')
    await docker('exec', container, 'sh', '-c', 'echo "echo Enforcing" > "$1/getenforce"; chmod 755 "$1/getenforce"', 'sh', bin)
    await using _ = { [Symbol.asyncDispose]: async () => void (await docker('exec', container, 'rm', '-r', bin)) }
    await using host = siteHost('trixie', { bin })
    const warnings: string[] = []
    await deployTo(host, image, { version: 'one', services: [site(host)], onWarning: (line) => warnings.push(line) })
    expect(warnings).toEqual([expect.stringContaining('SELinux enforces its policy here')])
  })

  test('that asks visitors for a certificate of theirs is deployed where the loopback needs none', async () => {
    await using host = siteHost('forky')
    await using tls = await certified(host)
    const services = [site(host, { nginx: { serverNames: [host.name], tls: { certificate: tls.certificate, key: tls.key } } })]
    await deployTo(host, image, { version: 'one', services })
    await host.ask('mkdir -p /etc/nginx/launchway.d')
    const file = `/etc/nginx/launchway.d/${host.app}.${environmentName}.web.conf`
    const from = (address: string): Promise<string> =>
      host.ask(`curl -sk -o /dev/null -w '%{http_code}' --resolve ${host.name}:443:${address} https://${host.name}/`)
    await using _ = await configured(host, file, `ssl_client_certificate ${tls.certificate}; ssl_verify_client on;`)
    await expect.poll(() => from('127.0.0.1')).toBe('400')
    const error = await failureOf(deployTo(host, image, { version: 'two', services }))
    expect(error.hint).toContain('nginx itself answered 400')
    expect(error.hint).toContain('ssl_verify_client optional;')
    const guide = readFileSync('docs/guide/nginx.md', 'utf8')
    const [, advised = ''] = /```nginx\n(ssl_client_certificate[^]*?)```/.exec(guide) ?? []
    await using _open = await configured(host, file, advised.replace('/etc/ssl/clients.pem', tls.certificate))
    await expect.poll(() => from('127.0.0.1')).toBe('200')
    const address = await host.ask("hostname -I | cut -d' ' -f1")
    expect(await from(address)).toBe('403')
    await deployTo(host, image, { version: 'two', services })
    expect(await from('127.0.0.1')).toBe('200')
  })
})
