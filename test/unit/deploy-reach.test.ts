import { describe, expect, it } from 'vitest'
import type { Release } from '../../src/core/release.ts'
import { reach } from '../../src/deploy/reach.ts'
import { fakeSsh } from '../fakes/ssh.ts'
import { environment, first, record, second, service } from './support/deploy.ts'
import { localPorts, temporaryFolder } from './support/ports.ts'

describe('what is found out about the hosts beside the build', () => {
  const waits = `uid\t0\ncurrent\t${first}\nwaits\t${first} 1000 - ada@laptop\nnow\t2000\nseen\tyes\n`
  const asked = (of: Parameters<typeof environment>[1], id = second): Release => {
    const release = record({ id })
    return { ...release, plan: { ...release.plan, environment: environment([service()], { hosts: ['a', 'b'], ...of }) } }
  }
  const ports = () => {
    const ssh = fakeSsh({ a: () => ({ stdout: 'seen\tyes\n' }), b: () => ({ stdout: waits }) })
    return { ssh, all: { ...localPorts(temporaryFolder()).ports, ssh } }
  }

  it('is that one of them has a version that waits, where such a thing is told to wait', async () => {
    await expect(reach(asked({ confirm: {} }), ports().all)).rejects.toMatchObject({
      code: 'DEPLOY_WAITS',
      message: `${first} waits for a confirmation on b`,
    })
  })

  it('is not that the release itself waits: it is finished', async () => {
    await expect(reach(asked({ confirm: {} }, first), ports().all)).resolves.toBeUndefined()
  })

  it('is that they let us in, and they are asked no more, where nothing waits', async () => {
    const { ssh, all } = ports()
    await reach(asked({}), all)
    expect(ssh.programs).toEqual([])
  })
})
