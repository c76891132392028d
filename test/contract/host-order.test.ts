import { describe, expect, inject, test } from 'vitest'
import { JournalLine } from '../../src/core/journal.ts'
import type { Project } from '../../src/core/project.ts'
import { type HostUnderTest, labHost } from './support/host.ts'
import { failureOf, pathsOf, running, useHosts } from './support/hosts.ts'
import { deployTo, web, type Wish, worker } from './support/release.ts'
import { rollBack } from './support/site.ts'

const lab = inject('lab')
const { image, machine } = useHosts()

const projectOf = (host: HostUnderTest, of: Partial<Project> = {}): Project => ({
  name: 'shop',
  pulled: {},
  networks: { [`${host.app}_back`]: ['--internal', '--label', `launchway.app=${host.app}`] },
  volumes: { [`${host.app}_data`]: ['--label', 'kind=data'] },
  external: { networks: [], volumes: [], paths: [] },
  ...of,
})

async function journal(host: HostUnderTest): Promise<JournalLine[]> {
  const text = await host.ask(`cat ${pathsOf(host).journal}`)
  return text.split('\n').map((line) => JournalLine.parse(JSON.parse(line)))
}

type Wished = NonNullable<Wish['services']>[number]
const later = (name: string, command: string, more: Partial<Wished> = {}): Wished => ({
  name,
  command: ['/bin/sh', '-c', command],
  ...more,
})

/** Writes its line into the volume that all of a project's services have. */
const note = (host: HostUnderTest, name: string, then: string, more: Partial<Wished> = {}): Wished =>
  later(name, `echo "${name} $VERSION" >> /data/order; ${then}`, {
    volumes: [`${host.app}_data:/data`],
    networks: [`${host.app}_back`],
    ...more,
  })

const written = (host: HostUnderTest): Promise<string> =>
  host.ask(`docker run --rm --volume ${host.app}_data:/data ${image().repository}@${image().digest} cat /data/order`)
const withoutVolume = (host: HostUnderTest): Promise<string> =>
  host.ask(
    `docker rm --force $(docker ps --all --quiet --filter label=launchway.app=${host.app}) > /dev/null; docker volume rm ${host.app}_data`,
  )

const suites = process.env['LAUNCHWAY_CAMPAIGN'] === undefined ? ['bookworm'] : ['bookworm', 'forky']

