import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest'
import { docker } from '../../lab/run.ts'
import { failureOf, useHosts } from './support/hosts.ts'
import { nodeOf, type StackUnderTest, stackUnderTest, type StackWish } from './support/swarm.ts'

const { image } = useHosts()

/** A page on a port of each node. To ask each container once a second would cost more than all the deploys. */
const onNodes = (version: string): string => `
services:
  web:
    image: ${image().repository}
    environment: { VERSION: '${version}' }
    healthcheck: { test: [CMD, /bin/busybox, wget, -q, -O-, 'http://127.0.0.1:8000/'], interval: 2s, retries: 5 }
    stop_grace_period: 2s
    deploy: { mode: global, endpoint_mode: dnsrr, update_config: { monitor: 1s }, rollback_config: { monitor: 1s } }
    ports: [{ target: 8000, published: 5000, mode: host }]
`

const plain = (version: string): string => `
services:
  web:
    image: ${image().repository}
    environment: { VERSION: '${version}' }
    deploy: { replicas: 2, endpoint_mode: dnsrr, update_config: { monitor: 1s }, rollback_config: { monitor: 1s } }
`

const isCampaign = process.env['LAUNCHWAY_CAMPAIGN'] !== undefined
const paused: string[] = []
afterEach(async () => {
  if (paused.length === 0) return
  for (const container of paused.splice(0)) await docker('unpause', container)
  const states = (): Promise<string> =>
    docker('exec', nodeOf('node1'), 'docker', 'node', 'ls', '--format', '{{.Status}} {{.ManagerStatus}}').catch(String)
  while (!/^(Ready (Leader|Reachable)\n?){3}$/.test(await states())) await new Promise((resolve) => setTimeout(resolve, 500))
})

