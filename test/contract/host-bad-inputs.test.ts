import { describe, expect, test } from 'vitest'
import type { LaunchwayError } from '../../src/core/error.ts'
import { type Place, placesOf } from '../support/places.ts'
import type { HostUnderTest } from './support/host.ts'
import { failureOf, isCampaign, running, useHosts } from './support/hosts.ts'
import { hostAt } from './support/place.ts'
import { deployTo, web, type Wish, worker } from './support/release.ts'

const { image, machine } = useHosts()

/** Deploys a version that is well, and one whose health page leads elsewhere: what that one fails with, and what answers then. */
async function leadsElsewhere(host: HostUnderTest): Promise<{ error: LaunchwayError; answer: string }> {
  await deployTo(host, image(), { version: 'one', services: [web(host)] })
  // busybox sends who asks for a folder without its slash to the one with it.
  const health = { kind: 'http' as const, path: '/deep', intervalMs: 100, timeoutMs: 500, settleMs: 0 }
  const error = await failureOf(deployTo(host, image(), { version: 'two', services: [web(host, { health })] }))
  return { error, answer: await host.answer() }
}

describe('a health page that leads elsewhere is not well, and the evidence says where it leads', () => {
  const unwell = {
    answer: 'one',
    error: {
      code: 'DEPLOY_ROLLED_BACK',
      hint: expect.stringMatching(/\/deep answered 302 (http:\/\/127\.0\.0\.1:\d+)?\/deep\/: it leads elsewhere/),
    },
  }

  test.for(placesOf('bookworm, busybox', 'trixie, sudo only', 'forky, docker group'))('on $name', { tags: ['redirect'] }, async (place) => {
    await using host = await hostAt(place)
    expect(await leadsElsewhere(host)).toMatchObject(unwell)
  })

  test('by GNU wget', { tags: ['redirect'] }, async ({ skip }) => {
    skip(!isCampaign, 'both wgets are read by the same lines; the campaign has both')
    const host = await machine({ name: 'dash and GNU wget', shell: 'dash', probe: 'wget' })
    expect(await leadsElsewhere(host)).toMatchObject(unwell)
  })
})

