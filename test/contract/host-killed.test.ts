import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { failureOf, pathsOf, running, stepsOf, useHosts } from './support/hosts.ts'
import { deployTo, web } from './support/release.ts'

const { image, machine } = useHosts()

describe.each([
  ['dash', { name: 'dash', shell: 'dash', probe: 'curl' }],
  ['busybox', { name: 'busybox', shell: 'busybox', probe: 'wget' }],
] as const)('a program that is killed, with %s', (_, toolbox) => {
  /** Has the program killed as it writes a line, and nothing else. */
  async function killedAt(line: RegExp, settleMs: number) {
    const host = await machine(toolbox)
    const one = await deployTo(host, image(), { version: 'one', services: [web(host)] })
    const kill = (text: string): void => {
      if (line.test(text)) process.kill(Number(readFileSync(join(pathsOf(host).home, 'lock.pid'), 'utf8')), 'SIGKILL')
    }
    const services = [web(host, { health: { kind: 'http', path: '/', intervalMs: 100, timeoutMs: 60_000, settleMs } })]
    return { host, one, deploying: deployTo(host, image(), { version: 'two', services }, { onLine: kill }) }
  }

  test('before its release is recorded: what was stopped for the port serves again, and the client is told why', async () => {
    const { host, one, deploying } = await killedAt(/"step":"healthy","state":"start"/, 60_000)
    const error = await failureOf(deploying)
    expect(error).toMatchObject({ code: 'DEPLOY_ROLLED_BACK', message: `web: healthy failed on host; release ${one.release} serves` })
    expect(error.hint).toContain('was ended from outside')
    expect(await host.answer()).toBe('one')
    expect(await running(host)).toEqual([`web ${one.release}`])
    expect(stepsOf(host).at(-1)).toBe('end undone')
    expect(existsSync(join(pathsOf(host).home, 'attempts')) && (await host.ask(`ls ${pathsOf(host).home}/attempts`))).toBe('')
    await deployTo(host, image(), { version: 'three', services: [web(host)] })
    expect(await host.answer()).toBe('three')
  })

  test('once its release is recorded: that is live, and the deploy well', async () => {
    const { host, deploying } = await killedAt(/"step":"record","state":"done"/, 0)
    const { release } = await deploying
    expect(await host.answer()).toBe('two')
    expect(await running(host)).toEqual([`web ${release}`])
    expect(stepsOf(host).at(-1)).toBe('end done')
  })

  test('with all that watches over it, as it starts again what had ended of the release that is live: the next deploy of that sees to it that a reboot brings it back', async () => {
    const host = await machine(toolbox)
    const services = [web(host)]
    const { release: id } = await deployTo(host, image(), { version: 'one', services })
    const name = `${host.app}.test.web.${id}`
    const policy = (): Promise<string> =>
      host.ask(`docker inspect --format '{{.State.Status}} {{.HostConfig.RestartPolicy.Name}}' ${name}`).then((text) => text.trim())
    await host.ask(`docker stop ${name}`)
    const onLine = (text: string): void => {
      if (!/"step":"healthy","state":"start"/.test(text)) return
      const program = readFileSync(join(pathsOf(host).home, 'lock.pid'), 'utf8').trim()
      const [, supervisor = ''] = readFileSync(`/proc/${program}/stat`, 'utf8')
        .replace(/^.*\) /, '')
        .split(' ')
      for (const pid of [supervisor, program]) process.kill(Number(pid), 'SIGKILL')
    }
    const slow = [web(host, { health: { kind: 'http', path: '/', intervalMs: 100, timeoutMs: 60_000, settleMs: 60_000 } })]
    const error = await failureOf(deployTo(host, image(), { version: 'one', services: slow, id }, { onLine }))
    expect(error).toMatchObject({ code: 'DEPLOY_UNKNOWN' })
    expect(await policy()).toBe('running no')
    await deployTo(host, image(), { version: 'one', services, id })
    expect(await policy()).toBe('running unless-stopped')
  })
})
