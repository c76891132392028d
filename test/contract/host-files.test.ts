import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, inject, test } from 'vitest'
import { type HostUnderTest, journalOf, labHost, which } from './support/host.ts'
import { pathsOf, useHosts } from './support/hosts.ts'
import { files, goBackTo, plain, reader, repository, secrets, toolbox, within, write } from './support/mounted.ts'
import { deployTo } from './support/release.ts'

const lab = inject('lab')
const { image, machine } = useHosts()

/** With the account of the lab's host that looks around. All of them are the campaign's; over SSH as ops is in host-files-refused.test.ts. */
const accounts = [
  { suite: 'bookworm', user: 'deploy' },
  ...(process.env['LAUNCHWAY_CAMPAIGN'] === undefined
    ? []
    : [
        { suite: 'trixie', user: 'root' },
        { suite: 'forky', user: 'ops' },
      ]),
]

const onLab = (suite: string, user: string): HostUnderTest => {
  const host = labHost(lab.hosts[suite]?.container ?? '', user, 0)
  // The engine is root's for an account that has sudo alone, and so is the state.
  return user === 'ops'
    ? { ...labHost(lab.hosts[suite]?.container ?? '', 'root', 0, host.stateRoot, '', host.app), remote: (hooks) => host.remote(hooks) }
    : host
}

