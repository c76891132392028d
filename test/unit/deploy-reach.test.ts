import { describe, expect, it } from 'vitest'
import type { Release } from '../../src/core/release.ts'
import { reach } from '../../src/deploy/reach.ts'
import { fakeSsh } from '../fakes/ssh.ts'
import { environment, first, record, second, service } from './support/deploy.ts'
import { localPorts, temporaryFolder } from './support/ports.ts'

/** What a host says that lacks nothing. */
const fit = [
  'uid\t0',
  ...['docker', 'flock', 'setsid', 'awk', 'curl'].map((tool) => `tool\t${tool}`),
  'docker\tdirect',
  'state\tdirect',
  'engine\t26.1.5 linux/amd64',
  'detach\tsystem',
  'seen\tyes',
]

describe('what is found out about the hosts beside the build', () => {
  const asked = (of: Parameters<typeof environment>[1] = {}, id = second): Release => {
    const release = record({ id })
    return { ...release, plan: { ...release.plan, environment: environment([service()], { hosts: ['a', 'b'], ...of }) } }
  }
  /** Of two hosts, of which the first is well. */
  const ports = (other: readonly string[]) => {
    const ssh = fakeSsh({ a: () => ({ stdout: `${fit.join('\n')}\n` }), b: () => ({ stdout: `${other.join('\n')}\n` }) })
    return { ssh, all: { ...localPorts(temporaryFolder()).ports, ssh } }
  }
  const waits = [...fit.slice(0, -1), `current\t${first}`, `waits\t${first} 1000 - ada@laptop`, 'now\t2000', 'seen\tyes']

  it('is nothing where they lack nothing; nothing is changed there, and no connection stays', async () => {
    const { ssh, all } = ports(fit)
    await reach(asked(), all)
    expect(ssh.programs.map(({ host }) => host).toSorted()).toEqual(['a', 'b'])
    expect(ssh.open.size).toBe(0)
  })

  it.each<[string, readonly string[], string, string]>([
    ['that one of them has a version that waits', waits, 'DEPLOY_WAITS', `${first} waits for a confirmation on b`],
    [
      'what a deploy would lack there',
      fit.filter((line) => line !== 'tool\tflock'),
      'HOST_UNFIT',
      'b cannot take this deploy: flock is not installed',
    ],
    [
      'that somebody has locked it',
      [...fit.slice(0, -1), 'held\t2026-11-20 10:00\tada@laptop\tthe database moves', 'seen\tyes'],
      'DEPLOY_LOCKED',
      'deploying to b: ada@laptop',
    ],
  ])('is %s', async (_, other, code, message) => {
    const { ssh, all } = ports(other)
    await expect(reach(asked(), all)).rejects.toMatchObject({ code, message: expect.stringContaining(message) })
    expect(ssh.open.size).toBe(0)
  })

  it('is not that the release itself waits: it is finished', async () => {
    await expect(reach(asked({}, first), ports(waits).all)).resolves.toBeUndefined()
  })

  it.each([
    ['goes on', ['locked\tyes']],
    ['broke off', ['interrupted\tyes']],
  ])('is not what an attempt that %s has there for a while', async (_, lines) => {
    const there = [...fit.filter((line) => line !== 'tool\tflock').slice(0, -1), ...lines, 'seen\tyes']
    await expect(reach(asked(), ports(there).all)).resolves.toBeUndefined()
  })
})
