import { describe, expect, it } from 'vitest'
import type { Nginx, Service } from '../../src/core/deployment.ts'
import { failureOf } from '../../src/deploy/failure.ts'
import type { SeenCertificate } from '../../src/deploy/chains.ts'
import type { Observation } from '../../src/deploy/observation.ts'
import { parseObservation } from '../../src/deploy/observation.ts'
import { planHost } from '../../src/deploy/plan.ts'
import { certonly, challengeFolder, challengePath, letsEncrypt } from '../../src/tools/certbot.ts'
import { container, failureIn, first, second, service, wanted } from './support/deploy.ts'
import { at, conf, file, nginx, part, seen, server, serverConf } from './support/nginx.ts'

const name = 'addie.example.org'
const both = [name, 'www.example.org']
const live = `/etc/letsencrypt/live/${name}`
const tls = { certificate: `${live}/fullchain.pem`, key: `${live}/privkey.pem` }
const asking = (serverNames: string[] = [name], of: Partial<Nginx> = {}): Service =>
  service({ port: 5000, nginx: { serverNames, tls, acme: { email: 'ops@example.org' }, ...of } })
const there = (of: Partial<SeenCertificate> = {}): SeenCertificate => ({
  name,
  names: [name],
  until: new Date('2027-02-20T10:00:00Z'),
  ends: 'later',
  isOwn: true,
  server: letsEncrypt,
  authenticator: 'webroot',
  ...of,
})
const tools = new Set(['docker', 'flock', 'setsid', 'awk', 'curl', 'openssl', 'certbot'])
const on = (of: Partial<NonNullable<Observation['nginx']>> = {}, more: Partial<Observation> = {}): Observation =>
  seen({ tools, nginx: nginx(of), ...more })
const servers = (...found: Partial<Parameters<typeof server>[0]>[]): Partial<NonNullable<Observation['nginx']>> => ({
  configuration: { ...nginx().configuration, servers: found.map((one) => server({ file: serverConf, ...one })) },
})
const meanwhile = `${conf}/launchway.addie.production.web.acme.conf`
const dropIn = '/etc/nginx/launchway.d/servers/addie.example.org/addie.production.web.acme.conf'

/** The calls that have to do with nginx or the certificate, and where they stand among some of the others. */
function story(asked: Service, found: Observation): string[] {
  const told = ['site', 'load', 'unseat', 'certificate', 'pull', 'create', 'switch']
  return planHost(wanted([asked]), found, 'a').calls.flatMap(([call, ...args]) => {
    if (!told.includes(call)) return []
    if (call === 'certificate') return [`certificate ${args.slice(0, 4).join(' ')}`]
    return call === 'pull' || call === 'create' ? [call] : [[call, ...args].join(' ')]
  })
}

describe('a certificate that is there', () => {
  const text = 'notAfter=Feb  2 10:00:07 2027 GMT X509v3 Subject Alternative Name:      DNS:Addie.example.org, DNS:*.example.net'

  it('is told by the look at a host, with its end and whose it is', () => {
    const facts = [
      'nginx\twell',
      `certificate\t${name}\tsoon\town\t${letsEncrypt}\twebroot\t${text}`,
      'certificate\tb.example.org\tlater\t\t\t\tnonsense',
      'seen\tyes',
    ]
    expect(parseObservation('a', facts.join('\n')).nginx?.certificates).toEqual([
      {
        name,
        ends: 'soon',
        isOwn: true,
        server: letsEncrypt,
        authenticator: 'webroot',
        names: [name, '*.example.net'],
        until: new Date('2027-02-02T10:00:07Z'),
      },
      { name: 'b.example.org', ends: 'later', isOwn: false, server: undefined, authenticator: undefined, names: [], until: undefined },
    ])
  })

  it.each<[string, SeenCertificate, string[]]>([
    ['launchway has asked for', there(), [name]],
    ['the user has made', there({ isOwn: false, names: ['mail.example.org', '*.example.org'] }), both],
    ['ends soon', there({ ends: 'soon' }), [name]],
    ['the user has got elsewhere', there({ isOwn: false, server: 'https://other.example.org/directory' }), [name]],
    ['the user has put there as files', there({ isOwn: false, server: undefined, authenticator: undefined }), [name]],
  ])('and that %s is left in peace: no call of certbot, nothing of nginx but the server itself', (_, certificate, names) => {
    const calls = story(asking(names), on({ certificates: [certificate] }))
    expect(calls).toEqual([
      'pull',
      'create',
      `site web ${file}`,
      `site web.at ${at}`,
      `site web.server ${serverConf}`,
      `load ${names.join(' ')}`,
      'switch a',
    ])
  })

  it('is told with its last day, and warned of in its last week', () => {
    const plan = planHost(wanted([asking()]), on({ certificates: [there()] }), 'a')
    expect(plan.notes[0]).toBe('web: the certificate of addie.example.org is there until 2027-02-20')
    expect(plan.warnings).toEqual([])
    const alone = planHost(
      wanted([asking(both)]),
      on({ certificates: [there({ isOwn: false, authenticator: 'standalone', names: both })] }),
      'a',
    )
    expect(alone.warnings.join()).toContain(
      `certbot certonly --force-renewal --cert-name ${name} --webroot --webroot-path ${challengeFolder} -d ${name} -d www.example.org`,
    )
    const late = planHost(wanted([asking()]), on({ certificates: [there({ ends: 'soon' })] }), 'a')
    expect(late.warnings.join()).toContain('ends within a week, and certbot has not renewed it')
  })
})

