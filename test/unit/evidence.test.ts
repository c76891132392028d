import { generateKeyPairSync, randomBytes, scryptSync, sign } from 'node:crypto'
import { xsalsa20poly1305 } from '@noble/ciphers/salsa.js'
import { describe, expect, it, test } from 'vitest'
import { resolveEvidence } from '../../src/config/evidence.ts'
import { display } from '../../src/core/command.ts'
import type { Signed } from '../../src/core/signature.ts'
import { verdict } from '../../src/deploy/verify.ts'
import { plan } from '../../src/plan/plan.ts'
import { evidenceParts } from '../../src/report/evidence.ts'
import { reasonOf, signKeyless, verifyKeyless } from '../../src/tools/cosign.ts'
import { webAddress } from '../../src/tools/git.ts'
import { surroundings } from '../../src/tools/provenance.ts'
import { readPrivateKey, readPublicKey } from '../../src/tools/signing-key.ts'
import { configOf } from './support/config.ts'

type Pair = ReturnType<typeof generateKeyPairSync>
const privatePem = ({ privateKey }: Pair): string => privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
const publicPem = ({ publicKey }: Pair): string => publicKey.export({ type: 'spki', format: 'pem' }).toString()
const trigger = { event: 'push', ref: 'refs/heads/main', sha: 'a'.repeat(40) } as const

describe('what is attached to an image', () => {
  const of = (yaml: string): unknown => resolveEvidence(configOf(`image: ghcr.io/team/app\n${yaml}`))

  it.each([
    ['', { sbom: ['spdx', 'cyclonedx'], provenance: true }],
    ['evidence: false', undefined],
    ['evidence: { sbom: false }', { sbom: [], provenance: true }],
    ['evidence: { sbom: [spdx], provenance: false }', { sbom: ['spdx'], provenance: false }],
    ['scan: false', { sbom: [], provenance: true }],
    [
      'evidence: { sign: {} }',
      { sbom: ['spdx', 'cyclonedx'], provenance: true, sign: { kind: 'key', key: 'COSIGN_PRIVATE_KEY', password: 'COSIGN_PASSWORD' } },
    ],
    ['evidence: { sbom: false, provenance: false, sign: keyless }', { sbom: [], provenance: false, sign: { kind: 'keyless' } }],
  ])('is by "%s" in launchway.yml: %j', (yaml, expected) => {
    expect(of(yaml)).toEqual(expected)
  })

  it('is planned with whose signature the environment asks for, and how large an image may be', () => {
    const config = configOf(`
images:
  app: { repositories: [ghcr.io/team/app], size: { warn: { growth: 12.5% }, fail: { total: 1.5GB, growth: 50 MB } } }
branches: { main: production }
environments:
  production: { host: a.example.org, port: 80, publish: 80, verify: { key: cosign.pub } }
  staging: { host: a.example.org, port: 80, publish: 81, verify: { identity: https://github.com/team/app/* } }
`)
    const made = plan(config, { ...trigger, source: 'https://github.com/team/app' })
    expect(made.environment?.verify).toEqual({ kind: 'key', keys: ['cosign.pub'] })
    expect(plan(config, { ...trigger, environment: 'staging' }).environment?.verify).toEqual({
      kind: 'keyless',
      identity: 'https://github.com/team/app/*',
      issuer: 'https://token.actions.githubusercontent.com',
    })
    expect(made.images[0]?.size).toEqual({ warn: { growthPercent: 12.5 }, fail: { total: 1.5e9, growth: 50e6 } })
    expect(made).toMatchObject({ source: 'https://github.com/team/app', against: 'production' })
  })
})

