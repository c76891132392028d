import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ask } from '../../lab/run.ts'
import { ociRegistries } from '../../src/adapters/registry/repository.ts'
import { configFile } from '../../src/core/docker-config.ts'
import type { Credentials, Repository } from '../../src/core/ports.ts'
import { Secret } from '../../src/core/secret.ts'
import { fakeClock } from '../fakes/clock.ts'
import { failureOf } from './support/errors.ts'
import { openFolder } from './support/folder.ts'
import { type Answer, openServer, type Server } from './support/http.ts'

const type = 'application/vnd.oci.image.index.v1+json'
const body = '{"schemaVersion":2,"manifests":[]}'
const digest = `sha256:${createHash('sha256').update(body).digest('hex')}`
const manifest: Answer = { status: 200, headers: { 'content-type': type, 'docker-content-digest': digest }, body }
const login: Credentials = { username: '<token>', password: new Secret('an identity+token'), of: 'docker', isIdentity: true }

/** A registry as that of Azure is: its token server takes a refresh token, and says so otherwise. */
async function openRegistry(answer: Answer = { status: 200, body: '{"access_token":"access"}' }): Promise<Server> {
  const server: Server = await openServer(({ url, method, authorization }) => {
    if (url.startsWith('/token')) return method === 'POST' ? answer : { status: 400, body: 'no refresh token' }
    if (authorization === 'Bearer access') return manifest
    const challenge = `Bearer realm="${server.url}/token?a=b",service="registry of tests",scope="repository:team/app:pull"`
    return { status: 401, headers: { 'www-authenticate': challenge } }
  })
  return server
}

function repositoryAt(host: string): Promise<Repository> {
  return ociRegistries(fakeClock(), async () => login).repository(`${host}/team/app`, { host, plainHttp: true })
}

/** What its token server was asked: the form, without what stands in the address. */
const forms = ({ asked }: Server): object[] =>
  asked.filter(({ url }) => url.startsWith('/token')).map((one) => Object.fromEntries(new URLSearchParams(one.body)))

it('an identity token of docker is exchanged for one of the registry, for each right by itself', async () => {
  await using server = await openRegistry()
  const repository = await repositoryAt(server.address)
  expect((await repository.resolve('v1'))?.digest).toBe(digest)
  expect((await repository.manifest('v1'))?.descriptor.digest).toBe(digest)
  const form = { grant_type: 'refresh_token', client_id: 'launchway', refresh_token: 'an identity+token', service: 'registry of tests' }
  expect(forms(server)).toEqual([{ ...form, scope: 'repository:team/app:pull' }])
  const shown = server.asked.filter(({ url, authorization }) => url.includes('identity') || authorization?.startsWith('Basic') === true)
  expect(shown).toEqual([])
})

it.each([400, 401, 403, 404, 405])('one that is not taken is told as such, and not tried again: %d', async (status) => {
  await using server = await openRegistry({ status, body: '{"error":"invalid_grant"}' })
  expect(await failureOf((await repositoryAt(server.address)).resolve('v1'))).toMatchObject({
    code: 'REGISTRY_DENIED',
    message: `${server.address} does not take the identity token that docker has for it (${status})`,
    hint: expect.stringMatching(/^\{"error":"invalid_grant"\}\n.*log in again \(az acr login, docker login/),
  })
  expect(forms(server)).toHaveLength(1)
})

it('goes nowhere but to the token server: not to where that sends it on', async () => {
  await using other = await openServer(() => ({ status: 200, body: '{"access_token":"access"}' }))
  await using server = await openRegistry({ status: 307, headers: { location: `${other.url}/token` } })
  expect(await failureOf((await repositoryAt(server.address)).resolve('v1'))).toMatchObject({ code: 'REGISTRY_UNAVAILABLE' })
  expect(other.asked).toEqual([])
})

it('a registry that asks for a password gets none of it, and the message says why', async () => {
  await using server = await openServer(() => ({ status: 401, headers: { 'www-authenticate': 'Basic realm="r"' } }))
  expect(await failureOf((await repositoryAt(server.address)).manifest('v1'))).toMatchObject({
    code: 'REGISTRY_DENIED',
    hint: expect.stringContaining('It asks for a password, and docker has an identity token for it.'),
  })
  expect(server.asked.map(({ authorization }) => authorization)).toEqual([undefined])
})

it('docker takes it from the configuration that it is given, here or on a host', async () => {
  await using folder = await openFolder()
  await using server = await openRegistry()
  writeFileSync(join(folder.path, 'config.json'), configFile(new Map([[server.address, login]])).reveal())
  await ask('docker', ['--config', folder.path, 'pull', `${server.address}/team/app:v1`])
  expect(forms(server)[0]).toMatchObject({
    grant_type: 'refresh_token',
    refresh_token: 'an identity+token',
    scope: 'repository:team/app:pull',
  })
})