describe('what a host lacks is said before anything is touched', () => {
  async function refused(host: HostUnderTest, wish: Partial<Wish> = {}): Promise<LaunchwayError> {
    const before = (await host.containers()).length
    const error = await failureOf(deployTo(host, image(), { version: 'one', ...wish }))
    expect(error.code).toBe('HOST_UNFIT')
    expect(await host.ask(`ls -A ${host.stateRoot} 2> /dev/null || :`)).toBe('')
    expect(await host.containers()).toHaveLength(before)
    return error
  }
  const own = (host: HostUnderTest): string => `launchway.app=${host.app}`

  test.for(placesOf('bookworm, sudo only', 'trixie, root', 'forky, busybox', 'trixie, docker group'))(
    'on $name: no docker',
    { tags: ['no-docker'] },
    async (place) => {
      await using host = await hostAt(place, { without: ['docker'] })
      expect((await refused(host)).message).toContain('docker is not installed')
    },
  )

  test.for(placesOf('bookworm, docker group', 'trixie, busybox', 'forky, sudo only', 'forky, root'))(
    'on $name: neither curl nor wget',
    { tags: ['no-probe'] },
    async (place) => {
      await using host = await hostAt(place, { without: ['curl', 'wget'] })
      const error = await refused(host)
      expect(error.message).toContain('neither curl nor wget is installed')
      expect(error.hint).toContain('one of them is needed to ask the health page')
    },
  )

  test.for(placesOf('bookworm, root', 'trixie, docker group', 'forky, busybox', 'forky, sudo only'))(
    'on $name: a port that a container holds, and its name',
    { tags: ['busy-port'] },
    async (place) => {
      await using host = await hostAt(place)
      const name = `${host.app}-squatter`
      const reference = `${image().repository}@${image().digest}`
      await host.ask(`docker run --detach --label ${own(host)} --name ${name} --publish 127.0.0.1:${host.port}:8000 ${reference}`)
      expect((await refused(host)).message).toContain(`port 127.0.0.1:${host.port} is held by the container ${name}`)
    },
  )

  /** Only root sees whose a socket is. */
  const holderFor = ({ account }: Place): string => (account === 'docker group' ? 'a program of the host' : 'socat (process ')

  test.for(placesOf('bookworm, sudo only', 'trixie, root', 'forky, docker group', 'bookworm, busybox'))(
    'on $name: a port that a program of the host holds, and its name',
    { tags: ['busy-port'] },
    async (place) => {
      await using host = await hostAt(place)
      await host.ask(`setsid -f socat TCP-LISTEN:${host.port},bind=127.0.0.1,fork PIPE > /dev/null 2>&1 < /dev/null`)
      await expect.poll(() => host.ask(`ss -Hltn 'sport = :${host.port}'`)).not.toBe('')
      try {
        expect((await refused(host)).message).toContain(`port 127.0.0.1:${host.port} is held by ${holderFor(place)}`)
      } finally {
        await host.ask(`pkill -f 'socat TCP-LISTEN:${host.port}[,]'`)
      }
    },
  )

  test.for(placesOf('bookworm, docker group', 'forky, sudo only'))(
    'on $name: a disk that the images may not fit on; those that are there need no room',
    { tags: ['full-disk'] },
    async (place) => {
      await using host = await hostAt(place)
      const wish: Wish = { version: 'one', services: [worker], built: { size: 1e15 } }
      const absent = await failureOf(deployTo(host, { ...image(), digest: `sha256:${'0'.repeat(64)}` }, wish))
      expect(absent).toMatchObject({ code: 'HOST_UNFIT', message: expect.stringMatching(/B of disk are free/) })
      expect(absent.hint).toContain('docker image prune --all')
      await host.ask(`docker pull --quiet ${image().repository}@${image().digest}`)
      await deployTo(host, image(), wish)
      expect(await running(host)).toHaveLength(1)
    },
  )

  test.for(placesOf('trixie, root', 'bookworm, busybox'))(
    'on $name: a full disk where the state is',
    { tags: ['full-disk'] },
    async (place) => {
      await using host = await hostAt(place)
      await host.ask(`mkdir -p ${host.stateRoot} && mount -t tmpfs -o size=128k,mode=1777 tmpfs ${host.stateRoot}`)
      try {
        const error = await failureOf(deployTo(host, image(), { version: 'one', services: [worker] }))
        expect(error.message).toMatch(new RegExp(`cannot take this deploy: 0\\.1 MB of disk are free at ${host.stateRoot}$`))
        expect(error).toMatchObject({ code: 'HOST_UNFIT', hint: expect.stringContaining('`state:`') })
        expect(await host.ask(`ls ${host.stateRoot}`)).toBe('')
      } finally {
        await host.ask(`umount ${host.stateRoot}; rmdir ${host.stateRoot}`)
      }
      const { release } = await deployTo(host, image(), { version: 'one', services: [worker] })
      // What a release takes of it is far below what is asked for.
      expect(Number((await host.ask(`du -sk ${host.stateRoot}`)).split('\t')[0])).toBeLessThan(1000)
      expect(await running(host)).toEqual([`worker ${release}`])
    },
  )

  test.for(placesOf('bookworm, busybox', 'trixie, sudo only', 'forky, docker group', 'forky, root'))(
    'on $name: an image for another platform',
    { tags: ['other-platform'] },
    async (place) => {
      await using host = await hostAt(place)
      const error = await refused(host, { built: { platforms: ['linux/s390x'] } })
      expect(error.message).toContain('the image app is for linux/s390x')
      expect(error.hint).toMatch(/this host is linux\/\w+: add it to platforms/)
    },
  )
})
