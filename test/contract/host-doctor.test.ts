import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { useHosts } from './support/hosts.ts'
import { Answer, shop, web } from './support/shop.ts'
import { host, knownAs, portOf } from './support/ssh.ts'

const { image } = useHosts()

describe('doctor asks the hosts what a deploy would ask them', () => {
  test('three hosts of three ages and three kinds of account, with nothing to say against them, nor against the registry', async () => {
    await using there = await shop(image, [
      ['bookworm', 'root'],
      ['trixie', 'deploy'],
      ['forky', 'ops'],
    ])
    const { code, out, err } = await there.launchway(['doctor'])
    expect(out.split('\n').filter((line) => /^ {2}(error|warning): /.test(line))).toEqual([])
    expect(code).toBe(0)
    for (const address of there.addresses) expect(err).toContain(`${address} (test): looking`)
    for (const machine of there.machines) expect(await machine.containers()).toEqual([])
  })

  test('each host for what is wrong with it, and none hides another', async () => {
    await using there = await shop(image, [['bookworm', 'root']], {}, { publish: 80, volumes: ['/srv/lw none:/data', '/etc:/etc/host:ro'] })
    const [root = ''] = there.addresses
    const guest = host('trixie', 'guest')
    const other = host('forky')
    const nobody = 'deploy@127.0.0.1:1'
    // forky shows a key that this file has otherwise; the other two are as they should be.
    const known = join(there.folder, 'known')
    const lines = ['bookworm', 'trixie'].map((suite) => knownAs(suite, `[127.0.0.1]:${portOf(suite)}`))
    writeFileSync(known, [...lines, knownAs('trixie', `[127.0.0.1]:${portOf('forky')}`)].join(''))
    there.configure(
      { web: { ...web, publish: 80, volumes: ['/srv/lw none:/data', '/etc:/etc/host:ro'] } },
      {
        hosts: [root, guest, other, nobody],
        ssh: { 'known-hosts': known, 'connect-timeout': '5s' },
      },
    )
    const { code, out } = await there.launchway(['doctor', '--json'])
    expect(code).toBe(1)
    const { findings } = Answer.parse(JSON.parse(out))
    const of = (address: string): string[] =>
      findings.flatMap(({ rule, where, what }) => (where['host'] === address ? [`${rule}: ${what}`] : [])).toSorted()
    expect(of(root)).toEqual([
      'host-mount-missing: /srv/lw none is mounted and is not there',
      expect.stringMatching(/^host-unfit: port 80 is held by nginx \(process \d+\)$/),
    ])
    expect(of(guest)).toContainEqual(
      expect.stringMatching(/^host-unfit: the user may not use docker, or not write \S+, and sudo asks for a password$/),
    )
    expect(of(other)).toEqual([`host-key: ${other} shows another host key than the one in known_hosts`])
    expect(of(nobody)).toEqual([`host-unreachable: ${nobody} cannot be reached over SSH`])
    expect(findings.filter(({ where }) => where['host'] === guest).map(({ fix }) => fix)).toContainEqual(
      expect.stringContaining('usermod -aG docker USER'),
    )
  })

  test('one host alone, that somebody keeps', async () => {
    await using there = await shop(image, [['bookworm', 'root']])
    const [address = ''] = there.addresses
    expect(await there.launchway(['lock', '--reason', 'the database moves'])).toMatchObject({ code: 0 })
    const { code, out } = await there.launchway(['doctor', '--host', address])
    expect(code).toBe(0)
    expect(out).toMatch(/hint: \S+: deploys are locked: \S+ since \S+: the database moves\n/)
  })
})
