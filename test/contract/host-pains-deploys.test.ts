import { expect, inject, test } from 'vitest'
import { z } from 'zod'
import { docker } from '../../lab/run.ts'
import { type HostUnderTest, labHost } from './support/host.ts'
import { failureOf, pathsOf, pushAnother, running, useHosts } from './support/hosts.ts'
import { release, sh } from './support/lifecycle.ts'
import { deployTo, type PushedImage, releaseFor, removeImage, web, worker } from './support/release.ts'

const lab = inject('lab')
const { image } = useHosts()
const containerOf = (suite: string): string => lab.hosts[suite]?.container ?? ''
const hostOf = (suite: string, user: string, port = 0): HostUnderTest => labHost(containerOf(suite), user, port)

test(
  'docker-rollout#25: two at once, one that loses its client, one that is killed: one container of each service runs after the next',
  { tags: ['docker-rollout#25'], timeout: 300_000 },
  async () => {
    await using host = hostOf('forky', 'deploy', 8094)
    const services = ['api', 'site'].map((name) => ({ ...worker, name }))
    const only = (release: string): string[] => services.map(({ name }) => `${name} ${release}`)
    const wish = { services, keep: 2, more: { lockWaitMs: 60_000 } }
    const both = await Promise.allSettled(['one', 'two'].map((version) => deployTo(host, image(), { version, services })))
    expect(both.map(({ status }) => status)).toContain('fulfilled')
    expect(await running(host)).toEqual(only(await host.ask(`cat ${pathsOf(host).current}`)))

    const cut = { cutAt: /"step":"create","state":"done","service":"api"/ }
    await expect(deployTo(host, image(), { ...wish, version: 'four' }, cut)).rejects.toThrow('the connection broke')
    let kill: Promise<unknown> = Promise.resolve()
    const killed = {
      onLine(line: string) {
        // With what would clean up after it.
        if (line.includes('"step":"healthy","state":"start","service":"web"'))
          kill = host.ask(`kill -9 "-$(cat ${pathsOf(host).home}/attempts/*/pid)"`)
      },
    }
    const mute = web(host, { health: { kind: 'http', path: '/none', intervalMs: 100, timeoutMs: 60_000, settleMs: 0 } })
    await failureOf(deployTo(host, image(), { ...wish, version: 'five', services: [mute, ...services] }, killed))
    await kill
    expect((await running(host)).length).toBeGreaterThan(services.length)

    const last = await deployTo(host, image(), { ...wish, version: 'six' })
    expect(await running(host)).toEqual(only(last.release))
    // And one version that is kept for a rollback.
    expect(await host.containers()).toHaveLength(2 * services.length)
  },
)

test(
  'kamal#1844: one that finds another at work waits for its turn, also where it had found nobody; one that is older than what has come meanwhile does not replace it',
  { tags: ['kamal#1844'], timeout: 300_000 },
  async () => {
    await using host = hostOf('bookworm', 'deploy', 8097)
    const slow = web(host, { health: { kind: 'http', path: '/', intervalMs: 100, timeoutMs: 20_000, settleMs: 2500 } })
    const more = { lockWaitMs: 60_000 }
    const older = releaseFor(host, image(), { version: '' }).id
    const newer = '20270101-000000-abcdef0'
    /** Resolves once it is at work, with what it comes to. */
    const begun = (version: string): Promise<{ end: ReturnType<typeof deployTo> }> =>
      new Promise((resolve, reject) => {
        const end = deployTo(
          host,
          image(),
          { version, who: `${version}@desk`, services: [slow] },
          {
            onLine: (line) => line.includes('"step":"run","state":"done"') && resolve({ end }),
          },
        )
        end.catch(reject)
      })
    const said: string[] = []
    const first = await begun('one')
    await deployTo(host, image(), { version: 'two', services: [web(host)], more, onInfo: (line) => said.push(line) })
    expect(await first.end).toMatchObject({ downtimeMs: 0 })
    expect(await host.answer()).toBe('two')
    expect(said.filter((line) => line.includes('waiting for a deploy that is under way: one@desk, release '))).toHaveLength(1)

    let third: Awaited<ReturnType<typeof begun>> | undefined
    const beforeLaunch = async (): Promise<unknown> => (third ??= await begun('three'))
    await deployTo(host, image(), { version: 'four', services: [web(host)], more, id: newer }, { beforeLaunch })
    await third?.end
    expect(await host.answer()).toBe('four')

    const fifth = await begun('five')
    const error = await failureOf(deployTo(host, image(), { version: 'late', services: [web(host)], more, id: older }))
    expect(error).toMatchObject({ code: 'DEPLOY_LOCKED', hint: expect.stringContaining(`and was planned after ${older}`) })
    await fifth.end
    expect(await host.answer()).toBe('five')
  },
)

