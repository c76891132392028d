import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import { expect, inject, onTestFinished, test } from 'vitest'
import { LaunchwayError } from '../../src/core/error.ts'
import type { Lifecycle } from '../../src/core/lifecycle.ts'
import type { Ports, Remote } from '../../src/core/ports.ts'
import { Secret } from '../../src/core/secret.ts'
import { abort, confirm } from '../../src/deploy/confirm.ts'
import { rollback } from '../../src/deploy/rollback.ts'
import { deploy } from '../../src/deploy/run.ts'
import { hostPaths } from '../../src/core/names.ts'
import { environmentName, type HostUnderTest, labHost, newStateRoot } from './support/host.ts'
import { failureOf, useHosts } from './support/hosts.ts'
import { portsOf, releaseOf } from './support/lifecycle.ts'
import { type Wish, worker } from './support/release.ts'

const { image } = useHosts()

/** Two hosts of two ages, which are gone with the test. */
function newFleet() {
  const root = newStateRoot()
  const app = `t${randomBytes(5).toString('hex')}`
  const on = (suite: string) => ({ ...labHost(inject('lab').hosts[suite]?.container ?? '', 'root', 0, root), app })
  const fleet = { bookworm: on('bookworm'), forky: on('forky') }
  const names = Object.keys(fleet)
  onTestFinished(async () => {
    for (const host of Object.values(fleet))
      await host.ask(`docker ps --all --quiet --filter label=launchway.app=${app} | xargs -r docker rm --force; rm -rf ${root}`)
  })
  /** @param lost the host to which nothing can be brought. @param before what happens before the nth connection to a host */
  const ports = (lost = '', before?: (host: string, nth: number) => Promise<unknown>): Ports => {
    const connections: Record<string, number> = {}
    const connect = async (name: string): Promise<Remote> => {
      const nth = (connections[name] ?? 0) + 1
      connections[name] = nth
      await before?.(name, nth)
      const remote = (name === 'forky' ? fleet.forky : fleet.bookworm).remote()
      return {
        host: name,
        [Symbol.asyncDispose]: () => remote[Symbol.asyncDispose](),
        sh: (program, options) =>
          name === lost && program instanceof Secret
            ? Promise.reject(new LaunchwayError('SSH_UNREACHABLE', 'the connection broke'))
            : remote.sh(program, options),
      }
    }
    return { ...portsOf(fleet.bookworm, { hurry: true }), ssh: { connect } }
  }
  const recordOf = (version: string, said: Lifecycle & Partial<Wish> = {}) => {
    const record = releaseOf(fleet.bookworm, image(), { version, services: [worker], ...said })
    if (record.plan.environment === undefined) throw new Error('no environment')
    return { ...record, plan: { ...record.plan, environment: { ...record.plan.environment, hosts: names } } }
  }
  const { home, current, previous } = hostPaths(root, app, environmentName)
  const running = (): Promise<string[]> => Promise.all(Object.values(fleet).map((host) => host.ask(`cat ${current}`)))
  const before = (): Promise<string[]> => Promise.all(Object.values(fleet).map((host) => host.ask(`cat ${previous}`)))
  return { bookworm: fleet.bookworm, all: Object.values(fleet), root, app, home, current, ports, recordOf, running, before }
}