describe('a private key', () => {
  /** As cosign locks one away, but quicker. */
  function lockedBy(password: string, kind = 'SIGSTORE'): string {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const [salt, nonce] = [randomBytes(32), randomBytes(24)]
    const key = scryptSync(password, salt, 32, { N: 1024, r: 8, p: 1 })
    const ciphertext = xsalsa20poly1305(key, nonce).encrypt(privateKey.export({ type: 'pkcs8', format: 'der' }))
    const document = {
      kdf: { name: 'scrypt', params: { N: 1024, r: 8, p: 1 }, salt: salt.toString('base64') },
      cipher: { name: 'nacl/secretbox', nonce: nonce.toString('base64') },
      ciphertext: Buffer.from(ciphertext).toString('base64'),
    }
    const body = Buffer.from(JSON.stringify(document)).toString('base64').replaceAll(/.{64}/g, '$&\n')
    return `-----BEGIN ENCRYPTED ${kind} PRIVATE KEY-----\n${body}\n-----END ENCRYPTED ${kind} PRIVATE KEY-----\n`
  }
  const openssl = (isLocked: boolean): string => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' })
    const lock = isLocked ? { cipher: 'aes-256-cbc', passphrase: 'pass' } : {}
    return privateKey.export({ type: 'pkcs8', format: 'pem', ...lock }).toString()
  }
  const secp256k1 = privatePem(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }))
  const small = privatePem(generateKeyPairSync('rsa', { modulusLength: 1024 }))

  it.each([
    ["cosign's, with its password", lockedBy('pass'), 'pass'],
    ["cosign's of before version 2", lockedBy('pass', 'COSIGN'), 'pass'],
    ["cosign's without a password", lockedBy(''), ''],
    ["OpenSSL's", openssl(false), ''],
    ["OpenSSL's, pasted as one line", openssl(false).replaceAll('\n', String.raw`\n`), ''],
    ["OpenSSL's, with its password", openssl(true), 'pass'],
    ['of Ed25519', privatePem(generateKeyPairSync('ed25519')), ''],
  ])('%s is read', async (_, text, password) => {
    expect(await readPrivateKey(text, password)).toMatchObject({ type: 'private' })
  })

  it.each([
    ["cosign's with another password", lockedBy('pass'), 'word', 'its password is wrong or missing'],
    ["OpenSSL's without its password", openssl(true), '', 'its password is wrong or missing'],
    ['cut short', openssl(false).slice(0, 90), '', 'it is damaged, or no private key'],
    ["cosign's, cut short", `${lockedBy('pass').slice(0, 200)}\n-----END`, 'pass', 'it is damaged, or of a cosign that is not known'],
    ['that is a path', 'cosign.key', '', 'it is no key in PEM'],
    ['that is the public one', publicPem(generateKeyPairSync('ed25519')), '', 'it is damaged, or no private key'],
    ['of another curve', secp256k1, '', 'it is of the kind ec, which cosign does not check: take ECDSA, RSA from 2048 bits on, or Ed25519'],
    [
      'of RSA that is too short',
      small,
      '',
      'it is of the kind rsa, which cosign does not check: take ECDSA, RSA from 2048 bits on, or Ed25519',
    ],
  ])('%s is refused, and says why', async (_, text, password, why) => {
    expect(await readPrivateKey(text, password)).toBe(why)
  })

  it('is no public key', () => {
    expect(readPublicKey(openssl(false))).toBeUndefined()
    expect(readPublicKey('-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n')).toBeUndefined()
    expect(readPublicKey(publicPem(generateKeyPairSync('ed25519')))).toMatchObject({ type: 'public' })
  })
})

describe('the verdict about signatures', () => {
  const [ours, theirs] = [generateKeyPairSync('ec', { namedCurve: 'P-256' }), generateKeyPairSync('rsa', { modulusLength: 2048 })]
  const [digest, another] = [`sha256:${'1'.repeat(64)}`, `sha256:${'2'.repeat(64)}`]
  const made = (by: typeof ours, about: string[], bytes = Buffer.from(about.join())): Signed => ({
    bytes,
    signatures: [sign('sha256', Buffer.from(about.join()), by.privateKey)],
    about,
  })

  test.each<[string, Signed[], string | undefined]>([
    ['ours', [made(ours, [digest])], undefined],
    ['ours beside a stranger', [made(theirs, [another]), made(ours, [digest])], undefined],
    ['none', [], 'it is not signed'],
    ['a stranger', [made(theirs, [digest])], 'its signature is not one by a.pub'],
    ['two strangers', [made(theirs, [digest]), made(theirs, [another])], 'none of its 2 signatures is one by a.pub'],
    ['ours, of another image', [made(ours, [another])], `the signature beside it was made for another image, ${another}`],
    ['ours, of what was changed afterwards', [made(ours, [digest], Buffer.from('changed'))], 'its signature is not one by a.pub'],
    ['ours, of something else', [made(ours, [], Buffer.from(''))], 'the signature beside it was made for no image'],
    [
      'no signature at all',
      [{ bytes: Buffer.from(digest), signatures: [Buffer.from('x')], about: [digest] }],
      'its signature is not one by a.pub',
    ],
  ])('by %s', (_, found, expected) => {
    expect(verdict(found, [ours.publicKey], digest, ['a.pub'])).toBe(expected)
  })
})

