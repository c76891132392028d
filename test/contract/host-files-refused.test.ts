import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, inject, onTestFinished, test } from 'vitest'
import { labHost } from './support/host.ts'
import { failureOf, pathsOf, useHosts } from './support/hosts.ts'
import { files, plain, reader, repository, secrets, toolbox, within, write } from './support/mounted.ts'
import { eventually } from './support/processes.ts'
import { deployTo, worker } from './support/release.ts'
import { knownAs, labKey, portOf, realSsh, settings } from './support/ssh.ts'
import { openDoor } from './support/tcp.ts'

const lab = inject('lab')
const { image, machine } = useHosts()

describe('what cannot travel, and what does not arrive', () => {
  test('a connection that breaks in the middle leaves the old version, and the next deploy cleans up', async () => {
    const host = await machine(toolbox)
    const root = repository()
    const wish = { services: [{ ...plain, ...files() }], root }
    await deployTo(host, image(), { ...wish, version: 'one' })
    write(root, 'conf/large', 'x'.repeat(4_000_000))
    const lost = new Error('the connection broke')
    const remote = host.remote()
    const cut: typeof remote = {
      ...remote,
      sh(program, options = {}) {
        const { streams } = options
        if (streams?.input === undefined) return remote.sh(program, options)
        let passed = 0
        streams.input.on('data', (chunk: Buffer) => {
          passed += chunk.length
          if (passed > 50_000) streams.input?.destroy(lost)
        })
        return remote.sh(program, options)
      },
    }
    await expect(deployTo({ ...host, remote: () => cut }, image(), { ...wish, version: 'two' })).rejects.toBe(lost)
    const attempts = join(pathsOf(host).home, 'attempts')
    expect(await within(host, 'ls /etc/conf')).toBe('deep\nsite.conf')
    expect(readdirSync(join(pathsOf(host).home, 'releases'))).toHaveLength(1)

    rmSync(join(root, 'conf/large'))
    write(root, 'conf/site.conf', 'colour = red\n')
    await deployTo(host, image(), { ...wish, version: 'three' })
    expect(readdirSync(attempts)).toEqual([])
    expect(await within(host, 'cat /etc/conf/site.conf')).toBe('colour = red')
  })

  test('an attempt that was killed before it could say whose it is goes with the next deploy', async () => {
    const host = await machine(toolbox)
    await deployTo(host, image(), { version: 'one', services: [worker] })
    const attempts = join(pathsOf(host).home, 'attempts')
    for (const attempt of ['nobody', 'half']) mkdirSync(join(attempts, attempt, 'files'), { recursive: true })
    writeFileSync(join(attempts, 'half/pid'), '')
    await deployTo(host, image(), { version: 'two', services: [worker] })
    expect(readdirSync(attempts)).toEqual([])
  })

  test('one that is just beginning is left alone', async () => {
    const host = await machine(toolbox)
    await deployTo(host, image(), { version: 'one', services: [worker] })
    const { home, journal } = pathsOf(host)
    const attempt = join(home, 'attempts/beginning')
    mkdirSync(attempt)
    // It has its file open, and says whose it is a moment after the next deploy has begun to look.
    const beginning = spawn('sh', [
      '-c',
      'exec 5> "$1/pid"; until [ "$(grep -c \'"step":"lock","state":"done"\' "$2")" = 2 ]; do sleep 0.02; done; sleep 0.3; echo "$$" >&5; sleep 60',
      'sh',
      attempt,
      journal,
    ])
    onTestFinished(() => void beginning.kill('SIGKILL'))
    await eventually(() => existsSync(join(attempt, 'pid')))
    await deployTo(host, image(), { version: 'two', services: [worker] })
    expect(readFileSync(join(attempt, 'pid'), 'utf8').trim()).toBe(String(beginning.pid))
  })

  test('a folder that is not what was planned is refused before anything is touched, unless the host has what was planned', async () => {
    const host = await machine(toolbox)
    const root = repository()
    const wish = { services: [{ ...plain, ...files() }], root }
    await deployTo(host, image(), { ...wish, version: 'one' })
    const [hash = ''] = readdirSync(pathsOf(host).files)
    const before = await host.containers()
    rmSync(join(root, 'conf'), { recursive: true })
    const missing = await failureOf(deployTo(host, image(), { ...wish, version: 'two' }))
    expect(missing).toMatchObject({ code: 'FILES_UNFIT', message: expect.stringContaining('conf is not there') })
    const other = await failureOf(deployTo(host, image(), { ...wish, version: 'two', hashes: { conf: 'f'.repeat(64) } }))
    expect(other).toMatchObject({
      code: 'FILES_UNFIT',
      message: 'conf is not here, and host does not have it either',
      hint: expect.stringContaining('commit abcdef0'),
    })
    expect(await host.containers()).toEqual(before)
    await deployTo(host, image(), { ...wish, version: 'two', hashes: { conf: hash } })
    expect(await within(host, 'cat /etc/conf/site.conf')).toBe('colour = green')
  })

  test('all secrets that texts and variables are made of are missed at once', async () => {
    const host = await machine(toolbox)
    const error = await failureOf(deployTo(host, image(), { version: 'one', services: [reader], root: repository() }))
    expect(error).toMatchObject({ code: 'SECRET_MISSING', message: 'test needs DB_PASSWORD, KEY' })
    expect(existsSync(pathsOf(host).home)).toBe(false)
  })

  test('what others must have made is missed all at once, with what to type', async () => {
    const host = await machine(toolbox)
    const external = { paths: ['/', '/no/such folder'], networks: ['bridge', `${host.app}-net`], volumes: [`${host.app}-data`] }
    const project = { name: 'p', pulled: {}, networks: {}, volumes: {}, external }
    const wish = { version: 'one', services: [plain], project }
    const error = await failureOf(deployTo(host, image(), wish))
    expect(error.code).toBe('HOST_UNFIT')
    expect(error.message).toContain(
      `/no/such folder is not there; the network ${host.app}-net is not there; the volume ${host.app}-data is not there`,
    )
    for (const line of ["mkdir -p '/no/such folder'", `docker network create ${host.app}-net`, `docker volume create ${host.app}-data`])
      expect(error.hint).toContain(line)
    expect(error.message).not.toContain('bridge')
    await host.ask(`docker network create --label launchway.app=${host.app} ${host.app}-net; docker volume create ${host.app}-data`)
    try {
      await deployTo(host, image(), { ...wish, project: { ...project, external: { ...external, paths: ['/'] } } })
    } finally {
      await host.ask(`docker volume rm ${host.app}-data`)
    }
  })
})

