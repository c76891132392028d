import { expect, test, vi } from 'vitest'
import { project } from '../unit/support/carry.ts'
import { useHosts } from './support/hosts.ts'
import { operated } from './support/operated.ts'

vi.setConfig({ testTimeout: 600_000 })
const { image } = useHosts()
const env = { VERSION: 'one' }
const services = (worker: string) => [
  { name: 'web', port: 8000, env },
  { name: 'worker', env: { VERSION: worker } },
]

test('what a release has left running is looked at, stopped, started and removed as its own', async () => {
  await using there = await operated(image, [['forky', 'ops']], { project })
  const [machine] = there.machines
  const [address = ''] = there.addresses
  if (machine === undefined) throw new Error('no machine')
  there.configure({ web: { port: 8000, publish: 18_000, env }, worker: { env } })
  const one = await there.deploy('one', { services: services('one') })
  const two = await there.deploy('two', { services: services('two') })
  const web = `${machine.app}.test.web.${one}`
  const state = async (): Promise<string> =>
    machine.ask(`docker inspect --format '{{.State.Status}} {{.HostConfig.RestartPolicy.Name}}' ${web}`)
  expect(await state()).toBe('running unless-stopped')

  // Who only looks gets in nobody's way.
  const [status, statusJson, history, logs, logsBefore] = await Promise.all([
    there.launchway(['status']),
    there.launchway(['status', '--json']),
    there.launchway(['history', '--json']),
    there.launchway(['logs']),
    there.launchway(['logs', 'worker', '--release', one]),
  ])
  expect(status.code).toBe(0)
  expect(status.out).toMatch(new RegExp(`web +a +${one} +Up .*, left running`))
  const [{ containers }] = JSON.parse(statusJson.out)
  expect(containers).toContainEqual(expect.objectContaining({ service: 'web', release: one, carriedBy: [two] }))
  const [{ entries }] = JSON.parse(history.out)
  expect(entries).toMatchObject([{ release: two }, { release: one }])

  expect(logs).toMatchObject({ code: 0, out: expect.stringContaining('web | starting one') })
  expect(logs.out).toContain('worker | starting two')
  expect(logs.out).not.toContain('worker | starting one')
  expect(logsBefore.out).toContain('worker | starting one')
  const asked = ['web', '--', 'sh', '-c', 'echo $VERSION']
  for (const answer of await Promise.all([there.launchway(['exec', ...asked]), there.launchway(['exec', '--new', ...asked])]))
    expect(answer).toMatchObject({ code: 0, out: 'one\n' })

  expect((await there.launchway(['stop', 'web'])).out).toContain(`${address}: stopped web\n`)
  expect(await state()).toBe('exited no')
  expect(await there.launchway(['start'])).toMatchObject({ code: 0, out: `${address}: started web\n` })
  expect(await state()).toBe('running unless-stopped')
  expect(await there.launchway(['prune'])).toMatchObject({ code: 0, out: `${address}: nothing to remove\n` })

  const removal = await there.launchway(['remove', 'web', '--yes'])
  expect(removal).toMatchObject({ code: 0, out: expect.stringContaining(`removed container ${web}`) })
  expect((await machine.containers()).map(({ service }) => service)).toEqual(['worker', 'worker'])
  // A release whose container somebody has removed makes another, and that is the one it has from then on.
  expect(await there.launchway(['rollback'])).toMatchObject({ code: 0 })
  expect(await there.launchway(['rollback'])).toMatchObject({ code: 0 })
  const all = await machine.containers()
  expect(all.filter((each) => each.state === 'running').map(({ service }) => service)).toEqual(['web', 'worker'])
  expect((await there.launchway(['remove', '--yes'])).code).toBe(0)
  expect(await machine.containers()).toEqual([])
})
