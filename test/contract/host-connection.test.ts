import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, inject, test } from 'vitest'
import { docker } from '../../lab/run.ts'
import { openFolder } from './support/folder.ts'
import { type HostUnderTest, labHost } from './support/host.ts'
import { failureOf, useHosts } from './support/hosts.ts'
import { deployTo, web, type Wish } from './support/release.ts'
import { shop } from './support/shop.ts'
import { knownAs, labKey, portOf, realSsh, settings } from './support/ssh.ts'
import { type Door, openDoor } from './support/tcp.ts'

const lab = inject('lab')
const { image } = useHosts()

/** A host of the lab, by the way of real SSH through a door that can be shut. */
async function behindDoor(
  suite: string,
  user = 'deploy',
): Promise<{ machine: HostUnderTest; door: Door; wish: (of?: Partial<Wish>) => Wish } & AsyncDisposable> {
  const folder = await openFolder()
  const door = await openDoor({ port: portOf(suite) })
  const knownHosts = join(folder.path, 'known_hosts')
  writeFileSync(knownHosts, knownAs(suite, `[127.0.0.1]:${door.port}`))
  const machine = labHost(lab.hosts[suite]?.container ?? '', user === 'deploy' ? user : 'root', 8098)
  const address = `${user}@127.0.0.1:${door.port}`
  const over = { address, ssh: realSsh(), key: labKey(), settings: settings({ knownHosts, connectTimeoutMs: 3000 }) }
  const services = [web(machine, { health: { kind: 'http', path: '/', intervalMs: 100, timeoutMs: 20_000, settleMs: 2000 } })]
  return {
    machine,
    door,
    wish: (of = {}) => ({ version: 'one', services, over, ...of }),
    async [Symbol.asyncDispose]() {
      await door[Symbol.asyncDispose]()
      await machine[Symbol.asyncDispose]()
      await folder[Symbol.asyncDispose]()
    },
  }
}

/** Does something at the first line that matches. */
function once(pattern: RegExp, act: () => void): (line: string) => void {
  let done = false
  return (line) => {
    if (done || !pattern.test(line)) return
    done = true
    act()
  }
}

describe('a connection that breaks while the program on the host is at work', () => {
  test('is made again, and the deploy is followed to its end, each step told once', async () => {
    await using there = await behindDoor('forky')
    const said: string[] = []
    const drop = once(/run web: done/, () => there.door.drop())
    const deployed = await deployTo(there.machine, image(), there.wish({ onInfo: (line) => (said.push(line), drop(line)) }))
    expect(deployed.services[0]?.health).toBe('http://127.0.0.1:8098/ 200')
    expect(there.door.count).toBe(2)
    expect(said.filter((line) => /run web: done|healthy web: done/.test(line))).toHaveLength(2)
    expect(await there.machine.answer()).toBe('one')
  })

  test('is made again, and a deploy that failed meanwhile is told as such', async () => {
    await using there = await behindDoor('bookworm')
    await deployTo(there.machine, image(), there.wish())
    const health = { kind: 'http' as const, path: '/', intervalMs: 100, timeoutMs: 2000, settleMs: 0 }
    const services = [web(there.machine, { env: { MODE: 'sick' }, health })]
    const onInfo = once(/run web: done/, () => there.door.drop())
    const error = await failureOf(deployTo(there.machine, image(), there.wish({ version: 'two', services, onInfo })))
    expect(error).toMatchObject({ code: 'DEPLOY_ROLLED_BACK', hint: expect.stringContaining('answered 404') })
    expect(await there.machine.answer()).toBe('one')
  })

  test('and cannot be made again leaves the outcome open: the error says so, and what was heard last', async () => {
    await using there = await behindDoor('forky')
    const onInfo = once(/run web: done/, () => there.door.cut())
    const error = await failureOf(deployTo(there.machine, image(), there.wish({ onInfo, hurry: true })))
    expect(error).toMatchObject({ code: 'DEPLOY_UNKNOWN', message: expect.stringContaining('could not be made again') })
    // Whichever of the two it had heard when the line was cut.
    expect(error.hint).toMatch(/Last heard of: web (run done|healthy start)\./)
    expect(error.hint).toContain('launchway status')
    await expect.poll(() => there.machine.answer(), { timeout: 20_000 }).toBe('one')
  })
})