test(
  'deployphp/action#31: a run is cancelled in the middle: there is nothing to unlock for the next one',
  { tags: ['deployphp/action#31'], timeout: 300_000 },
  async () => {
    await using host = hostOf('forky', 'deploy', 8098)
    const services = [web(host, { health: { kind: 'http', path: '/', intervalMs: 100, timeoutMs: 20_000, settleMs: 1500 } })]
    const cut = { cutAt: /"step":"run","state":"done"/ }
    await expect(deployTo(host, image(), { version: 'one', services }, cut)).rejects.toThrow('the connection broke')
    const next = await deployTo(host, image(), { version: 'two', services, more: { lockWaitMs: 60_000 } })
    expect(next.previous).toBeDefined()
    // Its program, and who would clean up after it, are gone with a host that is switched off.
    await expect(deployTo(host, image(), { version: 'three', services }, cut)).rejects.toThrow('the connection broke')
    await host.ask(`kill -9 "-$(cat ${pathsOf(host).home}/attempts/*/pid)"`)
    const { release } = await deployTo(host, image(), { version: 'four', services })
    expect(await running(host)).toEqual([`web ${release}`])
    expect(await host.answer()).toBe('four')
  },
)

test(
  'ssh-action#112, #211, #359: of several commands one fails: so does the deploy, whatever is printed, and the next is not run',
  { tags: ['ssh-action#112', 'ssh-action#211', 'ssh-action#359'] },
  async () => {
    await using host = hostOf('trixie', 'deploy', 8095)
    const one = await deployTo(host, image(), { version: 'one', services: [web(host)] })
    const said: string[] = []
    const good = 'Successfully executed commands to all host.'
    const end = '{"v":1,"at":1,"release":"x","attempt":"x","step":"end","state":"done"}'
    const failing: [ReturnType<typeof sh>, RegExp][] = [
      [sh(`ls /; ls /nonexistent; exit $?`), /nonexistent: No such file or directory/],
      [{ ...sh(''), command: ['/nowhere/flask', 'db', 'upgrade'] }, /\/nowhere\/flask.*no such file or directory/],
      [sh(`echo '${good}'; printf '%s\\n' '${end}'; exit 3`), /it ended with exit code 3\n/],
    ]
    for (const [fails, how] of failing) {
      const way = {
        version: 'two',
        services: [web(host)],
        beforeSwitch: [sh('echo before'), fails, sh('echo after')],
        onInfo: (line: string) => said.push(line),
      }
      const error = await failureOf(release(host, image(), way))
      expect(error).toMatchObject({ code: 'RELEASE_COMMAND_FAILED', message: expect.stringContaining('nothing was changed') })
      expect(error.hint).toMatch(how)
    }
    expect(said.filter((line) => line.endsWith('| before'))).toHaveLength(3)
    expect(said.filter((line) => line.endsWith(`| ${good}`))).toHaveLength(1)
    expect(said.filter((line) => line.endsWith('| after'))).toEqual([])
    expect(await running(host)).toEqual([`web ${one.release}`])
    expect(await host.answer()).toBe('one')
  },
)

const Image = z.object({ Id: z.string(), RepoDigests: z.array(z.string()) })

test(
  'unregistry#41: an image whose layers the host has already is there afterwards, and is what runs; also one that its engine has lost a layer of',
  { tags: ['unregistry#41'], timeout: 300_000 },
  async () => {
    await using host = hostOf('bookworm', 'deploy', 8096)
    const inspected = async (reference: string): Promise<z.infer<typeof Image>> =>
      Image.parse(JSON.parse(await host.ask(`docker image inspect --format '{{json .}}' ${reference}`)))
    const runs = async ({ repository, digest }: PushedImage, container = ''): Promise<void> => {
      const { Id, RepoDigests } = await inspected(`${repository}@${digest}`)
      expect(RepoDigests).toContain(`${repository}@${digest}`)
      expect(await host.ask(`docker inspect --format '{{.Image}}' ${container}`)).toBe(Id)
    }
    const first = await deployTo(host, image(), { version: 'one', services: [web(host)] })
    await runs(image(), first.services[0]?.container)
    // All of its layers are those of the first.
    const same = await pushAnother(image(), 'same')
    const second = await deployTo(host, same, { version: 'two', services: [web(host)] })
    await runs(same, second.services[0]?.container)

    const lacks = await pushAnother(image(), 'lacks', `RUN echo ${host.app} > /more`)
    const reference = `${lacks.repository}@${lacks.digest}`
    await host.ask(`docker pull --quiet ${reference}`)
    const layer = await host.ask(`docker image inspect --format '{{.GraphDriver.Data.UpperDir}}' ${reference}`)
    await docker('exec', containerOf('bookworm'), 'rm', '-r', layer.replace(/\/diff$/, ''))
    expect(
      await host.ask(`docker pull --quiet ${reference} && docker image inspect ${reference} > /dev/null 2>&1 || echo unreadable`),
    ).toContain('unreadable')
    const third = await deployTo(host, lacks, { version: 'three', services: [web(host)] })
    await runs(lacks, third.services[0]?.container)
    expect(await host.answer()).toBe('three')
    for (const one of [same, lacks]) await removeImage(one).catch(() => undefined)
  },
)
