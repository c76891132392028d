import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { processExec } from '../../src/adapters/exec.ts'
import { findCredentials } from '../../src/adapters/registry/credentials.ts'
import type { Registry as Settings } from '../../src/core/release.ts'
import { Secret } from '../../src/core/secret.ts'
import { failureOf } from './support/errors.ts'
import { openFolder, setEnv } from './support/folder.ts'

const auth = (text: string): { auth: string } => ({ auth: Buffer.from(text).toString('base64') })

/** A helper as docker has them: it knows one registry, and answers as the real ones do. */
const helper = `#!/bin/sh
read -r registry
[ "$1" = get ] && case $registry in
  azure.example.org) printf '{"ServerURL":"%s","Username":"<token>","Secret":"refresh"}' "$registry" ;;
  known.example.org | https://index.docker.io/v1/) printf '{"ServerURL":"%s","Username":"from-helper","Secret":"h"}' "$registry" ;;
  broken.example.org) echo 'a-secret and no JSON' ;;
  *) echo 'credentials not found in native keychain'; exit 1 ;;
esac
`

interface Given {
  host: string
  settings?: Partial<Settings>
  env?: Record<string, string>
  docker?: unknown
}

interface Found {
  /** As `user:password`; of an identity token with `, identity` behind it. */
  login: string | undefined
  /** What was masked that no secret of the step is. */
  masked: string[]
}

async function find({ host, settings = {}, env = {}, docker }: Given): Promise<Found> {
  await using folder = await openFolder()
  const tools = join(folder.path, 'bin')
  mkdirSync(tools)
  writeFileSync(join(tools, 'docker-credential-test'), helper, { mode: 0o755 })
  if (docker !== undefined) writeFileSync(join(folder.path, 'config.json'), typeof docker === 'string' ? docker : JSON.stringify(docker))
  using _ = setEnv({ PATH: `${tools}:${process.env['PATH']}` })
  const masked: string[] = []
  const found = await findCredentials(
    { host, plainHttp: false, ...settings },
    {
      env: { ...env, DOCKER_CONFIG: folder.path },
      secret: (name) => ((env[name] ?? '') === '' ? undefined : new Secret(env[name] ?? '')),
      exec: processExec,
      onSecret: (secret) => void masked.push(secret.reveal()),
    },
  )
  const login = found === undefined ? undefined : `${found.username}:${found.password.reveal()}`
  return { login: found?.isIdentity === true ? `${login}, identity` : login, masked }
}

async function loginFor(given: Given): Promise<string | undefined> {
  return (await find(given)).login
}

const pair = { REGISTRY_USERNAME: 'u', REGISTRY_PASSWORD: 'p' }
const onGitHub = { GITHUB_ACTOR: 'ada', GITHUB_TOKEN: 't' }
/** The plan found that the general login is for this registry, or could be. */
const general = (...hosts: string[]): Partial<Settings> => ({ generalLogin: hosts })

