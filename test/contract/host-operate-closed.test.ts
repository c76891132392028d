import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { Ended } from './support/doors.ts'
import { isCampaign, useHosts } from './support/hosts.ts'
import { operated } from './support/operated.ts'
import type { Wish } from './support/release.ts'
import { labKey } from './support/ssh.ts'
import { openTerminal } from './support/terminal.ts'

const { image } = useHosts()
const Recreated = z.object({ hosts: z.array(z.looseObject({ downtimeMs: z.number() })) })

/** Writes on its volume once, and serves what it wrote. */
const script =
  'mkdir -p /www; [ -e /data/born ] || cat /proc/sys/kernel/random/uuid > /data/born; ln -sf /data/born /www/index.html; exec /serve'

/** One that has sudo alone; the campaign has root on the oldest engine and nginx as well. */
const at: [string, string][] = [
  ['trixie', 'ops'],
  ['bookworm', 'root'],
]

describe.each(isCampaign ? at : at.slice(0, 1))('somebody at a terminal, on %s as %s', (suite, user) => {
  test('closes the application, replaces its store and opens it again: visitors see the page, then the version that was there, with its data', async () => {
    await using there = await operated(image, [[suite, user]])
    const [machine] = there.machines
    const [address = ''] = there.addresses
    if (machine === undefined) throw new Error('no machine')
    const name = `${machine.app}.example.org`
    const volume = `${machine.app}-store`
    const container = `${machine.app}.test.store`
    await using _ = {
      [Symbol.asyncDispose]: async () => void (await machine.ask(`docker rm --force ${container}; docker volume rm ${volume} || :`)),
    }
    const store = {
      image: `${image().repository}@${image().digest}`,
      port: 8000,
      publish: '127.0.0.1:18001',
      command: ['/bin/sh', '-c', script],
      env: { MODE: 'sick', VERSION: 'store' },
      volumes: [`${volume}:/data`],
    }
    const probe = ['wget', '-q', '-O', '-', 'http://127.0.0.1:8000/']
    const web = { port: 8000, health: '/', nginx: { 'server-name': name } }
    there.configure({ web }, { accessories: { store: { ...store, memory: '64m', health: { command: probe, settle: '0s' } } } })
    const visit = (): Promise<string> => machine.ask(`curl -s -i --max-time 5 --resolve ${name}:80:127.0.0.1 http://${name}/`)
    const data = (): Promise<string> => machine.ask('curl -s --max-time 5 http://127.0.0.1:18001/')

    await using terminal = openTerminal({ SSH_KEY: labKey().reveal() })
    const launchway = (args: string[]): Promise<Ended> => terminal.launchway(args, there.folder)

    const early = await launchway(['maintenance', 'on'])
    expect(early).toMatchObject({ code: 6, err: expect.stringContaining(`HOST_UNFIT: ${address}: nothing of ${machine.app} in test`) })
    const wish: Partial<Wish> = {
      services: [
        {
          name: 'web',
          port: 8000,
          nginx: { serverNames: [name] },
          health: { kind: 'http', path: '/', intervalMs: 100, timeoutMs: 20_000, settleMs: 0 },
        },
      ],
      accessories: [
        {
          name: 'store',
          ...store,
          networks: [`${machine.app}.test`],
          health: { command: probe, timeoutMs: 20_000, settleMs: 0 },
          stopTimeoutMs: 10_000,
        },
      ],
    }
    await there.deploy('one', wish)
    const open = /^HTTP\/1\.1 200 [^]*\n\r?\none$/
    expect(await visit()).toMatch(open)
    const born = await data()
    expect(born).toMatch(/^[0-9a-f-]{36}$/)

    // What stands in the way is said, and nothing else.
    await machine.ask(`mkdir ${there.home}/maintenance.new`)
    const blocked = await launchway(['maintenance', 'on'])
    expect(blocked).toMatchObject({
      code: 6,
      err: expect.stringMatching(/HOST_UNFIT: \S+ maintenance could not be turned on: .* cannot be written\n[^]*maintenance\.new/),
    })
    await machine.ask(`rmdir ${there.home}/maintenance.new`)
    expect(await visit()).toMatch(open)

    const on = await launchway(['maintenance', 'on'])
    expect(on).toMatchObject({ code: 0, out: `${machine.app} in test: visitors get the maintenance page (${address})\n` })
    const closed = /^HTTP\/1\.1 503 [^]*Retry-After: 300[^]*Back soon/
    expect(await visit()).toMatch(closed)

    const recreated = await launchway(['recreate', 'store', '--json'])
    expect(recreated.code, recreated.err).toBe(0)
    const { hosts } = Recreated.parse(JSON.parse(recreated.out))
    expect(hosts).toMatchObject([{ host: address, container, changed: ['memory none → 64m'] }])
    expect(hosts[0]?.downtimeMs).toBeGreaterThan(0)
    expect(await data()).toBe(born)
    expect(await machine.ask(`docker inspect --format '{{.HostConfig.Memory}}' ${container}`)).toBe(String(64 * 1024 * 1024))
    expect(await visit()).toMatch(closed)
    expect((await launchway(['status'])).out).toMatch(/maintenance: visitors get a page instead \(\S+, since 20/)

    const off = await launchway(['maintenance', 'off', '--json'])
    expect([off.code, JSON.parse(off.out)]).toEqual([0, [{ host: address, maintenance: 'off' }]])
    expect(await visit()).toMatch(open)

    // The store has the verbs of a service, and goes only when it is named.
    expect(await launchway(['exec', 'store', '--', 'cat', '/data/born'])).toMatchObject({ code: 0, out: `${born}\n` })
    const logs = await launchway(['logs', 'store', '--json'])
    expect(logs, logs.err).toMatchObject({ code: 0, out: expect.stringContaining('"service": "store"') })
    expect(await launchway(['remove'])).toMatchObject({ out: expect.stringContaining(`would keep accessory ${container}, which runs on`) })
    const removed = await launchway(['remove', 'store', '--yes'])
    expect(removed, removed.err).toMatchObject({
      code: 0,
      out: `${address}: removed container ${container}\n${address}: kept volume ${volume}\n`,
    })
    expect(await machine.ask(`docker ps --all --format '{{.Names}}'`)).not.toContain(container)
    expect(await visit()).toMatch(open)
  })
})