describe('a stack whose cluster, or whose file, is not as it should be', { timeout: 300_000 }, () => {
  // Not every engine can freeze a container in which an engine is busy: where it cannot, this says nothing of a stack.
  test('a manager that goes away in the middle is replaced by another, which finds what has been done', async ({ skip }) => {
    skip(!isCampaign, 'part of the campaign: not every engine can freeze a manager')
    await using stack = stackUnderTest(image())
    const first = await stack.deploy({ version: 'one', compose: plain('one') })
    const leader =
      (await stack.docker('node', 'ls', '--format', '{{.Hostname}} {{.ManagerStatus}}'))
        .split('\n')
        .find((line) => line.endsWith('Leader'))
        ?.split(' ')[0] ?? ''
    const others = ['node1', 'node2', 'node3'].filter((node) => node !== leader)
    const lost = {
      node: leader,
      at: /"step":"run","state":"done"/,
      async breaks() {
        paused.push(nodeOf(leader))
        await docker('pause', nodeOf(leader))
      },
    }
    const second = await stack.deploy({ version: 'two', compose: plain('two'), hosts: [leader, ...others], lost })
    expect(second).toMatchObject({ host: others[0], previous: first.release, services: [{ name: 'web' }] })
    expect(stack.told.warnings.join('\n')).toContain('it is taken up through another manager')
    for (const container of paused.splice(0)) await docker('unpause', container)
    await expect.poll(() => stack.status().catch(String), { timeout: 60_000 }).toMatchObject({ current: second.release })
    // The program that was frozen finds that another has done its work.
    await expect.poll(() => stack.docker('config', 'ls', '--quiet', '--filter', `label=launchway.lock=${stack.name}`)).toBe('')
    expect(await stack.status()).toMatchObject({ current: second.release, previous: first.release })
  })

  describe('that runs on every node', () => {
    let stack: StackUnderTest
    beforeAll(async () => {
      stack = stackUnderTest(image())
      await stack.deploy({ version: 'one', compose: onNodes('one') })
    }, 300_000)
    afterAll(() => stack[Symbol.asyncDispose]())
    /** Another release of what runs: its tasks are kept. */
    const again = (version: string, wish: Partial<StackWish> = {}): ReturnType<StackUnderTest['deploy']> =>
      stack.deploy({ version, compose: onNodes('one'), ...wish })

    test('a manager that cannot be reached is passed over', async () => {
      const lost = { node: 'node1', at: /^uid/, breaks: () => Promise.resolve() }
      expect(await again('passed over', { lost })).toMatchObject({ host: 'node2', services: [{ health: '3/3 tasks, kept as it was' }] })
    })

    test('what somebody has locked is neither deployed nor rolled back, through whichever manager, until it is unlocked', async () => {
      const second = await again('two')
      const before = await stack.tasks('web')
      expect((await stack.lock('the disk moves')).match(/^node\d: locked by \S+ since \S+: the disk moves$/gm)).toHaveLength(3)
      const refused = (node: string): object => ({
        code: 'DEPLOY_LOCKED',
        message: expect.stringMatching(`^somebody keeps everybody from deploying to ${node}: \\S+ since \\S+: the disk moves$`),
        hint: expect.stringContaining('launchway unlock'),
      })
      for (const node of ['node1', 'node2'])
        expect(await failureOf(stack.deploy({ version: 'three', compose: onNodes('three'), hosts: [node] }))).toMatchObject(refused(node))
      expect(await failureOf(stack.rollback())).toMatchObject(refused('node1'))
      expect(await stack.tasks('web')).toEqual(before)
      expect(await stack.status()).toMatchObject({ current: second.release, previous: second.previous })
      expect((await stack.unlock()).match(/^node\d: unlocked; /gm)).toHaveLength(3)
      expect(await stack.rollback()).toMatchObject({ release: second.previous })
    })

    test('what is in the way of another is told before anything is touched', async () => {
      await using other = stackUnderTest(image())
      await other.docker('network', 'create', `${other.name}_back`)
      try {
        const compose = `
services:
  web:
    image: ${image().repository}
    ports: ["5000:8000"]
    networks: [back, out]
networks: { back: {}, out: { external: true, name: nobody-made-it } }
`
        const error = await failureOf(other.deploy({ version: 'one', compose }))
        expect(error.code).toBe('HOST_UNFIT')
        expect(error.message).toContain(`the port 5000 is published by the service ${stack.name}_web`)
        expect(error.message).toContain(`a network ${other.name}_back is there already, of the one node (driver bridge)`)
        expect(error.message).toContain('there is no network nobody-made-it')
      } finally {
        await other.docker('network', 'rm', `${other.name}_back`)
      }
    })

    test('ports of the nodes answer all through an update: whoever asks finds another node', async () => {
      const addresses = ['node1', 'node2', 'node3'].map((node) => `http://127.0.0.1:${inject('lab').hosts[node]?.ports['5000']}/`)
      const counts = { asked: 0, failed: 0, elsewhere: 0, answers: new Set<string>() }
      const traffic = { ends: false }
      const client = async (first: number): Promise<void> => {
        while (!traffic.ends) {
          counts.asked += 1
          let answer: string | undefined
          for (let tries = 0; tries < addresses.length && answer === undefined; tries += 1) {
            if (tries === 1) counts.elsewhere += 1
            answer = await fetch(addresses[(first + tries) % addresses.length] ?? '', { signal: AbortSignal.timeout(3000) }).then(
              (one) => one.text(),
              () => undefined,
            )
          }
          if (answer === undefined) counts.failed += 1
          else counts.answers.add(answer.trim())
          await new Promise((resolve) => setTimeout(resolve, 20))
        }
      }
      const clients = [0, 1, 2].map(client)
      try {
        await stack.deploy({ version: 'two', compose: onNodes('two') })
      } finally {
        traffic.ends = true
        await Promise.all(clients)
      }
      expect(counts.failed).toBe(0)
      expect(counts.answers).toEqual(new Set(['one', 'two']))
    })
  })

  test('a stack of the same name that launchway did not make is left alone, and can be handed over', async () => {
    await using stack = stackUnderTest(image())
    const service = `${stack.name}_web`
    const made = ['--label', `com.docker.stack.namespace=${stack.name}`, '--endpoint-mode', 'dnsrr', '--detach']
    await stack.docker('service', 'create', '--quiet', '--name', service, ...made, image().repository)
    const error = await failureOf(stack.deploy({ version: 'one', compose: plain('one') }))
    expect(error.message).toContain(`a stack ${stack.name} is there already, which launchway did not make: ${service}`)
    const [, command = ''] = /(docker service update --label-add .*)/.exec(error.hint ?? '') ?? []
    await stack.docker(...command.split(' ').slice(1), '--detach', '--quiet')
    expect(await stack.deploy({ version: 'one', compose: plain('one') })).toMatchObject({
      services: [{ name: 'web', health: '2/2 tasks, updated' }],
    })
  })
})
