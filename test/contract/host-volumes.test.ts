import { existsSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { docker } from '../../lab/run.ts'
import { recreate, type Recreated } from '../../src/deploy/recreate.ts'
import type { HostUnderTest } from './support/host.ts'
import { failureOf, pushAnother, running, useHosts } from './support/hosts.ts'
import { deployTo, portsFor, releaseFor, removeImage, type Wish, worker } from './support/release.ts'
import { rollBack } from './support/site.ts'

const { image, machine } = useHosts()

const volume = (host: HostUnderTest): string => `${host.app}-data`

/** What writes a file of its own into its volume, and goes on. */
const script = 'echo "$VERSION" > /data/$HOSTNAME; exec /serve'

function db(of: string, name = 'db'): NonNullable<Wish['accessories']>[number] {
  const image_ = `${image().repository}@${image().digest}`
  return { name, image: image_, command: ['/bin/sh', '-c', script], volumes: [`${of}:/data`] }
}

/** A volume that goes with the containers that have it. */
function named(name: string): AsyncDisposable {
  return {
    [Symbol.asyncDispose]: async () => {
      const holders = await docker('ps', '--all', '--quiet', '--filter', `volume=${name}`)
      if (holders !== '') await docker('rm', '--force', ...holders.split('\n'))
      await docker('volume', 'rm', '--force', name)
    },
  }
}

function recreated(host: HostUnderTest, name: string, wish: Partial<Wish>): Promise<Recreated> {
  const whole: Wish = { version: 'as configured now', ...wish }
  const { app, plan } = releaseFor(host, image(), whole)
  if (plan.environment === undefined) throw new Error('no environment')
  const of = { app, environment: plan.environment, repositories: [image().repository] as [string], registries: [] }
  return recreate(
    of,
    name,
    portsFor(() => host.remote(), whole),
  )
}

const filesIn = (container: string): Promise<string> => docker('exec', container, 'ls', '/data')

describe('a volume that others write to', () => {
  test('of another application is refused before anything is touched, with its holder; who has it already goes on', async () => {
    const [first, second] = [await machine(), await machine({ name: 'busybox', shell: 'busybox', probe: 'wget' })]
    await using _ = named(volume(first))
    const wish = { services: [worker], accessories: [db(volume(first))] }
    await deployTo(first, image(), { ...wish, version: 'one' })
    const before = await filesIn(`${first.app}.test.db`)

    const error = await failureOf(deployTo(second, image(), { ...wish, version: 'one' }))
    expect(error).toMatchObject({ code: 'HOST_UNFIT' })
    expect(error.message).toContain(
      `the volume ${volume(first)} is held by ${first.app}.test.db, of the environment test of ${first.app}: both would write into it`,
    )
    expect(error.hint).toContain(`shared-volumes: [${volume(first)}]`)
    expect(existsSync(second.stateRoot)).toBe(false)
    expect(await filesIn(`${first.app}.test.db`)).toBe(before)

    // It is there to be read by others, and its own environment deploys on.
    await deployTo(second, image(), { version: 'reads', services: [{ ...worker, volumes: [`${volume(first)}:/data:ro`] }] })
    await deployTo(first, image(), { ...wish, version: 'two' })
    await deployTo(second, image(), { ...wish, version: 'shares', more: { sharedVolumes: [volume(first)] } })
    expect((await filesIn(`${first.app}.test.db`)).split('\n')).toHaveLength(2)
    expect(await failureOf(deployTo(first, image(), { ...wish, version: 'three' }))).toMatchObject({
      code: 'HOST_UNFIT',
      message: expect.stringContaining(`is held by ${second.app}.test.db`),
    })
  }, 120_000)

  test('of another environment of the same application is refused as well', async () => {
    const host = await machine()
    await using _ = named(volume(host))
    const web = { ...worker, volumes: [`${volume(host)}:/data`] }
    await deployTo(host, image(), { version: 'one', services: [web] })
    const error = await failureOf(deployTo(host, image(), { version: 'one', services: [web], more: { name: 'staging' } }))
    expect(error.message).toContain(`is held by ${host.app}.test.worker.`)
    expect(error.hint).toContain(`staging-${volume(host)}`)
    expect(
      await docker(
        'ps',
        '--all',
        '--quiet',
        '--filter',
        'label=launchway.environment=staging',
        '--filter',
        `label=launchway.app=${host.app}`,
      ),
    ).toBe('')
  })

  test('of a container that launchway did not make is refused, also when that is stopped, and not when it only reads', async () => {
    const host = await machine()
    await using _ = named(volume(host))
    const reference = `${image().repository}@${image().digest}`
    const stranger = `${host.app}-by-hand`
    await docker('create', '--name', stranger, '--volume', `${volume(host)}:/data:ro`, reference)
    const wish = { services: [worker], accessories: [db(volume(host))] }
    await deployTo(host, image(), { ...wish, version: 'one' })
    await docker('rm', '--force', stranger)
    await docker('create', '--name', stranger, '--volume', `${volume(host)}:/data`, reference)
    const error = await failureOf(deployTo(host, image(), { ...wish, version: 'two' }))
    expect(error.message).toContain(`the volume ${volume(host)} is held by ${stranger} (created), which launchway did not make`)
    await docker('rm', '--force', stranger)
    await deployTo(host, image(), { ...wish, version: 'three' })
  })

  test('of an accessory that the configuration calls otherwise by now is refused, since that one goes on', async () => {
    const host = await machine()
    await using _ = named(volume(host))
    await deployTo(host, image(), { version: 'one', services: [worker], accessories: [db(volume(host))] })
    const wish = { services: [worker], accessories: [db(volume(host), 'postgres')] }
    const error = await failureOf(deployTo(host, image(), { ...wish, version: 'two' }))
    expect(error.message).toContain(
      `the volume ${volume(host)} is held by ${host.app}.test.db, an accessory that the configuration no longer has`,
    )
    expect(error.hint).toContain(`docker rm --force ${host.app}.test.db`)
    expect((await failureOf(recreated(host, 'postgres', wish))).message).toContain('an accessory that the configuration no longer has')
    await docker('rm', '--force', `${host.app}.test.db`)
    await deployTo(host, image(), { ...wish, version: 'three' })
    expect(await running(host)).toHaveLength(2)
    // Those that the configuration has are of one mind.
    await recreated(host, 'second', { ...wish, accessories: [...wish.accessories, db(volume(host), 'second')] })
    expect(await running(host)).toHaveLength(3)
  })
})

describe('a volume that a release would leave behind', () => {
  const uploads = (of: string): NonNullable<Wish['services']> => [{ ...worker, volumes: [`${of}:/srv/uploads`] }]

  test('since another one takes its place is refused, with the line that keeps it; said on purpose it goes, and back', async () => {
    const host = await machine()
    const [old, other] = [`${host.app}-uploads`, `${host.app}-files`]
    await using _ = named(old)
    await using __ = named(other)
    const { release } = await deployTo(host, image(), { version: 'one', services: uploads(old) })
    await docker('exec', `${host.app}.test.worker.${release}`, 'touch', '/srv/uploads/precious')
    const error = await failureOf(deployTo(host, image(), { version: 'two', services: uploads(other) }))
    expect(error).toMatchObject({ code: 'HOST_UNFIT' })
    expect(error.message).toContain(`worker would no longer have what is in the volume ${old}: at /srv/uploads it would find ${other}`)
    expect(error.hint).toContain(`"${old}:/srv/uploads"`)
    expect(error.hint).toContain(`leave-behind: [${old}]`)
    expect(await running(host)).toEqual([`worker ${release}`])

    const gone = await failureOf(deployTo(host, image(), { version: 'two', services: [worker] }))
    expect(gone.message).toContain(`nothing would have the volume ${old} any more, which worker has at /srv/uploads`)
    // Nothing is lost where it is found elsewhere.
    const moved = [worker, { name: 'ftp', volumes: [`${old}:/home`] }]
    await deployTo(host, image(), { version: 'moved', services: moved })
    await deployTo(host, image(), { version: 'meant', services: uploads(other), more: { leaveBehind: [old] } })
    await rollBack(host, moved)
    const kept = (await host.containers()).find((one) => one.service === 'ftp' && one.state === 'running')
    expect(await docker('exec', kept?.name ?? '', 'ls', '/home')).toBe('precious')
  }, 120_000)
})

describe('a volume that nobody has named, for a VOLUME of the image', () => {
  test('is told of with the first release; it is refused to leave what was written there, and not what the image has put there', async () => {
    const host = await machine({ more: ['tar'] })
    const seeded = ['RUN ["/bin/sh", "-c", "mkdir /seed && echo seed > /seed/file"]', 'VOLUME /data /seed']
    const declaring = await pushAnother(image(), 'declares', seeded.join('\n'))
    const warnings: string[] = []
    const deploying = (version: string, more: Partial<Wish> = {}): ReturnType<typeof deployTo> =>
      deployTo(host, declaring, { version, services: [worker], onWarning: (line) => warnings.push(line), ...more })
    try {
      await deploying('one')
      expect(warnings.filter((line) => line.includes('VOLUME')).toSorted()).toEqual([
        expect.stringContaining(`VOLUME at /data, and no volume has a name there: each release begins with a new one`),
        expect.stringContaining(`volumes: ["${host.app}-test-worker-seed:/seed"]`),
      ])
      const { release } = await deploying('two')
      await docker('exec', `${host.app}.test.worker.${release}`, 'touch', '/data/precious')

      const error = await failureOf(deploying('three'))
      expect(error).toMatchObject({ code: 'HOST_UNFIT' })
      expect(error.message).toContain('what worker has written to /data would be left behind')
      expect(error.message).not.toContain('/seed')
      expect(await running(host)).toEqual([`worker ${release}`])
      const [, itself = ''] = /or without a copy: volumes: \["([0-9a-f]{64}:\/data)"\]/.exec(error.hint ?? '') ?? []

      const kept = await deploying('three', { services: [{ ...worker, volumes: [itself] }] })
      expect(await docker('exec', `${host.app}.test.worker.${kept.release}`, 'ls', '/data')).toBe('precious')
      const left = await deploying('four', { more: { leaveBehind: [itself.slice(0, 64)] } })
      expect(await docker('exec', `${host.app}.test.worker.${left.release}`, 'ls', '/data')).toBe('')
      expect(warnings.filter((line) => line.includes('VOLUME'))).toHaveLength(2)
    } finally {
      await removeImage(declaring)
    }
  }, 240_000)
})
