import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { judge } from '../../src/doctor/finding.ts'
import { lookAtSecrets } from '../../src/doctor/look/secrets.ts'
import { secretRules } from '../../src/doctor/rules/secrets.ts'
import { readSources } from '../../src/doctor/sources.ts'
import { told } from './support/doctor.ts'
import { localPorts, temporaryFolder } from './support/ports.ts'

/** What doctor says of the secrets of a repository with these files, in an environment with these variables. */
async function said(files: Readonly<Record<string, string>>, env: Record<string, string> = { CI: 'true' }): Promise<string[]> {
  const root = temporaryFolder()
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  const { ports } = localPorts(root, env)
  return judge(secretRules, await lookAtSecrets(await readSources('launchway.yml', undefined, ports), ports)).map(told)
}

const building = `images:
  app:
    contexts: { base: target:base }
    ssh: [default, { id: git, key: GIT_KEY }]
    repositories: [ghcr.io/team/app]
  base:
    secrets: [NPM_TOKEN, { id: pip, env: PIP_TOKEN }, { id: file, file: token.txt }]
`
const signing = (of: string): string => `image: ghcr.io/team/app\nevidence: { sign: ${of} }\n`
const verifying = `image: ghcr.io/team/app
environments:
  production: { host: a.example.org, port: 1, publish: 80, health: /, ssh: { key: K }, verify: { key: [good.pub, none.pub, bad.pub] } }
`
const pair = (passphrase?: string) =>
  generateKeyPairSync('ed25519', {
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem', ...(passphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase }) },
  })

describe('doctor asks for the secrets', () => {
  it('of a build, also of what is built on and pushed nowhere', async () => {
    expect(await said({ 'launchway.yml': building }, { CI: 'true', PIP_TOKEN: 'x1\n', GIT_KEY: 'ssh-ed25519 AAAAC3Nza x@y' })).toEqual([
      'error secret-missing launchway.yml:7:15: the build of base needs NPM_TOKEN, which is not set here',
      'warning secret-line-ends launchway.yml:7:26: PIP_TOKEN has a newline at its end',
      'error key-unreadable launchway.yml:4:20: GIT_KEY holds a public key: the private one is the file without .pub',
      'error build-file launchway.yml:7:55: the build of base needs token.txt, which is not there',
    ])
  })

  it('of a build at a terminal as hints, a key that is named among them', async () => {
    expect((await said({ 'launchway.yml': building, 'token.txt': 'x' }, {})).map((line) => line.replace(/ launchway.yml:\S+/, ''))).toEqual(
      [
        'hint secret-missing the build of app needs GIT_KEY, which is not set here',
        'hint secret-missing the build of base needs NPM_TOKEN, which is not set here',
        'hint secret-missing the build of base needs PIP_TOKEN, which is not set here',
      ],
    )
  })

  it.each<[string, string, Record<string, string>, string[]]>([
    ['keyless', 'keyless', {}, []],
    [
      'a key that is not there',
      '{ key: SIGN_KEY }',
      {},
      ['error secret-missing launchway.yml:2:21: the signature needs SIGN_KEY, which is not set here'],
    ],
    ['a key without a password', '{}', { COSIGN_PRIVATE_KEY: pair().privateKey }, []],
    ['a key with its password', '{ password: PW }', { COSIGN_PRIVATE_KEY: pair('x1').privateKey, PW: 'x1' }, []],
    [
      'a key whose password is not given',
      '{ key: SIGN_KEY, password: PW }',
      { SIGN_KEY: pair('x1').privateKey },
      [
        'error secret-missing launchway.yml:2:46: the signature needs PW, which is not set here',
        'error key-unreadable launchway.yml:2:26: SIGN_KEY cannot be signed with: its password is wrong or missing',
      ],
    ],
    [
      'a public key',
      '{ key: SIGN_KEY }',
      { SIGN_KEY: pair().publicKey },
      ['error key-unreadable launchway.yml:2:26: SIGN_KEY cannot be signed with: it is damaged, or no private key'],
    ],
  ])('with which images are signed: %s', async (_, of, env, expected) => {
    const place = (line: string): string => line.replace(/launchway.yml:\d+:\d+/, '')
    expect((await said({ 'launchway.yml': signing(of) }, { CI: 'true', ...env })).map(place)).toEqual(expected.map(place))
  })

  it('in the workflows that build and push, and not only in those that deploy', async () => {
    const step = (action: string, env: string): string =>
      `on: push\njobs:\n  a:\n    steps:\n      - uses: OWNER/launchway/actions/${action}@C\n${env}`
    const config = `${building}evidence: { sign: { key: SIGN_KEY, password: PW } }\n`
    const ungiven = async (files: Record<string, string>): Promise<string[]> =>
      (await said({ 'launchway.yml': config, ...files }, {}))
        .filter((line) => line.includes('ungiven'))
        .map((line) => line.split(': ')[1] ?? '')
    const build = step('build', '        env: { NPM_TOKEN: a, GIT_KEY: b }\n')
    expect(await ungiven({ '.github/workflows/build.yml': build })).toEqual(['no workflow gives PIP_TOKEN'])
    expect(await ungiven({ '.github/workflows/push.yml': step('push', '        env: { SIGN_KEY: a }\n') })).toEqual([
      'no workflow gives PW',
    ])
    expect(await ungiven({ '.github/workflows/deploy.yml': step('deploy', '        with: { ssh-key: x }\n') })).toEqual([])
  })

  it('and for the certificates of registries, whoever is logged in', async () => {
    const registries = `registries:
  a.example.org: { ca: ca.pem }
  b.example.org: { ca: gone.pem }
  c.example.org: { ca: text.pem }
  d.example.org: { ca: /etc/none/ca.pem }
  e.example.org: { ca: . }
`
    const images = 'abcde'.split('').map((name) => `  ${name}: { repositories: [${name}.example.org/app] }\n`)
    const files = {
      'launchway.yml': `images:\n${images.join('')}${registries}`,
      'ca.pem': '-----BEGIN CERTIFICATE-----\n',
      'text.pem': 'x',
    }
    const of = async (env: Record<string, string>): Promise<string[]> =>
      (await said(files, env)).filter((line) => line.includes('registry-authority'))
    expect(await of({ CI: 'true' })).toEqual([
      'error registry-authority launchway.yml:9:24: gone.pem, the authority of b.example.org, is not there',
      'error registry-authority launchway.yml:10:24: text.pem, the authority of c.example.org, is no certificate in PEM',
      'error registry-authority launchway.yml:11:24: /etc/none/ca.pem, the authority of d.example.org, is not there',
      'error registry-authority launchway.yml:12:24: ., the authority of e.example.org, is a folder',
    ])
    expect((await of({})).map((line) => line.split(' ')[0])).toEqual(['error', 'error', 'hint', 'error'])
  })

  it('and for the public keys that signatures are checked with, which lie in the repository', async () => {
    const found = await said({ 'launchway.yml': verifying, 'good.pub': pair().publicKey, 'bad.pub': pair().privateKey }, { K: 'x' })
    expect(found.filter((line) => line.includes('verify-key'))).toEqual([
      expect.stringMatching(/^error verify-key launchway.yml:3:\d+: none.pub, the key that signatures are checked with, is not there$/),
      expect.stringMatching(/^error verify-key launchway.yml:3:\d+: bad.pub, .* is no public key in PEM/),
    ])
  })
})