describe('a login manager that ends what a login leaves behind', () => {
  const container = lab.hosts['bookworm']?.container ?? ''
  const asRoot = (text: string): Promise<string> => docker('exec', container, 'sh', '-euc', text)
  const file = '/etc/systemd/logind.conf.d/launchway-test.conf'
  const units = '/etc/systemd/system'
  const impatient = `${units}/session-.scope.d/launchway-test.conf ${units}/user@.service.d/launchway-test.conf`
  const openSessions = `loginctl list-sessions --no-legend | while read -r id _; do
    loginctl show-session "$id" --property=State --value 2> /dev/null | grep -vx closing || true
  done`
  // systemd counts restarts, and refuses the sixth within ten seconds.
  const restart = 'systemctl reset-failed systemd-logind; systemctl restart systemd-logind'

  /** With a login manager that registers SSH logins, which the lab's hosts do not have from the start. */
  async function sweeping(): Promise<AsyncDisposable> {
    await asRoot(`
      mkdir -p /etc/systemd/logind.conf.d
      printf '[Login]\\nKillUserProcesses=yes\\nUserStopDelaySec=0\\n' > ${file}
      # In a container systemd may not see the end of what it has ended, and waits for it for a minute and a half.
      mkdir -p ${units}/session-.scope.d ${units}/user@.service.d
      printf '[Scope]\\nTimeoutStopSec=2s\\n[Service]\\nTimeoutStopSec=2s\\n' | tee ${impatient} > /dev/null
      systemctl daemon-reload
      ${restart}`)
    return {
      async [Symbol.asyncDispose]() {
        await asRoot(`rm -f ${file} ${impatient}; systemctl daemon-reload; loginctl disable-linger deploy; ${restart}`)
      },
    }
  }

  test('keeps the host from a deploy by a user who may not linger, and doctor says it before', async () => {
    await using _ = await sweeping()
    await using there = await behindDoor('bookworm')
    const refused = await failureOf(deployTo(there.machine, image(), there.wish()))
    expect(refused).toMatchObject({ code: 'HOST_UNFIT', message: expect.stringContaining('KillUserProcesses') })
    expect(refused.hint).toContain('loginctl enable-linger')
    await using asking = await shop(image, [['bookworm', 'deploy']])
    const { code, out } = await asking.launchway(['doctor'])
    expect(code).toBe(1)
    expect(out).toMatch(/error: \S+: the login manager ends what a login leaves behind \(KillUserProcesses\)\n.*\n.*loginctl enable-linger/)
  })

  test('that does not answer keeps nobody from deploying', async () => {
    await asRoot("printf '#!/bin/sh\\nsleep 300\\n' > /usr/local/bin/busctl; chmod +x /usr/local/bin/busctl")
    try {
      await using there = await behindDoor('bookworm')
      await deployTo(there.machine, image(), there.wish())
      expect(await there.machine.answer()).toBe('one')
    } finally {
      await asRoot('rm /usr/local/bin/busctl')
    }
  })

  test.each(['deploy', 'ops'])('does not end the program of %s, who may linger or sudo, with its connection', async (user) => {
    await using _ = await sweeping()
    await using there = await behindDoor('bookworm', user)
    await asRoot('loginctl enable-linger deploy')
    const onInfo = once(/run web: done/, () => there.door.cut())
    const lost = await failureOf(deployTo(there.machine, image(), there.wish({ onInfo, hurry: true })))
    expect(lost.code).toBe('DEPLOY_UNKNOWN')
    // In a container systemd may not see the end of a session that it has closed.
    await expect.poll(() => asRoot(openSessions), { timeout: 60_000 }).toBe('')
    await expect
      .poll(() => there.machine.ask(`tail -n 1 '${there.machine.stateRoot}'/*/*/journal.jsonl`), { timeout: 30_000 })
      .toContain('"step":"end","state":"done"')
  })
})
