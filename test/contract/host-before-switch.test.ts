import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, inject, test } from 'vitest'
import { placesOf } from '../support/places.ts'
import type { HostUnderTest } from './support/host.ts'
import { failureOf, pathsOf, running, stepsOf, useHosts } from './support/hosts.ts'
import { back, release, sh } from './support/lifecycle.ts'
import { hostAt, journalAt } from './support/place.ts'
import { pushTestImage, removeImage, web } from './support/release.ts'

const { image, machine } = useHosts()

describe('the command before the switch', () => {
  test.for(placesOf('bookworm, busybox', 'trixie, docker group', 'forky, sudo only'))(
    'on $name, runs once in the new image with what the service has, while the old version serves, and its words are shown and kept',
    { tags: ['hooks'] },
    async (place) => {
      await using host = await hostAt(place)
      const network = `${host.app}-data`
      const services = [
        web(host, {
          secrets: ['KEY'],
          user: '0:8',
          volumes: [`${host.app}:/data`],
          networks: [`${host.app}-front`, network],
          env: { NAME: "it's" },
        }),
      ]
      await release(host, image(), { version: 'one', services, secrets: { KEY: 'first' } })
      const said: string[] = []
      const script =
        'echo "$VERSION $KEY $NAME $(id -u):$(id -g)"; ls -d /data; ip addr | grep -c "inet .*eth"; ls /proc/self/fd | tail -n 1'
      const during: string[] = []
      await release(
        host,
        image(),
        {
          version: 'two',
          services,
          secrets: { KEY: 'a"b\n$c' },
          beforeSwitch: [sh(script), sh('echo second')],
          onInfo: (line) => said.push(line),
        },
        {
          onLine: (line) => {
            if (line.includes('"step":"before-switch"')) during.push(line)
            if (line.includes('"step":"stop","state":"start"')) during.push('stop')
          },
        },
      )
      const words = said.flatMap((line) => /^host: before-switch web \| (.*)$/.exec(line)?.[1] ?? [])
      expect(words.slice(0, 5)).toEqual(['two a"b', "$c it's 0:8", '/data', '2', expect.any(String)])
      expect(words.at(-1)).toBe('second')
      const stops = during.indexOf('stop')
      expect(stops).toBeGreaterThan(0)
      expect(during.slice(stops).filter((one) => one !== 'stop')).toEqual([])
      expect(await host.answer()).toBe('two')
      expect((await host.containers()).map(({ service }) => service)).toEqual(['web', 'web'])
      const kept = await host.ask(`cat '${pathsOf(host).home}'/releases/*/before-switch.log`)
      expect(kept).toContain("$c it's 0:8")
      expect(await host.ask(`stat -c %a '${pathsOf(host).home}'/releases/*/before-switch.log`)).toBe('600')
      await host.ask(`docker rm --force $(docker ps --all --quiet --filter volume=${host.app}) && docker volume rm ${host.app}`)
    },
  )

  test.for(placesOf('bookworm, sudo only', 'trixie, busybox', 'forky, docker group'))(
    'on $name, that fails is RELEASE_COMMAND_FAILED with its last words: nothing was stopped, started or left behind',
    { tags: ['hooks'] },
    async (place) => {
      await using host = await hostAt(place)
      const { release: first } = await release(host, image(), { version: 'one' })
      const error = await failureOf(
        release(host, image(), { version: 'two', beforeSwitch: [sh('echo altering; echo "column is there" >&2; exit 3')] }),
      )
      expect(error).toMatchObject({ code: 'RELEASE_COMMAND_FAILED', message: 'web: before-switch failed on host; nothing was changed' })
      expect(error.hint).toContain('it ended with exit code 3')
      expect(error.hint).toContain('column is there')
      expect(await host.answer()).toBe('one')
      expect(await running(host)).toEqual([`web ${first}`])
      expect(await host.containers()).toHaveLength(1)
      const journal = await journalAt(host)
      expect(journal.filter(({ step }) => step === 'stop' || step === 'downtime')).toEqual([])
      expect(journal.some(({ state, service, note }) => state === 'says' && service === 'web' && note?.includes('altering'))).toBe(true)
    },
  )

  test('that hangs is ended at its timeout, and says so', async () => {
    const host = await machine()
    await release(host, image(), { version: 'one' })
    const error = await failureOf(
      release(host, image(), { version: 'two', beforeSwitch: [sh('echo waiting for a lock; exec sleep 600', 1000)] }),
    )
    expect(error).toMatchObject({ code: 'RELEASE_COMMAND_FAILED' })
    expect(error.hint).toMatch(/^it was still running after its timeout of 1 s, and was ended\nwaiting for a lock/)
    expect(await host.containers()).toHaveLength(1)
  })

  test('is not run by a rollback, nor again for a release that is live', async () => {
    const host = await machine()
    const beforeSwitch = [sh('echo migrated')]
    const times = (): number => stepsOf(host).filter((step) => step === 'before-switch done').length
    await release(host, image(), { version: 'one', beforeSwitch })
    const two = await release(host, image(), { version: 'two', beforeSwitch })
    expect(times()).toBe(2)
    await release(host, image(), { version: 'two', beforeSwitch, id: two.release })
    expect(times()).toBe(2)
    await back(host)
    expect(times()).toBe(2)
    expect(await host.answer()).toBe('one')
  })

  test.for(placesOf('bookworm, docker group', 'trixie, sudo only', 'forky, root', 'trixie, busybox'))(
    'on $name, kamal#1163: asks no registry again, whose login is forgotten by then',
    { tags: ['kamal#1163'] },
    async (place) => {
      const { address, username, password } = inject('lab').secureRegistry
      const guarded = await pushTestImage(address, { username, password })
      await removeImage(guarded)
      await using host = await hostAt(place)
      const said: string[] = []
      await release(host, guarded, {
        version: 'one',
        login: { username, password },
        beforeSwitch: [sh('echo migrated')],
        onInfo: (line) => said.push(line),
      })
      expect(said).toContain('host: before-switch web | migrated')
      expect(await host.answer()).toBe('one')
    },
  )

  test('of a program that was killed goes on and holds no lock; the next deploy waits for its end, and runs it anew', async () => {
    const host = await machine()
    await release(host, image(), { version: 'one' })
    const beforeSwitch = [sh('echo begun; sleep 4; echo through')]
    const ended = release(
      host,
      image(),
      { version: 'two', beforeSwitch },
      {
        onLine: (line) => {
          if (!line.includes('begun')) return
          for (const pid of pidsOf(host)) process.kill(pid, 'SIGKILL')
        },
      },
    )
    expect(await failureOf(ended)).toMatchObject({ code: 'DEPLOY_UNKNOWN' })
    const task = await host.ask(`docker ps --filter label=launchway.app=${host.app} --filter label=launchway.task --format '{{.Names}}'`)
    expect(task).toMatch(/\.before-switch-1$/)
    expect(await host.answer()).toBe('one')
    // Nobody waits for the lock: the program that held it is gone, and what it started has none of its files open.
    await host.ask(`flock -n '${pathsOf(host).lock}' sh -c :`)
    const said: string[] = []
    await release(host, image(), { version: 'three', beforeSwitch: [sh('echo migrated')], onInfo: (line) => said.push(line) })
    const told = said.flatMap((line) => /^host: (?:recover|before-switch web) \| (.*)$/.exec(line)?.[1] ?? [])
    expect(told.map((line) => line.replace(/release \S+/, 'release …').replace(/for \d+ s/, 'for … s'))).toEqual([
      'waits until the before-switch command of the interrupted release … has ended, for … s at most',
      `on this host: docker logs --follow ${task} shows it, docker stop ${task} ends it`,
      'the before-switch command of the interrupted release … ended with exit code 0',
      'begun',
      'through',
      'migrated',
    ])
    expect(await host.answer()).toBe('three')
    expect(await host.ask(`docker ps --all --quiet --filter name=${task}`)).toBe('')
  })
})

function pidsOf(host: HostUnderTest): number[] {
  const { home } = pathsOf(host)
  return [readFileSync(join(home, 'lock.pid'), 'utf8').trim()].map(Number)
}