describe('a certificate that is asked for', () => {
  const challenge = `certificate web 180 ${challengeFolder}`

  it('on a host where nothing has the name: by a server on port 80, before anything is pulled, and that makes way for the whole one', () => {
    expect(story(asking(), on())).toEqual([
      `site web.acme ${meanwhile}`,
      `load ${name}`,
      `${challenge} ${name}`,
      'pull',
      'create',
      `unseat web.acme.gone ${meanwhile}`,
      `site web ${file}`,
      `site web.at ${at}`,
      `site web.server ${serverConf}`,
      `load ${name}`,
      'switch a',
    ])
    const plan = planHost(wanted([asking()]), on(), 'a')
    expect(plan.notes[0]).toBe('web: a certificate for addie.example.org is asked for')
    expect(plan.files.find(({ path }) => path === meanwhile)?.text).toContain(`location ^~ ${challengePath}`)
    expect(plan.calls.find(([call]) => call === 'certificate')?.slice(5)).toEqual(
      certonly({ name, names: [name], email: 'ops@example.org' }),
    )
  })

  it.each<[string, string[], Observation, string[], string]>([
    [
      'where plain HTTP is served so far: within that server, which goes on',
      [name],
      on(servers({ ports: [80] })),
      [`site web.acme0 ${dropIn}`, `load ${name}`, `${challenge} ${name}`],
      'is asked for',
    ],
    [
      'where HTTPS was served with files: within that server, to which plain HTTP is sent',
      [name],
      on(servers({ ports: [80] }, { ports: [443] })),
      [`site web.acme0 ${dropIn}`, `load ${name}`, `${challenge} ${name}`],
      'is asked for',
    ],
    [
      'for one name more: by a server for that alone, beside the one that serves',
      both,
      on({ ...servers({ ports: [80], locations: [challengePath, '/'] }, { ports: [443] }), certificates: [there()] }),
      [`site web.acme ${meanwhile}`, `load ${both.join(' ')}`, `${challenge} ${both.join(' ')}`],
      'is asked for; the one that is there lacks www.example.org',
    ],
    [
      'where it came from a directory to try out: anew, however long it is good',
      [name],
      on({
        ...servers({ ports: [80], locations: [challengePath, '/'] }, { ports: [443] }),
        certificates: [there({ server: 'https://staging.example.org/directory' })],
      }),
      ['load', `${challenge} ${name}`],
      'is asked for; the one that is there is of https://staging.example.org/directory',
    ],
    [
      'where it has ended: by the server that is there, without a reload',
      [name],
      on({ ...servers({ ports: [80], locations: [challengePath, '/'] }, { ports: [443] }), certificates: [there({ ends: 'over' })] }),
      ['load', `${challenge} ${name}`],
      'is asked for; the one that is there has ended',
    ],
    [
      'where another has been there by hand for fewer names: it is expanded',
      both,
      on({ certificates: [there({ isOwn: false })] }),
      [`site web.acme ${meanwhile}`, `load ${both.join(' ')}`, `${challenge} ${both.join(' ')}`],
      'lacks www.example.org',
    ],
  ])('%s', (_, names, found, expected, note) => {
    const calls = story(asking(names), found)
    expect(calls.slice(0, calls.indexOf('pull'))).toEqual(expected)
    expect(planHost(wanted([asking(names)]), found, 'a').notes[0]).toContain(note)
    // What was written for it makes way in the same reload that brings the server of the release.
    const [unseats, sites] = [calls.findLastIndex((one) => one.startsWith('unseat ')), calls.indexOf(`site web ${file}`)]
    expect(calls.filter((one) => one.startsWith('unseat '))).toHaveLength(expected.filter((one) => one.startsWith('site ')).length)
    expect(unseats).toBeLessThan(sites)
  })

  it('takes the place of one from another directory, and stays where it is from the one that is wanted', () => {
    const server = 'https://staging.example.org/directory'
    const forced = (acme: NonNullable<Nginx['acme']>, from: string): boolean[] =>
      planHost(wanted([asking([name], { acme })]), on({ certificates: [there({ server: from })] }), 'a').calls.flatMap((call) =>
        call[0] === 'certificate' ? [call.includes('--force-renewal')] : [],
      )
    const email = 'ops@example.org'
    expect(forced({ email }, server)).toEqual([true])
    expect(forced({ email, server }, letsEncrypt)).toEqual([true])
    expect(forced({ email, server }, server)).toEqual([])
    expect(forced({ email }, letsEncrypt)).toEqual([])
  })

  it('is one for services that share a server', () => {
    const api = { ...asking([name], { path: '/api' }), name: 'api' }
    const { calls, notes } = planHost(wanted([asking(), api]), on({}, { ports: new Map() }), 'a')
    expect(calls.filter(([call]) => call === 'certificate')).toHaveLength(1)
    expect(notes.filter((note) => note.includes('certificate'))).toHaveLength(1)
  })

  it('is not by a rollback: what it returns to has been served here, and needs nobody', () => {
    const found = on({}, { current: second, containers: [container('web', first, 'a'), container('web', second, 'b')] })
    const calls = planHost(
      wanted([asking()], { isReturn: true, release: first }),
      { ...found, tools: new Set([...tools].slice(0, 5)) },
      'a',
    ).calls
    expect(calls.filter(([call]) => call === 'certificate')).toEqual([])
  })

  it('says in its failure what the authority said, and what to look at', () => {
    const line = { v: 1 as const, at: 0, release: second, attempt: 'x' }
    const error = failureOf(
      'a',
      [
        {
          ...line,
          step: 'certificate',
          state: 'failed',
          service: 'web',
          note: 'certbot ended with exit code 1\nDetail: no valid A records',
        },
        { ...line, step: 'end', state: 'undone' },
      ],
      first,
    )
    expect(error).toMatchObject({ code: 'DEPLOY_ROLLED_BACK', message: `web: certificate failed on a; release ${first} serves` })
    for (const words of ['no valid A records', 'port 80', 'DNS', 'AAAA']) expect(error.hint).toContain(words)
  })
})

