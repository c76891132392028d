import { describe, expect, inject, it } from 'vitest'
import { build } from '../../src/build/index.ts'
import { configuration, type Here, nonce, plannedHere } from './support/built.ts'
import { failureOf } from './support/errors.ts'

const { address, username, password, ca } = inject('lab').secureRegistry
const path = `contract-may-push-${nonce}`

/** A release that pushes there, built. @returns how that failed, and whether anything was built */
async function refused(repository: string, env: Record<string, string>, event = 'push'): Promise<{ error: unknown; builds: string[] }> {
  const image = (name: string): object => ({ repositories: [`${repository}-${name}`] })
  const here: Here = await plannedHere(
    {
      'launchway.yml': configuration(
        { app: image('app'), worker: { ...image('worker'), target: 'worker' } },
        { registries: { [address]: { username, password: 'LAB', ca } } },
      ),
      Dockerfile: 'FROM scratch AS worker\nCOPY text /worker\nFROM scratch\nCOPY text /\n',
      '.dockerignore': '*\n!text\n',
      text: nonce,
    },
    env,
    event,
  )
  const { plan } = here.release
  const release = { ...here.release, plan: { ...plan, stages: { ...plan.stages, push: { run: true, reason: 'asked for' } } } }
  const error = await failureOf(build(release, here.ports))
  return { error, builds: here.calls.filter(({ args }) => args.includes('bake')).map(({ file }) => file) }
}

describe('before anything is built, a run that pushes ends', () => {
  it('where the registry refuses its password', async () => {
    expect(await refused(`${address}/${path}/image`, { LAB: `not-${password}` })).toEqual({
      error: expect.objectContaining({
        code: 'REGISTRY_DENIED',
        message: expect.stringMatching(
          `^${address} refused POST ${path}/image-(app|worker)/blobs/uploads/ as ${username} \\(401\\); nothing was built$`,
        ),
      }),
      builds: [],
    })
  })

  it('where there is no such registry', async () => {
    expect(await refused('launchway.invalid/image', { LAB: password })).toEqual({
      error: expect.objectContaining({
        code: 'REGISTRY_UNAVAILABLE',
        message: expect.stringMatching(/^launchway\.invalid does not answer: .*; nothing was built$/),
      }),
      builds: [],
    })
  })
})