describe('the login for a registry', () => {
  it.each<[string, Given, string | undefined]>([
    [
      "is the configuration's own",
      {
        host: 'r.example.org',
        settings: { username: 'u', password: 'MINE', ...general('r.example.org') },
        env: { MINE: 'p', REGISTRY_USERNAME: 'v', REGISTRY_PASSWORD: 'q' },
      },
      'u:p',
    ],
    [
      'is the general one where it is meant for this registry',
      { host: 'r.example.org', settings: general('r.example.org'), env: pair },
      'u:p',
    ],
    ['is not the general one where it is meant for another', { host: 'r.example.org', env: pair }, undefined],
    [
      "is the general password with the configuration's username",
      { host: 'r.example.org', settings: { username: 'w', ...general('r.example.org') }, env: pair },
      'w:p',
    ],
    [
      "is the configuration's password with the general username, of the only registry",
      { host: 'r.example.org', settings: { password: 'MINE', ...general('r.example.org') }, env: { MINE: 'm', REGISTRY_USERNAME: 'u' } },
      'u:m',
    ],
    [
      'is the token that the configuration names on ghcr.io, with the actor, before that of GitHub',
      { host: 'ghcr.io', settings: { password: 'GHCR_PAT' }, env: { ...onGitHub, ...pair, GHCR_PAT: 'pat' } },
      'ada:pat',
    ],
    [
      'is the general password alone on ghcr.io, with the actor, before the token of GitHub',
      { host: 'ghcr.io', settings: general('ghcr.io'), env: { ...onGitHub, REGISTRY_USERNAME: '', REGISTRY_PASSWORD: 'pat' } },
      'ada:pat',
    ],
    [
      'is the general pair on ghcr.io, where both are given',
      { host: 'ghcr.io', settings: general('ghcr.io'), env: { ...onGitHub, ...pair } },
      'u:p',
    ],
    [
      'is the GitHub token on ghcr.io beside a registry that the general pair is for',
      { host: 'ghcr.io', env: { ...onGitHub, ...pair } },
      'ada:t',
    ],
    [
      'is the GitHub token on ghcr.io where nothing else is given',
      { host: 'ghcr.io', env: { GITHUB_ACTOR: 'ada', GITHUB_TOKEN: 't' } },
      'ada:t',
    ],
    ['is not the GitHub token anywhere else', { host: 'r.example.org', env: { GITHUB_ACTOR: 'ada', GITHUB_TOKEN: 't' } }, undefined],
    [
      'is what docker login left, with a colon in the password',
      { host: 'r.example.org:5000', docker: { auths: { 'r.example.org:5000': auth('u:p:q') } } },
      'u:p:q',
    ],
    ['is what an older docker left', { host: 'ghcr.io', docker: { auths: { 'https://ghcr.io/v1/': auth('u:p') } } }, 'u:p'],
    ['is not what docker left for another', { host: 'ghcr.io', docker: { auths: { 'ghcr.io.example.org': auth('u:p') } } }, undefined],
    ["is docker's own name for the Hub", { host: 'docker.io', docker: { auths: { 'https://index.docker.io/v1/': auth('u:p') } } }, 'u:p'],
    [
      "comes from the registry's helper",
      { host: 'known.example.org', docker: { credHelpers: { 'known.example.org': 'test' } } },
      'from-helper:h',
    ],
    [
      "comes from the Hub's helper under docker's name",
      { host: 'docker.io', docker: { credHelpers: { 'https://index.docker.io/v1/': 'test' } } },
      'from-helper:h',
    ],
    [
      'comes from the helper for all',
      { host: 'known.example.org', docker: { credsStore: 'test', auths: { 'known.example.org': {} } } },
      'from-helper:h',
    ],
    [
      'is the identity token beside a name without a password, as Azure leaves it',
      { host: 'a.example.org', docker: { auths: { 'a.example.org': { ...auth('00000000-0000:'), identitytoken: 'refresh' } } } },
      '00000000-0000:refresh, identity',
    ],
    [
      'is the identity token alone',
      { host: 'a.example.org', docker: { auths: { 'a.example.org': { identitytoken: 'refresh' } } } },
      '<token>:refresh, identity',
    ],
    [
      'is the password where the identity token is empty',
      { host: 'a.example.org', docker: { auths: { 'a.example.org': { ...auth('u:p'), identitytoken: '' } } } },
      'u:p',
    ],
    ['is an identity token of a helper', { host: 'azure.example.org', docker: { credsStore: 'test' } }, '<token>:refresh, identity'],
    ['is none where the helper knows none', { host: 'r.example.org', docker: { credsStore: 'test' } }, undefined],
    ['is none where docker has none', { host: 'r.example.org', docker: { auths: { 'r.example.org': { auth: '' } } } }, undefined],
    ['is none where docker was never there', { host: 'r.example.org' }, undefined],
  ])('%s', async (_, given, expected) => {
    expect(await loginFor(given)).toBe(expected)
  })

  it.each<[string, Given, string[]]>([
    ['a configuration', { host: 'r.example.org', docker: { auths: { 'r.example.org': auth('u:p:q') } } }, ['p:q', 'u:p:q']],
    ['an identity token', { host: 'a.example.org', docker: { auths: { 'a.example.org': { identitytoken: 'refresh' } } } }, ['refresh']],
    ['a helper', { host: 'known.example.org', docker: { credsStore: 'test' } }, ['h', 'from-helper:h']],
  ])('that %s of docker gives is masked, a password with and without its username', async (_, given, masked) => {
    expect((await find(given)).masked).toEqual(masked)
  })

  it.each(['', undefined])('is not looked for elsewhere where the configuration names one that is not given (%j)', async (value) => {
    const env = { ...onGitHub, ...pair, ...(value === undefined ? {} : { GHCR_PAT: value }) }
    const docker = { auths: { 'ghcr.io': auth('u:p') } }
    expect(await failureOf(find({ host: 'ghcr.io', settings: { username: 'u', password: 'GHCR_PAT' }, env, docker }))).toMatchObject({
      code: 'SECRET_MISSING',
      message: 'ghcr.io needs GHCR_PAT',
      hint: expect.stringContaining('GHCR_PAT: ${{ secrets.GHCR_PAT }}'),
    })
  })

  it.each<[string, Given, string]>([
    ['of the step', { host: 'docker.io', settings: general('docker.io'), env: { REGISTRY_PASSWORD: 'p' } }, 'REGISTRY_PASSWORD'],
    ['of the configuration', { host: 'docker.io', settings: { password: 'MINE' }, env: { ...pair, MINE: 'm' } }, 'MINE'],
  ])('is refused where a password %s has no username', async (_, given, name) => {
    expect(await failureOf(find(given))).toMatchObject({
      code: 'CONFIG_INVALID',
      message: `${name} is the password for docker.io, and there is no username to it`,
      hint: expect.stringContaining('docker.io: { username: ACCOUNT }'),
    })
  })

  it('is refused where the general one could be meant for several, and shown to none', async () => {
    const settings = general('docker.io', 'quay.example.org')
    for (const host of ['docker.io', 'quay.example.org']) {
      const docker = { auths: { [host]: auth('u:p') } }
      expect(await failureOf(find({ host, settings, env: pair, docker }))).toMatchObject({
        code: 'CONFIG_INVALID',
        message: 'REGISTRY_PASSWORD is one login, and could be meant for docker.io or quay.example.org',
        hint: expect.stringContaining('quay.example.org: { username: ACCOUNT, password: NAME_OF_A_VARIABLE }'),
      })
    }
  })

  it('is that of docker where the general one could be meant for several, and is not given', async () => {
    const docker = { auths: { 'r.example.org': auth('u:p') } }
    expect(await loginFor({ host: 'r.example.org', settings: general('docker.io', 'r.example.org'), docker })).toBe('u:p')
  })

  it('is none where a helper answers what is no login', async () => {
    expect(await loginFor({ host: 'broken.example.org', docker: { credsStore: 'test' } })).toBeUndefined()
  })

  it("names a configuration of docker's that is damaged", async () => {
    expect(await failureOf(loginFor({ host: 'r.example.org', docker: '{"auths":' }))).toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/config\.json is not a configuration of docker/),
    })
  })

  it('names a helper that is missing', async () => {
    expect(await failureOf(loginFor({ host: 'r.example.org', docker: { credsStore: 'gone' } }))).toMatchObject({
      code: 'TOOL_MISSING',
      message: 'docker-credential-gone is not installed, or not in PATH',
    })
  })
})