describe.each(accounts)('what a project brings, on $suite as $user', ({ suite, user }) => {
  test('is mounted, read by the user of the container and by nobody else; what is unchanged is not sent again; a rollback shows the old', async () => {
    await using host = onLab(suite, user)
    const root = repository()
    const said: string[] = []
    const wish = { services: [reader], secrets, root, onInfo: (line: string) => said.push(line) }
    const first = await deployTo(host, image(), { ...wish, version: 'one' })
    const sent = (): string[] => said.splice(0).filter((line) => line.includes('sending'))
    expect(sent()).toEqual(['host: sending conf, single file.txt, 0.0 MB'])

    expect(await within(host, 'cat /etc/conf/site.conf /etc/conf/deep/link /single; /run.sh; id -u')).toBe(
      'colour = green\ncolour = green\none lineran\n101',
    )
    expect(await within(host, 'cat /run/secrets/key /plain.conf; echo; echo "$DATABASE_URL"')).toBe(
      `key=${secrets.KEY}costs $5\npostgres://u:${secrets.DB_PASSWORD}@db/x?cost=$5`,
    )
    const own = user === 'deploy' ? await host.ask('echo $(id -u) $(id -g)') : '0 0'
    expect(await within(host, 'stat -c "%a %u %g %n" /run/secrets/key /plain.conf /single /etc/conf /run.sh')).toBe(
      `440 101 0 /run/secrets/key\n444 0 0 /plain.conf\n644 ${own} /single\n755 ${own} /etc/conf\n755 ${own} /run.sh`,
    )
    expect(await within(host, 'echo x > /etc/conf/site.conf; echo x > /run/secrets/key; echo x > /etc/conf/new')).toMatch(
      /(.*Read-only file system.*\n?|.*Permission denied.*\n?){3}/,
    )
    const folder = pathsOf(host).release(first.release)
    const stranger = labHost(lab.hosts[suite]?.container ?? '', 'nobody', 0)
    for (const path of [`${folder}/texts/reader.0`, `${folder}/texts/reader.1`, `${folder}/files/conf/site.conf`, `${folder}/secrets`]) {
      expect(await host.ask(`test -s '${path}' && echo there`)).toBe('there')
      expect(await stranger.ask(`cat '${path}' 2>&1 || :`)).toContain('Permission denied')
    }

    await deployTo(host, image(), { ...wish, version: 'two' })
    expect(sent()).toEqual([])
    expect(await within(host, 'cat /etc/conf/site.conf; /run.sh; cat /plain.conf')).toBe('colour = green\nran\ncosts $5')

    write(root, 'conf/site.conf', 'colour = red\n')
    await deployTo(host, image(), { ...wish, version: 'three' })
    expect(sent()).toEqual(['host: sending conf, 0.0 MB'])
    expect(await within(host, 'cat /etc/conf/site.conf')).toBe('colour = red')

    await goBackTo(first.release, host, image(), wish)
    expect(await within(host, 'cat /etc/conf/site.conf')).toBe('colour = green')
    expect(sent()).toEqual([])

    const everything = `grep -rlF canary- ${pathsOf(host).home} 2> /dev/null || :`
    // Not even the account can read what is the container's alone.
    const holders = (await labHost(lab.hosts[suite]?.container ?? '', 'root', 0).ask(everything))
      .split('\n')
      .map((path) => path.replace(/.*\/releases\/[^/]+\//, ''))
    expect([...new Set(holders)].toSorted()).toEqual(['secrets', 'texts/reader.0'])
    expect(await host.ask(`ls ${pathsOf(host).home}/attempts; docker ps --all --quiet --filter name=${host.app}.*texts`)).toBe('')
  })
})

describe('what travels', () => {
  test('is unpacked by busybox alone, and no value of a secret is ever an argument or a word of the journal', async () => {
    const host = await machine({ name: 'busybox alone', shell: 'busybox', probe: 'wget', ...toolbox })
    const argv = join(host.bin, 'argv')
    rmSync(join(host.bin, 'docker'))
    writeFileSync(join(host.bin, 'docker'), `#!/bin/sh\nprintf '%s\\n' "$@" >> ${argv}\nexec ${which('docker')} "$@"\n`, { mode: 0o755 })
    const root = repository()
    const long = `${'folder'.repeat(12)}/${'name'.repeat(30)}.conf`
    mkdirSync(join(root, 'conf', long, '..'), { recursive: true })
    write(root, join('conf', long), 'far away\n')
    await deployTo(host, image(), { version: 'one', services: [reader], secrets, root })
    expect(await within(host, `cat /etc/conf/${long} /etc/conf/deep/link; cat /run/secrets/key`)).toBe(
      `far away\ncolour = green\nkey=${secrets.KEY}`,
    )
    const words = readFileSync(argv, 'utf8')
    expect(words).toContain('DATABASE_URL\n')
    for (const text of [words, journalOf(host)]) {
      expect(text).not.toContain('canary-')
      expect(text).not.toContain(Buffer.from('key=canary-').toString('base64').slice(4, 12))
    }
  })

  test('what a container writes is its own: the next release has again what the repository has, and nothing is sent for it', async () => {
    const host = await machine(toolbox)
    const root = repository()
    const said: string[] = []
    const wish = { services: [{ ...plain, ...files(false) }], root, onInfo: (line: string) => said.push(line) }
    const { release } = await deployTo(host, image(), { ...wish, version: 'one' })
    expect(await within(host, 'echo spoilt > /etc/conf/site.conf; cat /etc/conf/site.conf')).toBe('spoilt')
    said.length = 0
    await deployTo(host, image(), { ...wish, version: 'two' })
    expect(await within(host, 'cat /etc/conf/site.conf')).toBe('colour = green')
    expect(said.join('\n')).not.toContain('sending')
    await goBackTo(release, host, image(), wish)
    expect(await within(host, 'cat /etc/conf/site.conf')).toBe('spoilt')
  })

  test('what no kept release has is removed', async () => {
    const host = await machine(toolbox)
    const root = repository()
    const wish = { services: [{ ...plain, ...files() }], root, keep: 1 }
    const store = (): string[] => readdirSync(pathsOf(host).files)
    await deployTo(host, image(), { ...wish, version: 'one' })
    const [first] = store()
    for (const version of ['two', 'three']) {
      write(root, 'conf/site.conf', `${version}\n`)
      await deployTo(host, image(), { ...wish, version })
    }
    expect(store()).toHaveLength(2)
    expect(store()).not.toContain(first)
    await deployTo(host, image(), { ...wish, version: 'five', services: [plain] })
    await deployTo(host, image(), { ...wish, version: 'six', services: [plain] })
    expect(store()).toEqual([])
  })

  test('an accessory mounts what its first release brought, for as long as it lives', async () => {
    const host = await machine(toolbox)
    const root = repository()
    const { repository: name, digest } = image()
    const text = { target: '/secret', text: '${KEY}', mode: '0400', uid: '7', gid: '7' }
    const cache = { name: 'cache', image: `${name}@${digest}`, command: ['/bin/sleep', '1000'], user: '7', texts: [text], ...files() }
    const wish = { services: [plain], accessories: [cache], secrets, root, keep: 1 }
    for (const version of ['one', 'two', 'three']) {
      await deployTo(host, image(), { ...wish, version })
      write(root, 'conf/site.conf', `${version}\n`)
    }
    const inside = await host.ask(`docker exec ${host.app}.test.cache cat /etc/conf/site.conf /secret`)
    expect(inside).toBe(`colour = green\n${secrets.KEY}`)
    expect(readdirSync(join(pathsOf(host).home, 'accessories/cache'))).toHaveLength(1)
    expect(readdirSync(pathsOf(host).files)).toHaveLength(1)
  })

  test('an accessory of a project mounts a file that has changed from the next release on', async () => {
    const host = await machine(toolbox)
    const root = repository()
    const { repository: name, digest } = image()
    const cache = { name: 'cache', image: `${name}@${digest}`, command: ['/bin/sleep', '1000'], ...files() }
    const external = { paths: [], networks: [], volumes: [] }
    const said: string[] = []
    const wish = {
      services: [plain],
      accessories: [cache],
      project: { name: 'p', pulled: {}, networks: {}, volumes: {}, external },
      root,
      onInfo: (line: string) => said.push(line),
    }
    const started = (): Promise<string> => host.ask(`docker inspect --format '{{.State.StartedAt}}' ${host.app}.test.cache`)
    await deployTo(host, image(), { ...wish, version: 'one' })
    const before = await started()
    await deployTo(host, image(), { ...wish, version: 'two' })
    expect(await started()).toBe(before)
    write(root, 'conf/site.conf', 'colour = red\n')
    await deployTo(host, image(), { ...wish, version: 'three' })
    expect(said.join('\n')).toContain('cache: recreated, since what is in its files changed')
    expect(await host.ask(`docker exec ${host.app}.test.cache cat /etc/conf/site.conf`)).toBe('colour = red')
    expect(readdirSync(join(pathsOf(host).home, 'accessories/cache'))).toHaveLength(1)
  })
})
