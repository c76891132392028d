import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { failureOf } from './support/errors.ts'
import { type Asked, repository, smokeTest, withImage } from './support/smoke.ts'

withImage(['openssl'])

/** A server over TLS with a certificate that it makes itself, and one over plain HTTP that leads there. */
const files = {
  'compose.yml': `
services:
  web:
    image: ${repository}
    command: [sh, /start.sh]
    volumes: ["./start.sh:/start.sh:ro", "./certificates:/certificates"]
`,
  'certificates/note': 'what the stack makes comes here\n',
  'start.sh': `#!/bin/sh
set -e
mkdir -p /srv /www/cgi-bin
cd /srv
printf '[req]\\ndistinguished_name=name\\n[name]\\n' > request
make() { openssl req -x509 -config request -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$1.key" -out "$1.pem" -days 2 -subj /CN=test -addext "subjectAltName=$2"; }
make own DNS:web,DNS:shop.example.org
make other DNS:web
cp own.pem other.pem /certificates/
answer() { name=$1; shift; printf '%s\\r\\n' "$@" '' > "$name"; echo "this is $name" >> "$name"; }
set -- 'HTTP/1.1 200 OK' 'Connection: close' 'X-Frame-Options: DENY' 'X-Content-Type-Options: nosniff'
answer unsafe "$@"
answer safe "$@" 'Strict-Transport-Security: max-age=31536000'
answer taken-back "$@" 'Strict-Transport-Security: max-age=0'
answer moved 'HTTP/1.1 301 Moved' 'Connection: close' 'Location: /safe'
printf '#!/bin/sh\\nprintf "Status: 301 Moved\\\\r\\\\nLocation: https://web:8443/moved\\\\r\\\\n\\\\r\\\\n"\\n' > /www/cgi-bin/away
chmod +x /www/cgi-bin/away
httpd -p 8000 -h /www
exec openssl s_server -quiet -accept 8443 -cert own.pem -key own.key -HTTP
`,
}
const failing = (asked: Omit<Asked, 'files'>) => failureOf(smokeTest({ files, ...asked }))

// They wait for their stacks, each for its own.
describe.concurrent('a stack that speaks TLS', () => {
  it('is asked with the certificate that it has made itself, or that a step has put there, through redirects, and for its security headers', async () => {
    const { section, root } = await smokeTest({
      files,
      smoke: `
prepare:
  - { exec: web, command: [cp, /srv/own.pem, /certificates/by-step.pem] }
checks:
  - { name: own, http: "https://web:8443/safe", ca: certificates/own.pem, contains: this is safe }
  - { name: by step, http: "https://web:8443/unsafe", ca: certificates/by-step.pem }
  - { name: other name, http: "https://web:8443/safe", ca: certificates/own.pem, request-headers: { Host: shop.example.org } }
  - { name: any certificate, http: "https://web:8443/unsafe", contains: this is unsafe }
  - { name: led there, http: "http://web:8000/cgi-bin/away", redirects: 2, ca: certificates/own.pem, contains: this is safe }
  - { name: not followed, http: "http://web:8000/cgi-bin/away", status: 301, headers: { Location: "https://web:8443/moved" } }
  - { name: headers, http: "https://web:8443/safe", ca: certificates/own.pem, security: true }
`,
    })
    expect(section.checks.filter(({ passed }) => !passed)).toEqual([])
    expect(section.checks).toHaveLength(7)
    expect(readFileSync(join(root, 'certificates/by-step.pem'), 'utf8')).toContain('BEGIN CERTIFICATE')
  })

  it('fails a check where the certificate is of somebody else, is for another name or is not there, and where HSTS is missing or taken back', async () => {
    const failure = await failing({
      smoke: `
checks:
  - { name: somebody else, http: "https://web:8443/safe", ca: certificates/other.pem, timeout: 4s }
  - { name: other name, http: "https://web:8443/safe", ca: certificates/own.pem, request-headers: { Host: pay.example.org }, timeout: 4s }
  - { name: no file, http: "https://web:8443/safe", ca: certificates/none.pem, timeout: 4s }
  - { name: led there, http: "http://web:8000/cgi-bin/away", redirects: 2, ca: certificates/other.pem, timeout: 4s }
  - { name: no HSTS, http: "https://web:8443/unsafe", security: true, timeout: 4s }
  - { name: HSTS of no time, http: "https://web:8443/taken-back", security: true, timeout: 4s }
  - { name: fine, http: "https://web:8443/safe", security: true }
  - { name: nothing to say over http, http: "http://web:8000/cgi-bin/away", status: 301 }
`,
    })
    expect(failure).toMatchObject({ code: 'SMOKE_CHECK_FAILED', message: expect.stringMatching(/^6 checks failed: /) })
    const evidence = new Map(
      failure.part?.smoke?.checks.map(({ name, passed, evidence: said }) => [name, passed ? 'passed' : (said ?? '')]),
    )
    for (const [name, said] of [
      ['somebody else', /no answer: .*self-signed certificate/],
      ['other name', /no answer: .*pay\.example\.org/],
      ['no file', /ca: there is no file certificates\/none\.pem/],
      ['led there', /answered: 301, to https:\/\/web:8443\/moved\n[^]*self-signed certificate/],
      ['no HSTS', /wanted: the header strict-transport-security/],
      ['HSTS of no time', /wanted: the header strict-transport-security/],
      ['fine', /^passed$/],
      ['nothing to say over http', /^passed$/],
    ] as const)
      expect(evidence.get(name), name).toMatch(said)
  })
})