describe('a host that cannot ask for a certificate', () => {
  const without = (tool: string): Observation => ({ ...on(), tools: new Set([...tools].filter((one) => one !== tool)) })

  it.each<[string, string[], Observation, string, string]>([
    [
      'certbot is missing',
      [name],
      without('certbot'),
      'certbot is not installed, and addie.example.org has no certificate',
      'apt install certbot',
    ],
    ['openssl is missing', [name], without('openssl'), 'openssl is not installed', 'apt-get install openssl'],
    [
      'a certificate of the user would lose a name',
      both,
      on({ certificates: [there({ isOwn: false, names: [name, 'mail.example.org'] })] }),
      'is for mail.example.org as well',
      `certbot certonly --cert-name ${name} --expand`,
    ],
    [
      'files that certbot does not know have ended',
      [name],
      on({ certificates: [there({ isOwn: false, ends: 'over', server: undefined, authenticator: undefined })] }),
      `/etc/letsencrypt/live/${name} has files that certbot does not know`,
      `mv /etc/letsencrypt/live/${name} /root/`,
    ],
  ])('is told before anything is touched: %s', (_, names, found, what, hint) => {
    const error = failureIn(() => planHost(wanted([asking(names)]), found, 'a'))
    expect(error).toMatchObject({ code: 'HOST_UNFIT' })
    expect(error.message).toContain(what)
    expect(error.hint).toContain(hint)
  })

  it.each<[string, Observation]>([
    ['certbot is missing, where the certificate is there', { ...on({ certificates: [there()] }), tools: without('certbot').tools }],
    ['one of ours has a name that is no longer wanted', on({ certificates: [there({ names: ['old.example.org'] })] })],
    ['another deploy asks for the same name right now', on(servers({ file: `${conf}/launchway.blog.live.web.acme.conf` }))],
  ])('is none: %s', (_, found) => {
    expect(() => planHost(wanted([asking()]), found, 'a')).not.toThrow()
  })
})

describe('the server of a name whose certificate was asked for', () => {
  it('goes on to show it for a release that does not ask, so that it can be renewed; and never begins to', () => {
    const plain = asking([name], { acme: undefined })
    const text = (found: Observation): string => planHost(wanted([plain]), found, 'a').sites[0]?.files.at(-1)?.text ?? ''
    expect(text(on(servers({ ports: [80], locations: [challengePath, '/'] }, { ports: [443] })))).toContain(challengePath)
    expect(text(on(servers({ ports: [80] }, { ports: [443] })))).not.toContain('acme')
    const shared = { ...nginx().configuration, servers: [server({ file: serverConf })], parts: [part({ file: at })] }
    expect(text(on({ configuration: shared }))).not.toContain('acme')
  })
})