describe('over SSH, with an account that has sudo alone', () => {
  test('a large folder is followed, a connection that breaks in the middle changes nothing, and the same again goes through', async () => {
    const root = repository()
    write(root, 'conf/large', randomBytes(30_000_000).toString('latin1').slice(0, 30_000_000))
    const door = await openDoor({ port: portOf('forky') })
    const knownHosts = join(root, 'known_hosts')
    writeFileSync(knownHosts, knownAs('forky', `[127.0.0.1]:${door.port}`))
    await using host = labHost(lab.hosts['forky']?.container ?? '', 'root', 0)
    const said: string[] = []
    let breaks = true
    const onInfo = (line: string): void => {
      said.push(line)
      if (breaks && line.includes(' are sent')) door.drop()
    }
    const over = {
      address: `ops@127.0.0.1:${door.port}`,
      ssh: realSsh(),
      key: labKey(),
      settings: settings({ knownHosts, connectTimeoutMs: 3000 }),
    }
    const wish = { version: 'one', services: [{ ...reader, ...files() }], secrets, root, over, onInfo }
    try {
      const error = await failureOf(deployTo(host, image(), wish))
      expect(error.code).toBe('SSH_UNREACHABLE')
      expect(await host.containers()).toEqual([])
      expect(await host.ask(`ls ${pathsOf(host).home}`)).toBe('attempts')

      breaks = false
      said.length = 0
      await deployTo(host, image(), wish)
      const told = said.filter((line) => / sending | are sent/.test(line)).map((line) => line.replace(/^\S+: /, ''))
      expect(told.join('\n')).toMatch(/^sending conf, \d+ MB(\n\d+ MB of \d+ MB are sent){2,3}$/)
      expect(await within(host, 'cat /etc/conf/site.conf /run/secrets/key; wc -c < /etc/conf/large')).toBe(
        `colour = green\nkey=${secrets.KEY}${readFileSync(join(root, 'conf/large')).length}`,
      )
      expect(await host.ask(`ls ${pathsOf(host).home}/attempts; stat -c '%U %a' ${pathsOf(host).files}`)).toBe('root 700')
    } finally {
      await door[Symbol.asyncDispose]()
    }
  })
})
