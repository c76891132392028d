import { expect, inject, test } from 'vitest'
import { docker } from '../../lab/run.ts'
import { useHosts } from './support/hosts.ts'

const { image } = useHosts()

function node(name: string): string {
  return inject('lab').hosts[name]?.container ?? ''
}

function manager(...args: string[]): Promise<string> {
  return docker('exec', node('node1'), 'docker', ...args)
}

test('three hosts are the managers of one swarm, of engines of two ages', async () => {
  const nodes = await manager('node', 'ls', '--format', '{{.Hostname}} {{.Status}} {{.ManagerStatus}} {{.EngineVersion}}')
  const rows = nodes.split('\n').map((line) => line.split(' '))
  expect(rows.map(([name]) => name)).toEqual(['node1', 'node2', 'node3'])
  expect(rows.map(([, state]) => state)).toEqual(['Ready', 'Ready', 'Ready'])
  expect(rows.map(([, , role]) => role)).toContain('Leader')
  expect(new Set(rows.map(([, , , version]) => version?.split('.')[0]))).toEqual(new Set(['26', '28']))
})

test('containers of all nodes see each other by a name on an overlay network, and each node answers on its own loopback', async () => {
  const { repository, digest } = image()
  const [network, service] = [`fabric-${process.pid}`, `page-${process.pid}`]
  await manager('network', 'create', '--driver', 'overlay', '--attachable', network)
  try {
    const options = ['--network', network, '--endpoint-mode', 'dnsrr', '--publish', 'mode=host,published=5000,target=8000']
    const env = ['--env', 'VERSION={{.Node.Hostname}}']
    await manager('service', 'create', '--quiet', '--name', service, '--mode', 'global', ...options, ...env, `${repository}@${digest}`)
    const { hosts } = inject('lab')
    for (const name of ['node1', 'node2', 'node3'])
      await expect.poll(() => page(hosts[name]?.ports['5000']), { message: name, timeout: 60_000, interval: 200 }).toBe(`${name}\n`)
    const resolved = async (): Promise<string[]> => {
      const found = await manager('run', '--rm', '--network', network, `${repository}@${digest}`, 'nslookup', `tasks.${service}`)
      return [...new Set(found.match(/(?<=Address: )10\.\d+\.\d+\.\d+/g))]
    }
    // Nodes tell each other of names by gossip, some time after the task runs.
    await expect.poll(async () => (await resolved()).length, { timeout: 60_000, interval: 200 }).toBe(3)
    const addresses = await resolved()
    // Two of the three are on other nodes: they answer through VXLAN.
    const ask = addresses.map((address) => `printf 'GET /index.html HTTP/1.0\\r\\n\\r\\n' | nc -w 5 ${address} 8000 | tail -n 1`).join('; ')
    const answered = await manager('run', '--rm', '--network', network, `${repository}@${digest}`, 'sh', '-c', ask)
    expect(answered.split('\n').toSorted()).toEqual(['node1', 'node2', 'node3'])
  } finally {
    await manager('service', 'rm', service).catch(() => undefined)
    await expect.poll(() => manager('network', 'rm', network).then(() => 'gone', String), { timeout: 60_000, interval: 200 }).toBe('gone')
  }
})

function page(port: number | undefined): Promise<string> {
  return fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(2000) }).then((answer) => answer.text(), String)
}
