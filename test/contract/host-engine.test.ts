import { describe, expect, inject, test } from 'vitest'
import { docker } from '../../lab/run.ts'
import { labHost } from './support/host.ts'
import { failureOf, useHosts } from './support/hosts.ts'
import { deployTo, web, worker } from './support/release.ts'

const lab = inject('lab')
const { image } = useHosts()

describe('an engine that is restarted while a new version is not well yet', () => {
  test.each([
    ['a service that owns its port, and was stopped for it', 8099, 'one'],
    ['a service whose versions overlap', 0, 'nobody asks'],
  ])('is waited for: %s serves as before, and nobody is told to act now', { tags: ['any-fault'] }, async (_, port, answer) => {
    const container = lab.hosts['trixie']?.container ?? ''
    await using host = labHost(container, 'root', port)
    const services = (settleMs: number): (typeof worker)[] => [
      { ...(port === 0 ? worker : web(host)), health: { kind: 'container', timeoutMs: 60_000, settleMs } },
    ]
    const one = await deployTo(host, image(), { version: 'one', services: services(0) })
    let restarted: Promise<unknown> = Promise.resolve()
    const restart = (line: string): void => {
      if (line.includes('"step":"healthy","state":"start"')) restarted = docker('exec', container, 'lab-service', 'docker', 'restart')
    }
    const error = await failureOf(deployTo(host, image(), { version: 'two', services: services(30_000) }, { onLine: restart }))
    await restarted
    expect(error).toMatchObject({ code: 'DEPLOY_ROLLED_BACK', hint: expect.stringContaining('the container ended') })
    expect((await host.containers()).filter(({ state }) => state === 'running')).toMatchObject([{ release: one.release }])
    expect(port === 0 ? 'nobody asks' : await host.answer()).toBe(answer)
  })
})
