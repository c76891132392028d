import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import type { Authority } from '../../lab/acme.ts'
import { challengeFolder } from '../../src/tools/certbot.ts'
import { certifiedHost, openAuthority } from './support/acme.ts'
import { failureOf, pathsOf } from './support/hosts.ts'
import { deployTo, type PushedImage, removeImage, type Wish } from './support/release.ts'
import { pushServer } from './support/server.ts'
import { certified, rollBack, site } from './support/site.ts'

const lab = inject('lab')
const hosts = ['bookworm', 'forky']
let image: PushedImage = { repository: '', digest: '' }
let authority: Authority
const opened = new AsyncDisposableStack()
beforeAll(async () => {
  image = await pushServer(lab.registry.address)
  authority = opened.use(await openAuthority(hosts))
})
afterAll(async () => {
  await removeImage(image)
  await opened.disposeAsync()
})

const isCampaign = process.env['LAUNCHWAY_CAMPAIGN'] !== undefined

/** What the lines of a deploy say, for the test to look at. */
function listening(wish: Wish): { wish: Wish; said: string[] } {
  const said: string[] = []
  return { wish: { ...wish, onInfo: (line) => said.push(line), onWarning: (line) => said.push(line) }, said }
}

const what = 'ls /etc/nginx/conf.d /etc/nginx/launchway.d/servers/* 2> /dev/null || :; cat /etc/nginx/conf.d/launchway* 2> /dev/null || :'

/** What was there for the time of asking. */
const left = `ls ${challengeFolder}/.well-known/acme-challenge; find /etc/nginx -name '*.acme.conf'`

describe.each(isCampaign ? hosts : ['bookworm'])('a certificate that is asked for, on %s', (suite) => {
  test(
    'is refused where DNS leads elsewhere, and the old version serves; then comes, is expanded for one more name, replaced once, and left in peace',
    { timeout: 300_000 },
    async () => {
      await using host = await certifiedHost(suite, authority)
      await deployTo(host, image, { version: 'zero', services: [site(host)] })
      const before = await host.root(what)
      await authority.leads(host.name, `${lab.name}-acme`)
      const error = await failureOf(deployTo(host, image, { version: 'too early', services: [host.asking()] }))
      expect(error).toMatchObject({ code: 'DEPLOY_ROLLED_BACK', message: expect.stringMatching(/web: certificate failed on .* serves$/) })
      // The words of the authority.
      expect(error.hint).toMatch(/Connection refused|connection refused/)
      expect(error.hint).toContain('Look whether DNS leads all of them here')
      expect(await host.page()).toBe('zero')
      expect(await host.root(what)).toBe(before)

      // The same, once DNS is right: from plain HTTP to HTTPS in one deploy.
      await authority.leads(host.name, host.container)
      const { wish, said } = listening({ version: 'one', services: [host.asking()] })
      await deployTo(host, image, wish)
      expect(said.join('\n')).toContain(`web: a certificate for ${host.name} is asked for`)
      expect(said.join('\n')).toMatch(/certificate web \| .*Successfully received certificate/)
      expect(await host.securely(host.name)).toBe('one')
      expect(await host.root(`curl -s -i --resolve ${host.name}:80:127.0.0.1 http://${host.name}/x`)).toMatch(
        /^HTTP\/1\.1 308 [^]*location: https:/i,
      )
      const [first, calls] = [await host.shown(), await host.calls()]
      expect(first.names).toEqual([host.name])
      expect(calls).toBeGreaterThan(0)

      await deployTo(host, image, { version: 'two', services: [host.asking([host.name, host.www])] })
      expect((await host.shown()).names).toEqual([host.name, host.www])
      expect([await host.securely(host.name), await host.securely(host.www)]).toEqual(['two', 'two'])
      expect(await host.root(left)).toBe('')
      // What the version before knew of names is served with a certificate that has one more.
      const had = await host.calls()
      await rollBack(host, [host.asking()])
      expect(await host.securely(host.name)).toBe('one')
      expect(await host.calls()).toBe(had)

      // As if it had come from a directory to try out: it is replaced, however long it is good, and once.
      const renewal = `/etc/letsencrypt/renewal/${host.name}.conf`
      const [old] = [
        await host.shown(),
        await host.root(`sed -i 's|^server = .*|server = https://staging.example.org/directory|' ${renewal}`),
      ]
      await deployTo(host, image, { version: 'three', services: [host.asking([host.name, host.www])] })
      const anew = await host.shown()
      expect(anew.names).toEqual(old.names)
      expect(anew.serial).not.toBe(old.serial)
      expect(await host.root(`sed -n 's/^server = //p' ${renewal}`)).toBe(authority.directory)
      const after = await host.calls()
      const again = listening({ version: 'four', services: [host.asking([host.name, host.www])] })
      await deployTo(host, image, again.wish)
      expect(again.said.join('\n')).toMatch(new RegExp(`the certificate of ${host.name}.* is there until 20\\d\\d-`))
      expect(await host.securely(host.name)).toBe('four')
      expect(await host.calls()).toBe(after)
      expect(await host.shown()).toEqual(anew)
    },
  )
})

