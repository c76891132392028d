import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ask, call } from '../../lab/run.ts'
import { containerOf, type Desk, dockerOn, openDesk, waitOn } from './support/cluster.ts'
import { useHosts } from './support/hosts.ts'

const { image } = useHosts()
const stack = `op${process.pid}`
const release = '20261122-101500-4f2a9c1'

/** As launchway deploys it, by docker's own hand: what is operated is whatever the swarm runs. */
function file(version: string): string {
  const { repository, digest } = image()
  const labels = { 'launchway.app': 'operated', 'launchway.environment': 'test', 'launchway.release': release }
  // A task that ends because its node is drained counts as one that failed: by default the update would stop there.
  const update = { order: 'start-first', parallelism: 3, monitor: '1s', failure_action: 'continue' }
  const service = (deploy: object, more: object = {}): object => ({
    image: `${repository}@${digest}`,
    environment: { VERSION: version, TOKEN: 'a secret of the stack' },
    networks: { default: { aliases: ['alias'] } },
    stop_grace_period: '1s',
    ...more,
    deploy: { endpoint_mode: 'dnsrr', labels, update_config: update, ...deploy },
  })
  return JSON.stringify({
    version: '3.8',
    services: {
      web: service({ replicas: 2, update_config: { ...update, parallelism: 1, delay: '2s' } }),
      far: service({ placement: { constraints: ['node.hostname==node3'] } }, { secrets: ['key'] }),
      agent: service({ mode: 'global' }),
    },
    secrets: { key: { external: true, name: `${stack}-key` } },
  })
}

async function deploy(version: string): Promise<void> {
  await call('docker', ['exec', '--interactive', containerOf('node1'), 'docker', 'stack', 'deploy', '--compose-file', '-', stack], {
    stdin: file(version),
  })
}

async function replicas(service: string): Promise<string> {
  return dockerOn('node1', 'service', 'ls', '--filter', `name=${stack}_${service}`, '--format', '{{.Replicas}}')
}

/** Until as many tasks run as are wanted. */
async function untilRuns(service: string, count: string): Promise<void> {
  await waitOn('node1', `[ "$(docker service ls --filter name=${stack}_${service} --format '{{.Replicas}}')" = ${count} ]`)
}

/** Until its update has come to its end: as many as are wanted run before that as well. */
async function untilUpdated(service: string): Promise<void> {
  await waitOn('node1', `[ "$(docker service inspect --format '{{.UpdateStatus.State}}' ${stack}_${service})" = completed ]`)
}

