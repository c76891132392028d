import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { findCredentials } from '../../src/adapters/registry/credentials.ts'
import { resolveRegistries } from '../../src/config/resolve.ts'
import type { Registry } from '../../src/core/release.ts'
import { Secret } from '../../src/core/secret.ts'
import { fakeExec } from '../fakes/exec.ts'
import { configOf } from './support/config.ts'

interface Given {
  hosts: string[]
  /** Hosts whose password has a name of its own. */
  named?: string[]
}

function registries({ hosts, named = [] }: Given): Registry[] {
  const repositories = hosts.map((host) => `${host}/team/app`)
  const own = Object.fromEntries(named.map((host) => [host, { username: 'own', password: `PASSWORD_${named.indexOf(host)}` }]))
  return resolveRegistries(configOf(JSON.stringify({ images: { app: { repositories } }, registries: own })))
}

describe('the general login (REGISTRY_USERNAME, REGISTRY_PASSWORD)', () => {
  test.each<[string, Given, string[]]>([
    ['the only registry', { hosts: ['docker.io'] }, ['docker.io']],
    ['the only registry, also ghcr.io', { hosts: ['ghcr.io'] }, ['ghcr.io']],
    [
      'the only registry, also one with a password of its own (it may lack the username)',
      { hosts: ['r.example.org'], named: ['r.example.org'] },
      ['r.example.org'],
    ],
    ['the one beside ghcr.io, which has the GitHub token', { hosts: ['ghcr.io', 'docker.io'] }, ['docker.io']],
    ['ghcr.io, where the other has a password of its own', { hosts: ['ghcr.io', 'docker.io'], named: ['docker.io'] }, ['ghcr.io']],
    ['the only one without a password of its own', { hosts: ['r.example.org', 'docker.io'], named: ['r.example.org'] }, ['docker.io']],
    ['none, where all have their own', { hosts: ['r.example.org', 'docker.io'], named: ['r.example.org', 'docker.io'] }, []],
    ['one of these, which is unclear', { hosts: ['r.example.org', 'docker.io', 'ghcr.io'] }, ['r.example.org', 'docker.io']],
  ])('is for %s', (_, given, meant) => {
    for (const { host, generalLogin } of registries(given)) expect(generalLogin).toEqual(meant.includes(host) ? meant : undefined)
  })

  test('is shown to one registry at most, and a password with a name to its own', async () => {
    const hosts = fc.uniqueArray(fc.constantFrom('ghcr.io', 'docker.io', 'r.example.org', 'q.example.org:5000'), { minLength: 1 })
    const given = hosts.chain((all) => fc.record({ hosts: fc.constant(all), named: fc.subarray(all) }))
    const variables = fc.subarray(['REGISTRY_USERNAME', 'REGISTRY_PASSWORD', 'GITHUB_ACTOR', 'GITHUB_TOKEN', 'PASSWORD_0', 'PASSWORD_1'])
    await fc.assert(
      fc.asyncProperty(given, variables, async (of, names) => {
        const env: Record<string, string> = { DOCKER_CONFIG: '/no/such/folder', ...Object.fromEntries(names.map((name) => [name, name])) }
        const sources = {
          env,
          secret: (name: string) => (env[name] === undefined ? undefined : new Secret(env[name])),
          exec: fakeExec({}),
          onSecret: () => undefined,
        }
        const shown = await Promise.all(
          registries(of).map(async (registry) => {
            const login = await findCredentials(registry, sources).catch(() => undefined)
            return { host: registry.host, own: registry.password, password: login?.password.reveal() }
          }),
        )
        const seeing = (secret: string) => shown.filter(({ password }) => password === secret)
        expect(seeing('REGISTRY_PASSWORD').length).toBeLessThanOrEqual(1)
        expect(shown.filter(({ own, password }) => own !== undefined && password !== undefined && password !== own)).toEqual([])
        expect(seeing('GITHUB_TOKEN').filter(({ host }) => host !== 'ghcr.io')).toEqual([])
      }),
    )
  })
})
