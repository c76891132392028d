import { describe, expect, it } from 'vitest'
import type { Service } from '../../src/core/deployment.ts'
import type { SeenCertificate } from '../../src/deploy/chains.ts'
import type { Observation, SeenNginx } from '../../src/deploy/observation.ts'
import { planHost } from '../../src/deploy/plan.ts'
import { challengeFolder, challengePath, letsEncrypt } from '../../src/tools/certbot.ts'
import { container, first, second, service, wanted } from './support/deploy.ts'
import { at, conf, file, nginx, part, seen, serverConf } from './support/nginx.ts'

const name = 'addie.example.org'
const live = `/etc/letsencrypt/live/${name}`
const asking = (): Service =>
  service({
    port: 5000,
    nginx: {
      serverNames: [name],
      tls: { certificate: `${live}/fullchain.pem`, key: `${live}/privkey.pem` },
      acme: { email: 'ops@example.org' },
    },
  })
const there: SeenCertificate = {
  ...{ name, names: [name], until: new Date('2027-02-20T10:00:00Z'), ends: 'later' },
  ...{ isOwn: true, server: letsEncrypt, authenticator: 'webroot' },
}
const meanwhile = `${conf}/launchway.addie.production.web.acme.conf`
const dropIn = '/etc/nginx/launchway.d/servers/addie.example.org/addie.production.web.acme.conf'

/** A host on which these files stand in nginx. */
const left = (files: readonly string[], certificates: SeenNginx['certificates'], more: Partial<Observation> = {}): Observation => {
  const parts = files.map((one) => part({ file: one, locations: [challengePath] }))
  const tools = new Set(['docker', 'flock', 'setsid', 'awk', 'curl', 'openssl', 'certbot'])
  return seen({ tools, nginx: nginx({ configuration: { ...nginx().configuration, parts }, certificates }), ...more })
}

/** The calls that have to do with nginx or the certificate, and where they stand among some of the others. */
function story(found: Observation): string[] {
  return planHost(wanted([asking()]), found, 'a').calls.flatMap(([call, ...args]) => {
    if (call === 'pull' || call === 'create') return [call]
    return ['site', 'load', 'unseat', 'certificate'].includes(call) ? [[call, ...args.slice(0, 4)].join(' ')] : []
  })
}

describe('what an attempt that asked for a certificate has left in nginx', () => {
  const ofApi = `${conf}/launchway.addie.production.api.acme.conf`
  const dropInOfApi = '/etc/nginx/launchway.d/servers/addie.example.org/addie.production.api.acme.conf'

  it('makes way for the server of the release, once the certificate is there', () => {
    expect(story(left([meanwhile, dropIn], [there]))).toEqual([
      'pull',
      'create',
      `unseat web.acme.left0 ${meanwhile}`,
      `unseat web.acme.left1 ${dropIn}`,
      `site web ${file}`,
      `site web.at ${at}`,
      `site web.server ${serverConf}`,
      `load ${name}`,
    ])
  })

  it('also for a rollback, which asks for none', () => {
    const found = left([meanwhile], [], { current: second, containers: [container('web', first, 'a'), container('web', second, 'b')] })
    const { calls } = planHost(wanted([asking()], { isReturn: true, release: first }), found, 'a')
    expect(calls.filter(([call]) => call === 'unseat')).toEqual([['unseat', 'web.acme.left0', meanwhile]])
  })

  it('makes way before the next one is asked for, where that is in the name of another service', () => {
    const calls = story(left([ofApi, dropInOfApi, meanwhile], []))
    expect(calls.slice(0, calls.indexOf('pull'))).toEqual([
      `unseat api.acme.left0 ${ofApi}`,
      `unseat api.acme.left1 ${dropInOfApi}`,
      `site web.acme ${meanwhile}`,
      `load ${name}`,
      `certificate web 180 ${challengeFolder} ${name}`,
    ])
  })

  it.each([
    ['another application', `${conf}/launchway.blog.production.web.acme.conf`],
    ['another environment, within a server that is shared', dropIn.replace('production', 'staging')],
    ['nobody: it is the site of a service that is called acme', `${conf}/launchway.addie.production.acme.conf`],
  ])('stays where it is of %s', (_, path) => {
    const calls = story(left([path], [there]))
    expect(calls.filter((one) => one.startsWith('unseat '))).toEqual([])
  })
})
