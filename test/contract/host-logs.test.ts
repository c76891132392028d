import { describe, expect, inject, test } from 'vitest'
import { type HostUnderTest, labHost } from './support/host.ts'
import { useHosts } from './support/hosts.ts'
import { deployTo, type Wish, worker } from './support/release.ts'

const { image, machine } = useHosts()

/** What the engine does with what each container says, by service or accessory. */
async function logsOf(host: HostUnderTest): Promise<Record<string, unknown>> {
  const said = await host.ask(
    `docker inspect --format '{{.Name}} {{json .HostConfig.LogConfig}}' $(docker ps --quiet --filter label=launchway.app=${host.app})`,
  )
  const lines = said
    .split('\n')
    .map((line) => [line.split('.')[2]?.split(' ')[0] ?? '', JSON.parse(line.slice(line.indexOf('{')))] as const)
  return Object.fromEntries(lines)
}

const plain = { Type: 'json-file', Config: {} }
const bounded = { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '3' } }
const db = (): NonNullable<Wish['accessories']>[number] => ({ name: 'db', image: `${image().repository}@${image().digest}` })
const services = [worker, { name: 'other', logging: { driver: 'local', options: { 'max-size': '1m' } } }]

describe('what containers say', () => {
  test.each(['dash', 'busybox'] as const)(
    'has a bound where the engine has none, and nobody has said another one, with %s',
    async (shell) => {
      const host = await machine({ name: shell, shell, probe: shell === 'dash' ? 'curl' : 'wget' })
      await deployTo(host, image(), { version: 'one', services, accessories: [db()] })
      expect(await logsOf(host)).toEqual({ worker: bounded, db: bounded, other: { Type: 'local', Config: { 'max-size': '1m' } } })
    },
  )

  test('is bounded as the configuration of the engine says; no accessory is touched for it', async () => {
    await using host = labHost(inject('lab').hosts['bookworm']?.container ?? '', 'root', 0)
    const [file, warnings]: [string, string[]] = ['/etc/docker/daemon.json', []]
    const wish = { services, accessories: [db()], onWarning: (line: string) => void warnings.push(line) }
    const before = await host.ask(`cat ${file}`)
    // The engine reads it when it starts, so the containers show what they were given.
    await host.ask(`echo '{ "log-opts": { "max-size": "50m" } }' > ${file}`)
    try {
      await deployTo(host, image(), { ...wish, version: 'one' })
      expect(await logsOf(host)).toMatchObject({ worker: plain, db: plain })
    } finally {
      await host.ask(`cat > ${file} << 'END'\n${before}\nEND`)
    }
    await deployTo(host, image(), { ...wish, version: 'two' })
    expect(await logsOf(host)).toMatchObject({ worker: bounded, db: plain })
    expect(warnings).toEqual([])
  })
})