describe('operating a stack on a swarm', () => {
  let desk: Desk
  beforeAll(async () => {
    desk = await openDesk('operated')
    desk.configure({ swarm: { files: 'stack.yml', project: stack } })
    await call('docker', ['exec', '--interactive', containerOf('node1'), 'docker', 'secret', 'create', `${stack}-key`, '-'], {
      stdin: 'from the swarm',
    })
    await deploy('one')
    await untilRuns('web', '2/2')
    await untilRuns('far', '1/1')
    await untilRuns('agent', '3/3')
  })
  afterAll(async () => {
    await ask('docker', ['exec', containerOf('node1'), 'docker', 'stack', 'rm', stack])
    await waitOn('node1', `docker secret rm ${stack}-key 2> /dev/null`)
    await desk[Symbol.asyncDispose]()
  })

  test('status shows services, tasks and nodes, and through which manager it asked', async () => {
    const { code, out } = await desk.launchway(['status'])
    expect(code).toBe(0)
    expect(out).toContain(`(asked at ${desk.addresses.node1})`)
    expect(out).toMatch(/^ {2}web +2\/2 /m)
    expect(out).toMatch(/^ {2}node3 +ready {2}manager, \S+ {2}\d tasks of this stack {2}Docker 28/m)
    expect(out).not.toContain('a secret of the stack')
    const seen: { nodes: unknown[] } = JSON.parse((await desk.launchway(['status', '--json'])).out)
    expect(seen).toMatchObject({
      stack,
      services: expect.arrayContaining([expect.objectContaining({ service: 'far', running: 1, wanted: 1, release })]),
    })
    expect(seen.nodes).toHaveLength(3)
  })

  test('logs are those of tasks on all nodes, and are followed over an update', async () => {
    const { code, out } = await desk.launchway(['logs', 'agent'])
    expect(code).toBe(0)
    expect(
      out
        .trim()
        .split('\n')
        .toSorted()
        .map((line) => line.replace(/^agent\.\S+?@/, '@')),
    ).toEqual(['@node1 | starting one', '@node2 | starting one', '@node3 | starting one'])
    const following = desk.launchway(['logs', 'web', '--follow'], { until: (text) => text.includes('starting two') })
    await deploy('two')
    expect(await following).toMatchObject({ code: 130, out: expect.stringMatching(/^web\.\d@node\d \| starting two$/m) })
    await untilUpdated('web')
  })

  test('a command runs in the container of a service, on whichever of the hosts that is', async () => {
    const ran = await desk.launchway(['exec', 'far', '--', 'sh', '-c', 'hostname; cat; cat /run/secrets/key; echo to-err >&2; exit 7'], {
      input: 'over the wire\n',
    })
    expect(ran).toMatchObject({ code: 7, out: expect.stringMatching(/^\w+\nover the wire\nfrom the swarm$/) })
    expect(ran.err).toContain('to-err')
    const json = JSON.parse((await desk.launchway(['exec', 'far', '--json', '--', 'true'], {})).out)
    expect(json).toMatchObject({ host: desk.addresses.node3, node: 'node3', code: 0 })
  })

  test('on a node that is not among the hosts it says which that is', async () => {
    await using other = await openDesk('operated')
    other.configure({ swarm: { files: 'stack.yml', project: stack }, hosts: [desk.addresses.node1] })
    const refused = await other.launchway(['exec', 'far', '--', 'true'], {})
    expect(refused.code).toBe(6)
    expect(refused.err).toContain('far runs on node3, which is not among the hosts of test')
  })

  test('a command of its own has the secrets, variables and networks of the service, and leaves nothing', async () => {
    // A node learns of the tasks of another a moment later, and one that was replaced has its name until it has ended.
    const count =
      'n=0; for i in 1 2 3 4 5 6 7 8 9 10; do n=$(nslookup tasks.web | grep -c "Address: 10"); [ $n -lt 2 ] || break; sleep 1; done'
    const line = `cat /run/secrets/key; echo " $VERSION"; ${count}; echo $n; echo to-err >&2; exit 5`
    const ran = await desk.launchway(['exec', '--new', 'far', '--', 'sh', '-c', line], {})
    expect(ran, ran.out).toMatchObject({ code: 5, out: expect.stringMatching(/^from the swarm (one|two)\n[23]\n$/) })
    expect(ran.err).toContain('to-err')
    expect(await dockerOn('node1', 'service', 'ls', '--quiet', '--filter', 'label=launchway.exec')).toBe('')
  })

  test('services are stopped, started and scaled, and a deploy has the number of its file again', async () => {
    const stopped = await desk.launchway(['stop', 'web'])
    expect(stopped).toMatchObject({ code: 0, out: 'stopped web\nStopped until `launchway start` or the next deploy.\n' })
    expect(await replicas('web')).toBe('0/0')
    expect((await desk.launchway(['status'])).out).toContain('stopped (launchway start web: 2 again)')
    expect(await desk.launchway(['stop', 'web'])).toMatchObject({ code: 0, out: expect.stringContaining('nothing was running') })
    expect(await desk.launchway(['start'])).toMatchObject({ code: 0, out: 'started web\n' })
    expect(await replicas('web')).toBe('2/2')
    expect(await desk.launchway(['scale', 'web=3'])).toMatchObject({ code: 0, out: expect.stringContaining('web: 2 → 3\n') })
    expect(await replicas('web')).toBe('3/3')
    const refused = await desk.launchway(['stop', 'agent'])
    expect(refused).toMatchObject({ code: 2, err: expect.stringContaining('agent runs once on every node, and cannot be stopped') })
    await deploy('two')
    await untilRuns('web', '2/2')
  })

  test('a node is drained while a deploy goes on, and everything else runs on the others', async () => {
    const updating = deploy('three')
    const drained = await desk.launchway(['drain', 'node2'])
    await updating
    expect(drained).toMatchObject({ code: 0, out: 'node2 is drained: no task of this stack runs there, and none is given to it\n' })
    await untilUpdated('web')
    const where = await dockerOn('node1', 'service', 'ps', '--filter', 'desired-state=running', '--format', '{{.Node}}', `${stack}_web`)
    expect(where).not.toContain('node2')
    await untilRuns('web', '2/2')
    expect((await desk.launchway(['status'])).out).toContain('drain (launchway activate node2)')
    expect(await desk.launchway(['activate', 'node2'])).toMatchObject({ code: 0 })
    await untilRuns('agent', '3/3')
  })

  test('status shows who has locked it', async () => {
    const locked = await desk.launchway(['lock', '--reason', 'the disk moves'])
    try {
      expect(locked).toMatchObject({ code: 0, out: expect.stringMatching(/^(\S+: locked by \S+ since \S+: the disk moves\n){3}$/) })
      expect((await desk.launchway(['status'])).out).toMatch(/^ {2}locked by \S+ since \S+: the disk moves \(launchway unlock /m)
      expect(JSON.parse((await desk.launchway(['status', '--json'])).out)).toMatchObject({ held: { reason: 'the disk moves' } })
    } finally {
      await desk.launchway(['unlock'])
    }
  })

  test.each([
    [['prune'], 'launchway prune is not for test'],
    [['env', 'diff'], 'launchway env is not for test'],
    [['maintenance', 'on'], 'launchway maintenance is for hosts, and test is a stack on a Swarm'],
    [['recreate', 'db'], 'launchway recreate is for hosts, and test is a stack on a Swarm'],
    [['scale', 'web'], 'launchway scale takes SERVICE=N, not "web"'],
    [['scale', 'agent=2'], 'agent is global: it has no number of its own'],
    [['drain', 'node9'], 'the swarm has no node "node9"'],
    [['stop', 'nothing'], `the stack ${stack} has no service "nothing"`],
  ])('%j is refused with the reason', async (args, message) => {
    expect(await desk.launchway(args)).toMatchObject({ code: 2, err: expect.stringContaining(`USAGE: ${message}`) })
  })

  test('a manager that cannot be reached is passed over', async () => {
    await using other = await openDesk('operated')
    other.configure({ swarm: { files: 'stack.yml', project: stack }, hosts: ['deploy@127.0.0.1:1', desk.addresses.node2] })
    const { code, out, err } = await other.launchway(['status'])
    expect(code, err).toBe(0)
    expect(out).toContain(`(asked at ${desk.addresses.node2})`)
    expect(err).toContain('the next one is asked')
  })

  test('a service or all of it is removed once that is confirmed, and volumes are left', async () => {
    const would = await desk.launchway(['remove'])
    expect(would).toMatchObject({ code: 2, out: expect.stringContaining(`would remove service ${stack}_web\n`) })
    expect(await desk.launchway(['remove', 'agent', '--yes'])).toMatchObject({
      code: 0,
      out: expect.stringContaining(`removed service ${stack}_agent\n`),
    })
    const removed = await desk.launchway(['remove', '--yes'])
    expect(removed, removed.err).toMatchObject({ code: 0, out: expect.stringContaining(`removed network ${stack}_default\n`) })
    const left = await dockerOn('node1', 'service', 'ls', '--quiet', '--filter', `label=com.docker.stack.namespace=${stack}`)
    expect(left).toBe('')
    expect((await desk.launchway(['status'])).out).toContain('nothing runs here')
  })
})
