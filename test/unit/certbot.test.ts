import { describe, expect, it } from 'vitest'
import { certonly, challengeFolder, challengePath, covers, parseCertificate } from '../../src/tools/certbot.ts'
import { challengeServerText, challengeText } from '../../src/tools/nginx-challenge.ts'
import { serverText } from '../../src/tools/nginx-site.ts'

const name = 'addie.example.org'
const both = [name, 'www.example.org']
const live = `/etc/letsencrypt/live/${name}`
const tls = { certificate: `${live}/fullchain.pem`, key: `${live}/privkey.pem` }

describe('what certbot is asked for', () => {
  it('is a certificate for all names, by a folder, and without a question', () => {
    expect(certonly({ name, names: both, email: 'ops@example.org' })).toEqual([
      ...['certonly', '--non-interactive', '--agree-tos', '--email', 'ops@example.org'],
      ...['--webroot', '--webroot-path', '/var/lib/letsencrypt/launchway', '--cert-name', name],
      ...['--keep-until-expiring', '--renew-with-new-domains', '--domain', name, '--domain', 'www.example.org'],
    ])
  })

  it('is asked of another authority by its directory', () => {
    const words = certonly({ name, names: [name], email: 'o@example.org', server: 'https://ca.example.org/dir' })
    expect(words.slice(5, 7)).toEqual(['--server', 'https://ca.example.org/dir'])
  })
})

describe('a certificate that is there', () => {
  const text = 'notAfter=Feb  2 10:00:07 2027 GMT X509v3 Subject Alternative Name:      DNS:Addie.example.org, DNS:*.example.net'

  it('is read as openssl tells it', () => {
    expect(parseCertificate(text)).toEqual({ names: [name, '*.example.net'], until: new Date('2027-02-02T10:00:07Z') })
    expect(parseCertificate('unable to load certificate')).toEqual({ names: [], until: undefined })
  })

  it.each([
    ['example.org', ['example.org'], true],
    ['Example.org', ['example.org'], true],
    ['www.example.org', ['*.example.org'], true],
    ['a.www.example.org', ['*.example.org'], false],
    ['example.org', ['*.example.org'], false],
    ['www.example.org', ['example.org'], false],
    ['www.example.org', [], false],
  ])('is for %s where it says %j: %s', (wantedName, names, expected) => {
    expect(covers(names, wantedName)).toBe(expected)
  })
})

describe('the server of a name whose certificate is asked for', () => {
  const build = { version: '1.22.1', http2: true }
  const of = { ours: '/etc/nginx/nginx.conf', ipv6: false, hasRoot: true }
  const location = `    location ^~ ${challengePath} {
        root ${challengeFolder};
        default_type text/plain;
        auth_basic off;
        allow all;
    }
`

  it('shows the folder on port 80, and sends everything else to HTTPS', () => {
    const text = serverText({ serverNames: [name], tls }, build, { ...of, challenge: true })
    expect(text).toContain(`server {
    listen 80;
    server_name ${name};
${location}    location / { return 308 https://$host$request_uri; }
}
`)
    expect(text.match(/acme-challenge/g)).toHaveLength(1)
  })

  it('shows it where both are answered by one server', () => {
    const text = serverText({ serverNames: [name], tls, redirect: false }, build, { ...of, challenge: true })
    expect(text).toContain(`    server_name ${name};\n${location}`)
    expect(text.match(/acme-challenge/g)).toHaveLength(1)
  })

  it('shows nothing else until it is there', () => {
    expect(challengeServerText([name], false)).toBe(`# Written by launchway: while a certificate is asked for.
server {
    listen 80;
    server_name ${name};
${location}    location / { return 404; }
}
`)
    expect(challengeText()).toBe(`# Written by launchway: while a certificate is asked for.\n${location.replaceAll(/^ {4}/gm, '')}`)
  })
})