describe.each(suites)('the order of a project on %s', (suite) => {
  test(
    'is that of depends_on; what runs once runs once a release, keeps its words, and no rollback runs it again',
    { timeout: 240_000 },
    async () => {
      await using host = labHost(lab.hosts[suite]?.container ?? '', 'deploy', 8098)
      const settle = { health: { kind: 'container' as const, timeoutMs: 10_000, settleMs: 300 } }
      const services = [
        note(host, 'late', 'exec sleep 1000', { after: [{ name: 'middle', until: 'healthy' }] }),
        note(host, 'middle', 'exec sleep 1000', { after: [{ name: 'migrate', until: 'completed' }], ...settle }),
        note(host, 'migrate', 'echo "tables of $VERSION"; sleep 0.5', { once: true, after: [{ name: 'store', until: 'healthy' }] }),
      ]
      const accessories = [
        { ...note(host, 'store', 'exec sleep 1000'), image: `${image().repository}@${image().digest}`, env: { VERSION: 'always' } },
      ]
      const said: string[] = []
      const wish = { services, accessories, project: projectOf(host), onInfo: (line: string) => said.push(line) }
      const first = await deployTo(host, image(), { version: 'one', ...wish })
      expect(said.join('\n')).toContain('migrate: runs once, before middle')
      expect(said.join('\n')).toContain('once migrate | tables of one')
      const second = await deployTo(host, image(), { version: 'two', ...wish })
      expect(await written(host)).toBe(
        ['store always', 'migrate one', 'middle one', 'late one', 'migrate two', 'middle two', 'late two'].join('\n'),
      )
      expect(await host.ask(`docker volume inspect --format '{{.Labels.kind}}' ${host.app}_data`)).toBe('data')
      expect(await host.ask(`docker network inspect --format '{{.Internal}}' ${host.app}_back`)).toBe('true')
      const ended = (await host.containers()).filter(({ service }) => service === 'migrate')
      expect(ended.map(({ state, release }) => [state, release])).toEqual([
        ['exited', first.release],
        ['exited', second.release],
      ])
      expect(await host.ask(`docker logs ${ended[1]?.name}`)).toBe('tables of two')

      await deployTo(host, image(), { version: 'two', id: second.release, ...wish })
      await rollBack(host, services, wish)
      expect((await written(host)).split('\n').filter((line) => line.startsWith('migrate'))).toEqual(['migrate one', 'migrate two'])
      expect((await running(host)).filter((one) => one.endsWith(first.release))).toEqual([
        `late ${first.release}`,
        `middle ${first.release}`,
      ])
      await withoutVolume(host)
    },
  )

  test(
    'is broken off by one that runs once and fails: everything is as before, and its words are told; further ports stop the old holder first, and give it back when the new one fails',
    { timeout: 240_000 },
    async () => {
      await using host = labHost(lab.hosts[suite]?.container ?? '', 'deploy', 8098)
      const ports = ['127.0.0.1:8098-8099:8000-8001', '127.0.0.1:8097:53/udp']
      const { publish: _, ...relay } = web(host, {
        ports,
        after: [{ name: 'migrate', until: 'completed' }],
        health: { kind: 'container', timeoutMs: 10_000, settleMs: 500 },
      })
      const services = (then = 'exit 0'): Wished[] => [relay, later('migrate', then, { once: true }), worker]
      const project = projectOf(host, { volumes: {}, networks: {} })
      const { release } = await deployTo(host, image(), { version: 'one', services: services(), project })
      const broken = await failureOf(
        deployTo(host, image(), { version: 'two', services: services('echo no table users >&2; exit 3'), project }),
      )
      expect(broken).toMatchObject({
        code: 'RELEASE_COMMAND_FAILED',
        message: `migrate, which runs once, failed on host; release ${release} serves`,
      })
      expect(broken.hint).toContain('it ended with exit code 3')
      expect(broken.hint).toContain('no table users')
      expect(await host.answer()).toBe('one')
      expect((await host.containers()).every((one) => one.release === release)).toBe(true)
      const lines = (await journal(host)).filter((one) => one.release !== release)
      expect(lines.some(({ step }) => step === 'run' || step === 'stop')).toBe(false)

      const said: string[] = []
      await deployTo(host, image(), { version: 'three', services: services(), project, onInfo: (line) => said.push(line) })
      expect(await host.answer()).toBe('three')
      expect(said.join('\n')).toContain(`web: the old one is stopped first, since the ports ${ports.join(', ')} can have one holder only`)
      const told = await journal(host)
      expect(told.filter(({ step }) => step === 'downtime').map(({ service }) => service)).toEqual(['web'])
      const [, ...others] = services()
      const error = await failureOf(
        deployTo(host, image(), { version: 'four', services: [{ ...relay, env: { MODE: 'crash' } }, ...others], project }),
      )
      expect(error).toMatchObject({ code: 'DEPLOY_ROLLED_BACK' })
      expect(await host.answer()).toBe('three')
    },
  )

  test(
    'an accessory that is defined otherwise is recreated with its data, and comes back when the release fails later',
    { timeout: 240_000 },
    async () => {
      await using host = labHost(lab.hosts[suite]?.container ?? '', 'deploy', 8098)
      const store = (of: object = {}): NonNullable<Wish['accessories']>[number] => ({
        ...note(host, 'store', 'exec sleep 1000', { env: { VERSION: 'store' } }),
        image: `${image().repository}@${image().digest}`,
        ...of,
      })
      const named = `${host.app}.test.store`
      const id = (): Promise<string> =>
        host.ask(`docker inspect --format '{{.Id}} {{.State.Status}} {{.HostConfig.RestartPolicy.Name}}' ${named}`)
      const said: string[] = []
      const wish = { services: [worker], project: projectOf(host), onInfo: (line: string) => said.push(line) }
      await deployTo(host, image(), { version: 'one', accessories: [store()], ...wish })
      const before = await id()
      const broken = { ...worker, env: { MODE: 'crash' }, health: { kind: 'container' as const, timeoutMs: 10_000, settleMs: 500 } }
      await failureOf(deployTo(host, image(), { version: 'two', accessories: [store({ memory: '64m' })], ...wish, services: [broken] }))
      expect(said.join('\n')).toContain('store: recreated, since memory none → 64m changed; its volumes stay')
      expect(await id()).toBe(before)
      const sick = store({ memory: '64m', health: { command: ['false'], timeoutMs: 500, settleMs: 0 } })
      expect((await failureOf(deployTo(host, image(), { version: 'three', accessories: [sick], ...wish }))).message).toContain(
        'store: healthy failed',
      )
      expect(await id()).toBe(before)

      await deployTo(host, image(), { version: 'four', accessories: [store({ memory: '64m' })], ...wish })
      const after = await id()
      expect(after).toMatch(/ running unless-stopped$/)
      expect(after.split(' ')[0]).not.toBe(before.split(' ')[0])
      expect((await written(host)).split('\n').length).toBeGreaterThanOrEqual(2)
      const names = await host.ask(
        `docker ps --all --format '{{if .Label "launchway.accessory"}}{{.Names}}{{end}}' --filter label=launchway.app=${host.app} | sed '/^$/d'`,
      )
      expect(names).toBe(named)
      const other = `${host.app}_other`
      const error = await failureOf(
        deployTo(host, image(), { version: 'five', accessories: [store({ memory: '64m', volumes: [`${other}:/data`] })], ...wish }),
      )
      expect(error).toMatchObject({ code: 'HOST_UNFIT', message: expect.stringContaining('would lose what is in') })
      expect(await id()).toBe(after)
      await withoutVolume(host)
    },
  )
})

describe('a worker of a project', () => {
  test('ends the job that it is at before it is stopped', { timeout: 120_000 }, async () => {
    const host = await machine()
    // It is at a job whenever it is asked to end, and has some of it left.
    const job = 'trap "asked=yes" TERM; echo begun; until [ -n "$asked" ]; do sleep 0.1; done; sleep 1; echo done'
    const services = [later('worker', job, { stopSignal: 'TERM', stopTimeoutMs: 10_000 })]
    const project = projectOf(host, { volumes: {}, networks: {} })
    const first = await deployTo(host, image(), { version: 'one', services, project })
    await deployTo(host, image(), { version: 'two', services, project })
    const old = (await host.containers()).find(({ release }) => release === first.release)
    expect(old?.state).toBe('exited')
    expect(await host.ask(`docker logs ${old?.name}`)).toBe('begun\ndone')
    expect(await host.ask(`docker inspect --format '{{.State.ExitCode}}' ${old?.name}`)).toBe('0')
  })
})
