import { describe, expect, inject, it, onTestFinished } from 'vitest'
import { ask, docker } from '../../lab/run.ts'
import { failureOf } from './support/errors.ts'
import { app, config, repository, smokeTest, withImage } from './support/smoke.ts'

withImage()

describe('an image that another job built', () => {
  it('is pulled by the digest of its upload, and is what runs', async () => {
    const elsewhere = `${inject('lab').registry.address}/${app}`
    const files = { 'compose.yml': `services: { web: { image: "${elsewhere}:latest" } }\n` }
    await docker('tag', `${repository}-base`, `${elsewhere}:up`)
    onTestFinished(async () => void (await ask('docker', ['image', 'rm', '--force', `${elsewhere}:up`])))
    const digest = /sha256:[0-9a-f]{64}/.exec(await docker('push', `${elsewhere}:up`))?.[0] ?? ''
    await docker('image', 'rm', `${elsewhere}:up`)
    onTestFinished(async () => void (await ask('docker', ['image', 'rm', '--force', `${elsewhere}@${digest}`])))
    const uploaded = { [elsewhere]: { digest, mediaType: 'application/vnd.docker.distribution.manifest.v2+json' } }
    const asked = { files, image: { repositories: [elsewhere] } }
    const { section } = await smokeTest({ ...asked, uploaded })
    expect(section.services).toMatchObject([{ name: 'web', image: `${elsewhere}@${digest}`, config }])

    expect(await failureOf(smokeTest(asked))).toMatchObject({
      code: 'RECORD_INVALID',
      message: expect.stringContaining('neither on this machine nor in a registry'),
    })
    const other = `sha256:${'0'.repeat(64)}`
    expect(await failureOf(smokeTest({ ...asked, uploaded, built: other }))).toMatchObject({
      code: 'DIGEST_MISMATCH',
      hint: expect.stringContaining(other),
    })
  })
})
