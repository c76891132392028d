import { afterAll, describe, expect, inject, test } from 'vitest'
import { failureOf, isCampaign, pathsOf, pushAnother, useHosts } from './support/hosts.ts'
import { operated } from './support/operated.ts'
import { deployTo, type PushedImage, removeImage, worker } from './support/release.ts'
import { pushServer } from './support/server.ts'
import { rollBack, site, siteHost } from './support/site.ts'

const { image, machine } = useHosts()
/** Both in the campaign. */
const toolboxes = [
  { name: 'dash and GNU tools', shell: 'dash', probe: 'curl' } as const,
  ...(isCampaign ? [{ name: 'busybox alone', shell: 'busybox', probe: 'wget' } as const] : []),
]
const lab = inject('lab')
const referenceTo = ({ repository, digest }: PushedImage): string => `${repository}@${digest}`
const made: Awaited<ReturnType<typeof pushServer>>[] = []
afterAll(async () => {
  for (const one of made) await removeImage(one)
})

describe('several hosts', () => {
  const two: [string, string][] = [
    ['bookworm', 'root'],
    ['trixie', 'root'],
  ]

  test(
    'are locked together, and by anybody unlocked (bikeindex#4313: a lock that was forgotten for four weeks)',
    { tags: ['bikeindex#4313'] },
    async () => {
      await using there = await operated(image, two)
      const [one = '', other = ''] = there.addresses
      there.configure({ worker: {} })
      // Before there is anything to keep anybody from, too.
      expect((await there.launchway(['lock', '--reason', 'not\tyet'])).code).toBe(0)
      expect(await failureOf(there.deploy('one', { services: [worker] }))).toMatchObject({
        code: 'DEPLOY_LOCKED',
        message: expect.stringMatching(new RegExp(`^somebody keeps everybody from deploying to ${one}: \\S+ since \\S+: not yet$`)),
        hint: expect.stringContaining('launchway unlock'),
      })
      // Locked by somebody else already: said, and left alone.
      const again = await there.launchway(['lock', '--json'])
      expect([again.code, JSON.parse(again.out)]).toMatchObject([
        6,
        [
          { host: one, error: { code: 'DEPLOY_LOCKED' } },
          { host: other, error: { code: 'DEPLOY_LOCKED' } },
        ],
      ])
      expect((await there.launchway(['unlock'])).out).toMatch(
        new RegExp(`^${one}: unlocked; it was locked by .*\n${other}: unlocked; it was locked by .*: not yet\n$`),
      )
      expect((await there.launchway(['unlock'])).out).toBe(`${one}: was not locked\n${other}: was not locked\n`)
    },
  )

  test('answer side by side, each line with its host; one that cannot be reached hides no other', async () => {
    await using there = await operated(image, two)
    const [one = '', other = ''] = there.addresses
    const services = { worker: { env: { VERSION: 'one', MODE: 'calm' }, secrets: ['KEY', 'LOST', 'ADDED', 'SAME'] } }
    there.configure(services)
    const secrets = { KEY: 'old-value', LOST: 'x', SAME: "it's the\nsame", GONE: 'g' }
    const before = { ...worker, env: { MODE: 'wild', OLD: '1' }, secrets: Object.keys(secrets) }
    const release = await there.deploy('one', { services: [before], secrets })

    // Who holds a lock may still see to what runs.
    await there.launchway(['lock', '--reason', 'repairs'])
    expect((await there.launchway(['status'])).out).toMatch(/ {2}locked by \S+ since \S+: repairs \(launchway unlock/)
    expect((await there.launchway(['stop', '--host', one])).out).toContain(`${one}: stopped worker`)

    const diff = await there.launchway(['env', 'diff', '--host', other], { env: { KEY: 'new-value', ADDED: 'a', SAME: secrets.SAME } })
    expect(diff).toMatchObject({ code: 0, err: expect.any(String) })
    expect(diff.out.trim().split('\n').toSorted()).toEqual(
      [
        `${other}: worker: + secret ADDED`,
        `${other}: worker: - OLD`,
        `${other}: worker: - secret GONE`,
        `${other}: worker: ? secret LOST (not known: the secret is not in the environment here)`,
        `${other}: worker: ~ MODE`,
        `${other}: worker: ~ secret KEY`,
      ].toSorted(),
    )
    expect(`${diff.out}${diff.err}`).not.toMatch(/old-value|new-value/)
    const logs = await there.launchway(['logs'])
    expect(logs.out.trim().split('\n').toSorted()).toEqual([`${one} worker | starting one`, `${other} worker | starting one`].toSorted())

    there.configure(services, { hosts: ['deploy@127.0.0.1:1', other] })
    const half = await there.launchway(['history'])
    expect(half.code).toBe(6)
    expect(half.out).toContain('deploy@127.0.0.1:1: SSH_UNREACHABLE: ')
    expect(half.out).toContain(`${other}  deploy one (release ${release}) by ada@laptop: done in `)
  }, 240_000)

  test.each(toolboxes)('and a deploy that had looked before is stopped by the host itself, under $name', async (toolbox) => {
    const host = await machine(toolbox)
    await deployTo(host, image(), { version: 'one', services: [worker] })
    const { home } = pathsOf(host)
    const beforeLaunch = (): Promise<string> => host.ask(`printf '2026-11-21T10:15:00Z\\tada "a" \\\\ b\\tit moves\\n' > ${home}/held`)
    const error = await failureOf(deployTo(host, image(), { version: 'two', services: [worker] }, { beforeLaunch }))
    expect(error).toMatchObject({
      code: 'DEPLOY_LOCKED',
      message: 'somebody keeps everybody from deploying to host: ada "a" \\ b since 2026-11-21T10:15:00Z: it moves',
    })
    expect((await host.containers()).map(({ state }) => state)).toEqual(['running'])
    await host.ask(`mv ${home}/held ${home}/unheld`)
    await deployTo(host, image(), { version: 'two', services: [worker] })
    await host.ask(`mv ${home}/unheld ${home}/held`)
    expect(await failureOf(rollBack(host, [worker]))).toMatchObject({ code: 'DEPLOY_LOCKED', message: expect.stringContaining('it moves') })
  })
})

describe('pruning (kamal#1655: what a redeploy leaves)', () => {
  test(
    'takes what no kept release of this environment needs, and nothing that a rollback needs',
    { tags: ['kamal#1655'], timeout: 300_000 },
    async () => {
      await using there = await operated(image, [['forky', 'ops']])
      const [first] = there.machines
      const [address = ''] = there.addresses
      if (first === undefined) throw new Error('no machine')
      there.configure({ worker: {} }, { keep: 5 })
      await there.deploy('one', { services: [worker] })
      await there.deploy('two', { services: [worker] })
      const third = await there.deploy('three', { services: [worker] })
      // A container of a release that nobody keeps, another image of the same repository, and one that another environment keeps.
      const [left, needed] = [await pushAnother(image(), 'left'), await pushAnother(image(), 'needed')].map(referenceTo)
      for (const one of [left, needed]) await first.ask(`docker pull --quiet ${one}`)
      const elsewhere = there.home.replace(/test$/, 'other/releases/20200101-000000-bbbbbbb')
      await first.ask(`mkdir -p ${elsewhere} && echo ${needed} > ${elsewhere}/images`)
      const stray = `${first.app}.test.worker.20200101-000000-aaaaaaa`
      const labels = ['app=' + first.app, 'environment=test', 'service=worker', 'slot=a', 'release=20200101-000000-aaaaaaa']
      const reference = `${image().repository}@${image().digest}`
      await first.ask(`docker create --name ${stray} ${labels.map((one) => `--label launchway.${one}`).join(' ')} ${reference}`)
      there.configure({ worker: {} }, { keep: 2 })
      const pruned = await there.launchway(['prune', '--json'])
      expect(pruned.code).toBe(0)
      const [{ removed }] = JSON.parse(pruned.out)
      expect(removed).toEqual(expect.arrayContaining([`container ${stray}`, `image ${left}`]))
      expect(removed).not.toContain(`image ${needed}`)
      expect((await first.containers()).filter(({ release }) => release === third)).toHaveLength(1)
      expect(await first.ask(`docker image inspect --format there ${reference}`)).toBe('there')
      expect((await there.launchway(['prune'])).out).toBe(`${address}: nothing to remove\n`)
    },
  )
})

describe('removing', () => {
  test('shows first what would go; a service goes with its server and its containers, and its volumes stay', async () => {
    const server = await pushServer(lab.registry.address)
    made.push(server)
    await using there = await operated(() => server, [['forky', 'root']])
    const [first] = there.machines
    const [address = ''] = there.addresses
    if (first === undefined) throw new Error('no machine')
    await using host = siteHost('forky')
    const volume = `${first.app}-files`
    const services = [site(host, { volumes: [`${volume}:/files`] }), worker]
    there.configure({ web: { port: 8000, nginx: { 'server-name': host.name } }, worker: {} })
    const release = await there.deploy('one', { services })
    const files = [
      `/etc/nginx/launchway.d/servers/${host.name}/${first.app}.test.web.conf`,
      `/etc/nginx/conf.d/launchway.${first.app}.test.web.conf`,
      `/etc/nginx/conf.d/launchway-server.${host.name}.conf`,
    ]
    expect(await host.page()).toBe('one')
    const asked = await there.launchway(['remove', 'web'])
    const would = files.map((file) => `${address}: would remove nginx ${file}`).join('\n')
    expect(asked).toMatchObject({ code: 2, out: expect.stringContaining(`${would}\nNothing was changed.`) })
    expect(await host.page()).toBe('one')
    const removed = await there.launchway(['remove', 'web', '--yes'])
    expect(removed).toMatchObject({ code: 0 })
    expect(removed.out.trim().split('\n')).toEqual([
      `${address}: removed container ${first.app}.test.web.${release}`,
      ...files.map((file) => `${address}: removed nginx ${file}`),
      `${address}: kept volume ${volume}`,
    ])
    expect(await host.page()).not.toBe('one')
    expect(await first.ask(`ls ${files.join(' ')} 2> /dev/null || echo gone`)).toBe('gone')
    expect((await first.containers()).map(({ service, state }) => `${service} ${state}`)).toEqual(['worker running'])
    expect(await first.ask(`docker volume inspect --format there ${volume}; docker volume rm ${volume} > /dev/null`)).toBe('there')
    expect(await there.launchway(['remove', 'web', '--yes'])).toMatchObject({
      code: 2,
      out: expect.stringContaining('runs no service "web"'),
    })
  })
})
