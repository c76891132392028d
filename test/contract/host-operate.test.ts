import { describe, expect, test } from 'vitest'
import { isCampaign, useHosts } from './support/hosts.ts'
import { operated, type Operated } from './support/operated.ts'
import type { Wish } from './support/release.ts'

const { image } = useHosts()

const services = [{ name: 'web', port: 8000 }, { name: 'worker' }]
const configured = { web: { port: 8000, publish: 18_000, env: { VERSION: 'one' } }, worker: { env: { VERSION: 'one' } } }

async function shop(at: [string, string][], wish: Partial<Wish> = {}): Promise<Operated> {
  const there = await operated(image, at, { services, ...wish })
  there.configure(configured)
  return there
}

/** One that has sudo alone, one of the group docker, and root: the campaign has them all, every other run the first. */
const accounts: [string, string][] = [
  ['forky', 'ops'],
  ['trixie', 'deploy'],
  ['bookworm', 'root'],
]

describe.each(isCampaign ? accounts : accounts.slice(0, 1))('on %s as %s', (suite, user) => {
  test('somebody stops and starts a service, looks at its history and log, runs a command in it, and removes it all', async () => {
    await using there = await shop([[suite, user]])
    const [machine] = there.machines
    const [address] = there.addresses
    const first = await there.deploy('one', { who: 'ada@laptop' })
    const second = await there.deploy('two', { who: 'bob@desk' })

    const stopped = await there.launchway(['stop', 'web'])
    expect(stopped).toMatchObject({
      code: 0,
      out: `${address}: stopped web\nStopped also over a reboot, until \`launchway start\` or the next deploy.\n`,
    })
    const states = async (): Promise<string[]> =>
      ((await machine?.containers()) ?? []).filter(({ release }) => release === second).map(({ service, state }) => `${service} ${state}`)
    expect(await states()).toEqual(['web exited', 'worker running'])
    const name = `${machine?.app}.test.web.${second}`
    expect(await machine?.ask(`docker inspect --format '{{.HostConfig.RestartPolicy.Name}}' ${name}`)).toBe('no')

    expect(await there.launchway(['start'])).toMatchObject({ code: 0, out: `${address}: started web\n` })
    expect(await states()).toEqual(['web running', 'worker running'])
    expect(await machine?.ask(`docker inspect --format '{{.HostConfig.RestartPolicy.Name}}' ${name}`)).toBe('unless-stopped')

    const { code, out } = await there.launchway(['history', '--json'])
    expect(code).toBe(0)
    const [{ entries }] = JSON.parse(out)
    expect(entries).toMatchObject([
      { did: 'start', release: second, version: 'two', outcome: 'done' },
      { did: 'stop', release: second, version: 'two', outcome: 'done' },
      { did: 'deploy', release: second, version: 'two', by: 'bob@desk', outcome: 'done' },
      { did: 'deploy', release: first, version: 'one', by: 'ada@laptop', outcome: 'done' },
    ])

    const logs = await there.launchway(['logs'])
    expect(logs).toMatchObject({ code: 0, out: expect.stringContaining('web | starting two\n') })
    expect(logs.out).toContain('worker | starting two')

    const ran = await there.launchway(['exec', 'web', '--', 'sh', '-c', 'cat; echo to-err >&2; exit 7'], { input: 'over the wire' })
    expect(ran).toMatchObject({ code: 7, out: 'over the wire', err: 'to-err\n' })

    const removal = await there.launchway(['remove', '--yes'])
    expect(removal).toMatchObject({ code: 0, out: expect.stringContaining(`${address}: removed release ${first}\n`) })
    expect(await machine?.containers()).toEqual([])
  })
})