test('a renewal reloads nginx by itself, visitors get the new certificate, and no request of 20 connections fails', async () => {
  await using host = await certifiedHost('forky', authority)
  // Until now by files, with plain HTTP sent to HTTPS: the authority follows, and does not mind the old certificate.
  await using own = await certified(host)
  const files = site(host, { nginx: { serverNames: [host.name], tls: { certificate: own.certificate, key: own.key } } })
  await deployTo(host, image, { version: 'by files', services: [files] })
  await deployTo(host, image, { version: 'one', services: [host.asking()] })
  const before = await host.shown()
  if (isCampaign)
    await host.root(`certbot renew --dry-run --server ${authority.directory} --no-random-sleep-on-renew --cert-name ${host.name}`)
  const requests = host.traffic({ ca: await authority.root(), connections: 20 })
  await requests.seen('one')
  await host.root(`certbot renew --force-renewal --no-random-sleep-on-renew --cert-name ${host.name}`)
  // nginx is told, and reads when the machine lets it.
  await expect.poll(async () => (await host.shown()).serial, { timeout: 20_000 }).not.toBe(before.serial)
  const tally = await requests.stop()
  expect((await host.shown()).names).toEqual(before.names)
  expect(Object.fromEntries(tally.failures)).toEqual({})
  expect(tally.requests).toBeGreaterThan(100)
})

test(
  'an account that may sudo and nothing else asks; what fails later is undone, and the certificate stays for the next deploy',
  { tags: ['sudo-only'] },
  async () => {
    await using host = await certifiedHost('bookworm', authority, { user: 'ops' })
    const before = await host.root(what)
    const sick = {
      ...host.asking(),
      env: { MODE: 'sick' },
      health: { kind: 'http', path: '/health', intervalMs: 100, timeoutMs: 1000, settleMs: 0 } as const,
    }
    // It is started between the two, and stays whatever becomes of the release.
    const accessories = [{ name: 'store', image: `${image.repository}@${image.digest}`, env: { VERSION: 'store' } }]
    const error = await failureOf(deployTo(host, image, { version: 'one', services: [sick], accessories }))
    expect(error).toMatchObject({ code: 'DEPLOY_ROLLED_BACK', message: expect.stringContaining('web: healthy failed') })
    expect(await host.root(what)).toBe(before)
    expect(await host.root(`docker ps --format '{{.Names}}' --filter label=launchway.app=${host.app}`)).toMatch(/\.store$/)
    const calls = await host.calls()
    expect(calls).toBeGreaterThan(0)
    // Maintenance closes neither the folder of the challenges nor the deploy's own questions.
    await host.root(`mkdir -p ${pathsOf(host).home} && touch ${pathsOf(host).maintenance}`)
    await deployTo(host, image, {
      version: 'two',
      services: [host.asking([host.name], { redirect: false })],
      accessories,
    })
    expect(await host.calls()).toBe(calls)
    await host.root(`echo shown > ${challengeFolder}/.well-known/acme-challenge/look`)
    const challenge = `http://${host.name}/.well-known/acme-challenge/`
    const asked = (path: string): Promise<string> =>
      host.root(`curl -s --resolve ${host.name}:80:127.0.0.1 ${path}; rm -f ${challengeFolder}/.well-known/acme-challenge/look`)
    expect(await asked(`${challenge}look`)).toBe('shown')
    expect(await asked(`${challenge}other`)).toContain('404 Not Found')
    expect(await asked(`http://${host.name}/`)).toContain('Back soon')
    await host.root(`rm ${pathsOf(host).maintenance}`)
    expect(await host.securely(host.name)).toBe('two')
  },
)

test('a program that is killed while it prepares to ask leaves nothing that the next deploy would stumble over', async () => {
  await using host = await certifiedHost('bookworm', authority, { killable: true })
  await host.killAt('curl *acme-challenge*')
  const error = await failureOf(deployTo(host, image, { version: 'one', services: [host.asking()] }))
  expect(error).toMatchObject({ code: 'DEPLOY_UNKNOWN' })
  expect(await host.root("find /etc/nginx -name '*.acme.conf' | wc -l")).toBe('1')
  await deployTo(host, image, { version: 'two', services: [host.asking()] })
  expect(await host.securely(host.name)).toBe('two')
  expect(await host.root(left)).toBe('')
})

test('a certificate that somebody has made is left in peace, and where a name would be taken from it, nothing is touched', async () => {
  await using host = await certifiedHost('bookworm', authority)
  const live = `/etc/letsencrypt/live/${host.name}`
  const make = (names: string[]): Promise<string> =>
    host.root(`mkdir -p ${live} && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=own \
      -addext subjectAltName=${names.map((one) => `DNS:${one}`).join(',')} -keyout ${live}/privkey.pem -out ${live}/fullchain.pem 2> /dev/null`)
  await make([host.name, 'mail.example.org'])
  const [before, calls] = [await host.root(`cat ${live}/*`), await host.calls()]
  const error = await failureOf(deployTo(host, image, { version: 'one', services: [host.asking([host.name, host.www])] }))
  expect(error).toMatchObject({ code: 'HOST_UNFIT', message: expect.stringContaining('has files that certbot does not know') })
  await deployTo(host, image, { version: 'one', services: [host.asking()] })
  expect((await host.shown()).names).toEqual(['mail.example.org', host.name].toSorted())
  expect(await host.page()).toBe('one')
  expect(await host.root(`cat ${live}/*`)).toBe(before)
  expect(await host.calls()).toBe(calls)
})

test('a host without certbot says so before anything is touched', async () => {
  await using host = await certifiedHost('forky', authority)
  const certbot = await host.root('command -v certbot')
  await host.root(`mv ${certbot} ${certbot}.away`)
  try {
    const error = await failureOf(deployTo(host, image, { version: 'one', services: [host.asking()] }))
    expect(error).toMatchObject({ code: 'HOST_UNFIT', hint: expect.stringContaining('apt install certbot') })
    expect(await host.root(`ls -d ${host.stateRoot} 2> /dev/null || :`)).toBe('')
  } finally {
    await host.root(`mv ${certbot}.away ${certbot}`)
  }
})