describe('cosign', () => {
  const at = { file: 'cosign', plainHttp: false }
  const reference = `ghcr.io/team/app@sha256:${'1'.repeat(64)}`
  const issuer = 'https://token.actions.githubusercontent.com'

  it('signs by digest without a question, with the logins of this run alone', () => {
    const call = signKeyless({ ...at, config: '/tmp/logins', ca: '/etc/ca.pem', plainHttp: true }, reference)
    expect(display(call)).toBe(`cosign sign --allow-http-registry --registry-cacert /etc/ca.pem --yes ${reference}`)
    expect(call.env).toEqual({ DOCKER_CONFIG: '/tmp/logins' })
  })

  it.each([
    [
      'https://github.com/team/app/.github/workflows/release.yml@refs/heads/main',
      '--certificate-identity https://github.com/team/app/.github/workflows/release.yml@refs/heads/main',
    ],
    ['https://github.com/team/app/*', String.raw`--certificate-identity-regexp '^https://github\.com/team/app/.*$'`],
    ['*@(x|y).example.org', String.raw`--certificate-identity-regexp '^.*@\(x\|y\)\.example\.org$'`],
  ])('is asked for the whole identity %s', (identity, flags) => {
    expect(display(verifyKeyless(at, reference, { identity, issuer }))).toBe(
      `cosign verify ${flags} --certificate-oidc-issuer ${issuer} ${reference}`,
    )
  })

  it.each([
    [
      'WARNING: something\nError: no signatures found\nmain.go:74: error during command execution: no signatures found\n',
      'no signatures found',
    ],
    [
      'Error: no matching signatures: none of the expected identities matched\n',
      'no matching signatures: none of the expected identities matched',
    ],
    ['', ''],
  ])('that fails with %j is told as %j', (stderr, said) => {
    expect(reasonOf(stderr)).toBe(said)
  })
})

describe('where an image comes from', () => {
  test.each([
    ['https://github.com/team/app.git', 'https://github.com/team/app'],
    ['https://ada:s3cret@gitlab.example.org:8443/team/app.git', 'https://gitlab.example.org:8443/team/app'],
    ['git@github.com:team/app.git', 'https://github.com/team/app'],
    ['ssh://git@git.example.org:2222/team/app', 'https://git.example.org/team/app'],
    ['/srv/git/app.git', undefined],
    ['../app', undefined],
    ['file:///srv/git/app', undefined],
    ['', undefined],
  ])('the address of %s is %s', (cloned, address) => {
    expect(webAddress(cloned)).toBe(address)
  })

  const run = { who: 'ada@laptop', id: '20261121-101500-4f2a9c1', launchway: '0.0.0' }
  const github = {
    GITHUB_SERVER_URL: 'https://github.com',
    GITHUB_REPOSITORY: 'team/app',
    GITHUB_WORKFLOW_REF: 'team/app/.github/workflows/release.yml@refs/heads/main',
    GITHUB_RUN_ID: '7',
    GITHUB_RUN_ATTEMPT: '2',
  }
  const gitlab = { CI_PROJECT_URL: 'https://gitlab.example.org/team/app', CI_JOB_URL: 'https://gitlab.example.org/team/app/-/jobs/7' }
  test.each<[string, Record<string, string>, string, string]>([
    [
      'GitHub',
      github,
      'https://github.com/team/app/.github/workflows/release.yml@refs/heads/main',
      'https://github.com/team/app/actions/runs/7/attempts/2',
    ],
    ['GitLab', gitlab, gitlab.CI_PROJECT_URL, gitlab.CI_JOB_URL],
    ['a terminal', {}, 'urn:launchway:local:ada%40laptop', 'urn:launchway:release:20261121-101500-4f2a9c1'],
  ])('on %s the builder and the run are told apart', (_, env, builder, invocation) => {
    expect(surroundings((name) => env[name], run)).toEqual({ builder, invocation, launchway: '0.0.0' })
  })
})

describe('the summary', () => {
  const item = { image: 'app', subject: `sha256:${'1'.repeat(64)}`, added: true } as const

  it('says in a line an image what lies beside it, and nothing where nothing does', () => {
    const items = ['ghcr.io/team/app', 'docker.io/team/app'].flatMap((repository) =>
      (['spdx', 'provenance', 'signature'] as const).map((kind) => ({ ...item, repository, kind })),
    )
    expect(evidenceParts({ items, ms: 1 })).toEqual([
      'Beside app in `ghcr.io/team/app`, `docker.io/team/app`: SBOM (SPDX), provenance, signature.',
    ])
    expect(evidenceParts({ items: [], ms: 1 })).toEqual([])
  })
})
