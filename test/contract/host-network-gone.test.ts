import { expect, test } from 'vitest'
import { useHosts } from './support/hosts.ts'
import { operated } from './support/operated.ts'

const { image } = useHosts()

test('what was kept runs again after somebody has removed its networks, which only stopped containers were in', async () => {
  await using there = await operated(image, [['bookworm', 'root']], { services: [{ name: 'worker' }] })
  const [machine] = there.machines
  there.configure({ worker: { env: { VERSION: 'two' } } })
  const networks = [`${machine?.app}-front`, `${machine?.app}-back`]
  const first = await there.deploy('one', { services: [{ name: 'worker', networks }] })
  await there.deploy('two')
  const name = `${machine?.app}.test.worker.${first}`
  const joined = async (): Promise<unknown> => {
    const found: Record<string, { Aliases: string[] }> = JSON.parse(
      (await machine?.ask(`docker inspect --format '{{json .NetworkSettings.Networks}}' ${name}`)) ?? '',
    )
    return Object.fromEntries(Object.entries(found).map(([network, { Aliases }]) => [network, Aliases.includes('worker')]))
  }
  const remove = `docker network rm ${networks.join(' ')}`

  await machine?.ask(remove)
  expect(await there.launchway(['rollback'])).toMatchObject({ code: 0 })
  const running = [{ release: first, service: 'worker', state: 'running' }]
  expect((await machine?.containers())?.filter(({ state }) => state === 'running')).toMatchObject(running)
  expect(await joined()).toEqual({ [networks[0] ?? '']: true, [networks[1] ?? '']: true })

  expect(await there.launchway(['stop'])).toMatchObject({ code: 0 })
  await machine?.ask(remove)
  expect(await there.launchway(['start'])).toMatchObject({ code: 0 })
  expect((await machine?.containers())?.filter(({ state }) => state === 'running')).toMatchObject(running)
  expect(await joined()).toEqual({ [networks[0] ?? '']: true, [networks[1] ?? '']: true })
  await machine?.ask(`docker rm --force ${name}; ${remove}`)
})
