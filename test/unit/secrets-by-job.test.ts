import { describe, expect, test } from 'vitest'
import { secretsByJob } from '../../src/config/secrets-by-job.ts'
import { configOf } from './support/config.ts'

const system = `images:
  base: { secrets: [PIP_TOKEN, { id: netrc, file: ops/netrc }] }
  app:
    repositories: [ghcr.io/team/app, registry.example.org/team/app]
    contexts: { base: 'target:base' }
    secrets: [PIP_TOKEN, { id: npm, env: NPM_TOKEN }]
    ssh: [default, { id: vendor, key: VENDOR_KEY }]
branches: { main: production }
registries: { registry.example.org: { username: me, password: OTHER_PASSWORD } }
environments:
  production:
    host: deploy@h
    ssh: { key: PRODUCTION_KEY }
    services: { web: { image: app, port: 1, publish: 80, secrets: [A, B] } }
    accessories: { db: { image: 'postgres:17', secrets: [B, C] } }
  staging: { host: deploy@h, services: { web: { image: app, port: 1, publish: 81 } } }
`

describe('the secrets of a configuration', () => {
  test('are those of the job that needs them', () => {
    expect(secretsByJob(configOf(system))).toEqual({
      release: ['PIP_TOKEN', 'NPM_TOKEN', 'VENDOR_KEY'],
      deploy: new Map([
        ['production', ['PRODUCTION_KEY', 'A', 'B', 'C']],
        ['staging', ['SSH_KEY']],
      ]),
      everywhere: ['OTHER_PASSWORD'],
      needsIdentity: false,
    })
  })

  test.each<[string, string, string[], boolean]>([
    ['nothing is signed', 'evidence: { sbom: [spdx] }', [], false],
    ['nothing is attached', 'evidence: false', [], false],
    ['a key signs', 'evidence: { sign: {} }', ['COSIGN_PRIVATE_KEY', 'COSIGN_PASSWORD'], false],
    ['a key of another name signs', 'evidence: { sign: { key: SIGNER, password: ITS_WORD } }', ['SIGNER', 'ITS_WORD'], false],
    ['the workflow signs', 'evidence: { sign: keyless }', [], true],
  ])('of the release where %s', (_, evidence, release, needsIdentity) => {
    expect(secretsByJob(configOf(`image: ghcr.io/team/app\nbranches: { main: {} }\n${evidence}\n`))).toMatchObject({
      release,
      needsIdentity,
    })
  })
})
