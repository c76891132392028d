import { chmodSync, writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { ask, call, docker } from '../../lab/run.ts'
import { dockerEngine } from '../../src/adapters/engine.ts'
import type { Engine } from '../../src/core/ports.ts'
import { fakeEngine } from '../fakes/engine.ts'
import { failureOf } from './support/errors.ts'
import { openFolder, setEnv } from './support/folder.ts'

const nobody = `sha256:${'0'.repeat(64)}`
let name = ''
let id = ''
let digest = ''

beforeAll(async () => {
  name = `${inject('lab').registry.address}/contract-engine-${process.pid}`
  const built = await call(
    'docker',
    ['buildx', 'build', '--quiet', '--provenance=false', '--load', '--tag', `${name}:latest`, '--tag', `${name}:v1`, '-'],
    {
      stdin: 'FROM scratch\nWORKDIR /one\nWORKDIR /two\n',
    },
  )
  id = built.stdout.trim()
  await docker('push', '--quiet', `${name}:v1`)
  digest = await docker('image', 'inspect', '--format', '{{index .RepoDigests 0}}', `${name}:v1`)
})
afterAll(async () => {
  await ask('docker', ['image', 'rm', '--force', `${name}:latest`, `${name}:v1`, digest])
})

const worlds: { name: string; open: () => Engine }[] = [
  { name: "this machine's", open: () => dockerEngine() },
  {
    name: 'the fake',
    open: () => {
      const image = { id, platform: 'linux/amd64', size: 0, layers: 2, repoDigests: [digest] }
      return fakeEngine({ [`${name}:latest`]: image, [`${name}:v1`]: image })
    },
  },
]

describe.each(worlds)('engine: $name', ({ open }) => {
  it('says what it is', async () => {
    const { memory, ...info } = await open().info()
    // A fake has none of its own.
    expect(memory === undefined || memory > 100_000_000).toBe(true)
    expect(info).toEqual({
      version: expect.stringMatching(/^\d+\.\d+/),
      apiVersion: expect.stringMatching(/^1\.\d+$/),
      platform: expect.stringMatching(/^linux\/(amd64|arm64)$/),
      containerdStore: expect.any(Boolean),
    })
  })

  it.each([
    ['its tag', () => `${name}:v1`],
    ['its name, which means latest', () => name],
    ['its ID', () => id],
    ['its digest', () => digest],
  ])('finds an image by %s', async (_, reference) => {
    expect(await open().image(reference())).toMatchObject({
      id,
      platform: expect.stringMatching(/^linux\//),
      layers: 2,
      repoDigests: expect.arrayContaining([digest]),
    })
  })

  it.each([
    ['tag', () => `${name}:v2`],
    ['name', () => 'launchway-has-no-such-image'],
    ['ID', () => nobody],
    ['digest', () => `${name}@${nobody}`],
  ])('has no image by an unknown %s', async (_, reference) => {
    expect(await open().image(reference())).toBeUndefined()
  })
})

describe("this machine's engine", () => {
  it('agrees with docker on its version', async () => {
    expect((await dockerEngine().info()).version).toBe(await docker('version', '--format', '{{.Server.Version}}'))
  })

  it.each([
    ['a socket that is not there', 'unix:///no/such/docker.sock', /no Docker engine answers.*ENOENT/],
    ['a port where nobody listens', 'tcp://127.0.0.1:1', /no Docker engine answers.*ECONNREFUSED/],
    ['a host that nobody knows', 'tcp://no-such-host.invalid:2375', /no Docker engine answers.*no-such-host\.invalid/],
  ])('is said to be missing at %s, with what to do', async (_, host, message) => {
    using _env = setEnv({ DOCKER_HOST: host })
    const engine = dockerEngine()
    for (const asked of [engine.info(), engine.image('app')]) {
      expect(await failureOf(asked)).toMatchObject({
        code: 'TOOL_MISSING',
        message: expect.stringMatching(message),
        hint: expect.stringContaining('DOCKER_HOST'),
      })
    }
  })

  it('that ends in the middle of an answer is said to be missing', async () => {
    await using folder = await openFolder()
    const socket = join(folder.path, 'docker.sock')
    const server = createServer((connection) => connection.on('data', () => connection.destroy()).on('error', () => undefined))
    await new Promise<void>((ready) => server.listen(socket, ready))
    using _ = setEnv({ DOCKER_HOST: `unix://${socket}` })
    try {
      expect(await failureOf(dockerEngine().info())).toMatchObject({
        code: 'TOOL_MISSING',
        message: expect.stringContaining('no Docker engine answers'),
      })
    } finally {
      server.close()
    }
  })

  it('that says nothing is not waited for without an end', async () => {
    await using folder = await openFolder()
    const socket = join(folder.path, 'docker.sock')
    const connections = new Set<Socket>()
    const server = createServer((connection) => connections.add(connection))
    await new Promise<void>((ready) => server.listen(socket, ready))
    using _ = setEnv({ DOCKER_HOST: `unix://${socket}` })
    try {
      expect(await failureOf(dockerEngine({ answerMs: 200 }).info())).toMatchObject({
        code: 'TOOL_MISSING',
        message: expect.stringContaining('no Docker engine answers'),
      })
    } finally {
      for (const connection of connections) connection.destroy()
      server.close()
    }
  })

  describe('by docker context', () => {
    /** A configuration of docker's own making, with a context at this address. */
    async function withContext(host: string, env: Record<string, string | undefined>, use: () => Promise<void>): Promise<void> {
      await using folder = await openFolder()
      chmodSync(folder.path, 0o700)
      using _ = setEnv({ DOCKER_CONFIG: folder.path, DOCKER_HOST: undefined, DOCKER_CONTEXT: undefined })
      writeFileSync(join(folder.path, 'config.json'), '{}')
      await docker('context', 'create', 'elsewhere', '--docker', `host=${host}`)
      using _env = setEnv(env)
      if (env['DOCKER_CONTEXT'] === undefined && env['DOCKER_HOST'] === undefined) await docker('context', 'use', 'elsewhere')
      await use()
    }
    const version = async (): Promise<string> => (await dockerEngine().info()).version

    it.each<[string, Record<string, string | undefined>]>([
      ['in use', {}],
      ['of DOCKER_CONTEXT', { DOCKER_CONTEXT: 'elsewhere' }],
    ])('the one %s', async (_, env) => {
      await withContext('unix:///var/run/docker.sock', env, async () => expect(await version()).toMatch(/^\d+\./))
      await withContext('unix:///no/such.sock', env, async () =>
        expect(await failureOf(version())).toMatchObject({ message: expect.stringContaining('/no/such.sock') }),
      )
      await withContext('tcp://127.0.0.1:1', env, async () =>
        expect(await failureOf(version())).toMatchObject({ message: expect.stringContaining('127.0.0.1:1') }),
      )
    })

    it('not against DOCKER_HOST', async () => {
      await withContext('unix:///no/such.sock', { DOCKER_HOST: 'unix:///var/run/docker.sock', DOCKER_CONTEXT: 'elsewhere' }, async () =>
        expect(await version()).toMatch(/^\d+\./),
      )
    })

    it('that is not there, or out of reach, is named', async () => {
      using _ = setEnv({ DOCKER_HOST: undefined, DOCKER_CONTEXT: 'no-such-context' })
      expect(await failureOf(version())).toMatchObject({ code: 'TOOL_MISSING', message: 'there is no docker context no-such-context' })
      await withContext('ssh://deploy@host.example.org', { DOCKER_CONTEXT: 'elsewhere' }, async () =>
        expect(await failureOf(version())).toMatchObject({ code: 'TOOL_MISSING', hint: expect.stringContaining('DOCKER_HOST') }),
      )
    })
  })
})

describe('the files of an image', () => {
  it('are asked for without running it, and nothing of that is left', async () => {
    const one = `${name}-files:v1`
    const dockerfile = 'FROM scratch\nCOPY --from=base / /\nVOLUME /data /more\n'
    await call(
      'docker',
      [
        'buildx',
        'build',
        '--quiet',
        '--provenance=false',
        '--load',
        '--build-context',
        `base=docker-image://${name}:v1`,
        '--tag',
        one,
        '-',
      ],
      { stdin: dockerfile },
    )
    expect(await dockerEngine().filesIn(one, ['/one', '/two/', '/three', '/data'])).toEqual(['/one', '/two/', '/data'])
    expect(await dockerEngine().filesIn(`${name}:none`, ['/one'])).toBeUndefined()
    expect(await docker('ps', '--all', '--quiet', '--filter', 'label=launchway.look', '--filter', `ancestor=${one}`)).toBe('')
    await ask('docker', ['image', 'rm', '--force', one])
  })
})
