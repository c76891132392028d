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
  known.example.org | https://index.docker.io/v1/) printf '{"ServerURL":"%s","Username":"from-helper","Secret":"h"}' "$registry" ;;
  *) echo 'credentials not found in native keychain'; exit 1 ;;
esac
`

interface Given {
  host: string
  settings?: Partial<Settings>
  env?: Record<string, string>
  docker?: unknown
}

/** The login that is found, as `user:password`. */
async function loginFor({ host, settings = {}, env = {}, docker }: Given): Promise<string | undefined> {
  await using folder = await openFolder()
  const tools = join(folder.path, 'bin')
  mkdirSync(tools)
  writeFileSync(join(tools, 'docker-credential-test'), helper, { mode: 0o755 })
  if (docker !== undefined) writeFileSync(join(folder.path, 'config.json'), typeof docker === 'string' ? docker : JSON.stringify(docker))
  using _ = setEnv({ PATH: `${tools}:${process.env['PATH']}` })
  const found = await findCredentials(
    { host, plainHttp: false, ...settings },
    {
      env: { ...env, DOCKER_CONFIG: folder.path },
      secret: (name) => (env[name] === undefined ? undefined : new Secret(env[name])),
      exec: processExec,
    },
  )
  return found === undefined ? undefined : `${found.username}:${found.password.reveal()}`
}

describe('the login for a registry', () => {
  it.each<[string, Given, string | undefined]>([
    [
      "is the configuration's own",
      { host: 'r.example.org', settings: { username: 'u', password: 'MINE' }, env: { MINE: 'p', REGISTRY_PASSWORD: 'q' } },
      'u:p',
    ],
    ['is the general one of the step', { host: 'r.example.org', env: { REGISTRY_USERNAME: 'u', REGISTRY_PASSWORD: 'p' } }, 'u:p'],
    ['is the GitHub token on ghcr.io', { host: 'ghcr.io', env: { GITHUB_ACTOR: 'ada', GITHUB_TOKEN: 't' } }, 'ada:t'],
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
    ['is none where the helper knows none', { host: 'r.example.org', docker: { credsStore: 'test' } }, undefined],
    ['is none where docker has none', { host: 'r.example.org', docker: { auths: { 'r.example.org': { auth: '' } } } }, undefined],
    ['is none where docker was never there', { host: 'r.example.org' }, undefined],
  ])('%s', async (_, given, expected) => {
    expect(await loginFor(given)).toBe(expected)
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