test('two hosts of two ages: one migration, one wait, and whatever breaks off between them is finished by the same verb', async () => {
  const { all, app, home, ports, recordOf, running } = newFleet()
  const step = { service: 'worker', command: ['echo', 'migrated'], timeoutMs: 10_000 }
  const environment = recordOf('as configured now').plan.environment

  const [one, two] = [recordOf('one'), recordOf('two', { beforeSwitch: [step], confirm: {} })]
  await deploy(one, ports())
  await deploy(two, ports())
  const migrations = all.map((host) => host.ask(`grep -c '"before-switch","state":"done"' ${home}/journal.jsonl || :`))
  expect(await Promise.all(migrations)).toEqual(['1', '0'])

  expect(await failureOf(confirm(app, environment, ports('forky')))).toMatchObject({ code: 'SSH_UNREACHABLE' })
  const refused = await failureOf(deploy(recordOf('three'), ports()))
  expect(refused).toMatchObject({ code: 'DEPLOY_WAITS', message: `two (${two.id}) waits for a confirmation on forky` })
  expect(await running()).toEqual([two.id, two.id])
  expect(await failureOf(abort(app, environment, ports()))).toMatchObject({ code: 'NOTHING_WAITS' })
  expect(await confirm(app, environment, ports())).toMatchObject({ hosts: ['forky'] })

  const four = recordOf('four', { confirm: { withinMs: 3_600_000 } })
  await deploy(four, ports())
  expect(await failureOf(abort(app, environment, ports('forky')))).toMatchObject({ code: 'SSH_UNREACHABLE' })
  expect(await running()).toEqual([two.id, four.id])
  expect(await failureOf(confirm(app, environment, ports()))).toMatchObject({ code: 'NOTHING_WAITS' })
  expect(await abort(app, environment, ports())).toMatchObject({ version: 'two', hosts: [{ host: 'forky' }] })
  expect(await running()).toEqual([two.id, two.id])

  const door = createServer((_request, response) => void response.writeHead(503).end('no backend'))
  await new Promise<void>((ready) => door.listen(0, '127.0.0.1', ready))
  onTestFinished(() => void door.close())
  const address = door.address()
  const url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/`
  const unseen = await failureOf(deploy(recordOf('five', { probe: { url, timeoutMs: 1 } }), ports()))
  expect(unseen).toMatchObject({
    code: 'DEPLOY_ROLLED_BACK',
    message: expect.stringMatching(/ does not answer as it should; two@[0-9a-f]{7} serves again$/),
  })
  expect(await running()).toEqual([two.id, two.id])
})

/** A version that needs what is on the first host alone. */
async function wellOnFirst(first: Pick<HostUnderTest, 'ask'>, root: string): Promise<NonNullable<Wish['services']>> {
  await first.ask(`mkdir -p ${root}/needed; touch ${root}/needed/here`)
  const picky = { ...worker, command: ['sh', '-c', 'test -e /needed/here && exec sleep 600'], volumes: [`${root}/needed:/needed:ro`] }
  return [{ ...picky, health: { kind: 'container', timeoutMs: 10_000, settleMs: 500 } }]
}

test('what fails on one of two hosts goes back on both, as if it had never come, unless it cannot be left', async () => {
  const { app, bookworm, root, ports, recordOf, running, before } = newFleet()
  const [one, two] = [recordOf('one'), recordOf('two')]
  await deploy(one, ports())
  await deploy(two, ports())
  const services = await wellOnFirst(bookworm, root)
  const failed = await failureOf(deploy(recordOf('three', { services }), ports()))
  expect(failed).toMatchObject({
    code: 'DEPLOY_ROLLED_BACK',
    message: expect.stringMatching(
      /^worker: .* failed on forky; release \S+ serves; bookworm went back: two@[0-9a-f]{7} serves there again$/,
    ),
  })
  expect(failed.part).toEqual({})
  expect([await running(), await before()]).toEqual([
    [two.id, two.id],
    [one.id, one.id],
  ])
  const environment = two.plan.environment
  expect(await rollback(app, environment, ports())).toMatchObject({ version: 'one' })
  expect(await running()).toEqual([one.id, one.id])

  const four = recordOf('four', { noReturn: 'the schema has moved', services })
  expect(await failureOf(deploy(four, ports()))).toMatchObject({
    code: 'DEPLOY_ROLLED_BACK',
    message: expect.stringContaining('on the new release already, and staying there: bookworm (the schema has moved)'),
    part: { deploy: { hosts: [{ host: 'bookworm' }] } },
  })
  expect(await running()).toEqual([four.id, one.id])
})

test('a host that somebody else has changed meanwhile, or that cannot go back, is left as it is and named', async () => {
  const { bookworm, root, home, current, ports, recordOf, running } = newFleet()
  const [one, two] = [recordOf('one'), recordOf('two')]
  await deploy(one, ports())
  await deploy(two, ports())
  const services = await wellOnFirst(bookworm, root)
  // The first looks at both hosts, the second deploys, the third shall go back.
  const meanwhile = (script: string) =>
    ports('', async (host, nth) => (host === 'bookworm' && nth === 3 ? bookworm.ask(script) : undefined))

  const passed = await failureOf(deploy(recordOf('three', { services }), meanwhile(`echo ${one.id} > ${current}`)))
  expect(passed).toMatchObject({ code: 'ROLLBACK_FAILED', part: undefined })
  expect(passed.hint).toContain(`bookworm: runs one (${one.id}) by now: somebody else has changed it, and it is left as it is`)
  expect(await running()).toEqual([one.id, two.id])
  await bookworm.ask(`echo ${two.id} > ${current}`)

  const four = recordOf('four', { services })
  const stuck = await failureOf(deploy(four, meanwhile(`rm ${home}/releases/${two.id}/release.json`)))
  expect(stuck).toMatchObject({
    code: 'ROLLBACK_FAILED',
    message: expect.stringMatching(/ failed on forky; .*; not all hosts that ran the new version went back$/),
    part: { deploy: { hosts: [{ host: 'bookworm' }] } },
  })
  expect(stuck.hint).toContain(`bookworm: VERSION_UNKNOWN: release ${two.id} was kept without what it takes to return to it`)
  expect(await running()).toEqual([four.id, two.id])
})

test('a host that is new to the environment has nothing again where the others go back, or never left what they had', async () => {
  const { all, app, bookworm, root, home, ports, recordOf } = newFleet()
  const [zero, one] = [recordOf('zero'), recordOf('one')]
  const { environment } = one.plan
  // bookworm comes first in the list, and joins later.
  for (const record of [zero, one])
    await deploy({ ...record, plan: { ...record.plan, environment: { ...environment, hosts: ['forky'] } } }, ports())
  const runs = (): Promise<string[]> => Promise.all(all.map((host) => host.ask(`cat ${home}/current 2> /dev/null || echo nothing`)))
  const containers = (): Promise<string> => bookworm.ask(`docker ps --all --quiet --filter label=launchway.app=${one.app}`)

  const services = await wellOnFirst(bookworm, root)
  const failed = await failureOf(deploy(recordOf('two', { services }), ports()))
  expect(failed).toMatchObject({
    code: 'DEPLOY_ROLLED_BACK',
    message: expect.stringMatching(/ failed on forky; release \S+ serves; on bookworm nothing ran before, and nothing runs again$/),
  })
  expect(failed.part).toEqual({})
  expect([await runs(), await containers()]).toEqual([['nothing', one.id], ''])

  const door = createServer((_request, response) => void response.writeHead(503).end('no backend'))
  await new Promise<void>((ready) => door.listen(0, '127.0.0.1', ready))
  onTestFinished(() => void door.close())
  const address = door.address()
  const url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/`
  const unseen = await failureOf(deploy(recordOf('three', { probe: { url, timeoutMs: 1 } }), ports()))
  expect(unseen).toMatchObject({
    code: 'DEPLOY_ROLLED_BACK',
    message: expect.stringMatching(
      / does not answer as it should; one@[0-9a-f]{7} serves again; on bookworm nothing ran before, and nothing runs again$/,
    ),
  })
  expect([await runs(), await containers()]).toEqual([['nothing', one.id], ''])

  // It keeps nobody from a rollback either.
  expect(await rollback(app, environment, ports())).toMatchObject({ version: 'zero', hosts: [{ host: 'forky' }] })
  expect(await runs()).toEqual(['nothing', zero.id])

  const four = recordOf('four')
  await deploy(four, ports())
  expect(await runs()).toEqual([four.id, four.id])
})
