import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, inject, it } from 'vitest'
import { z } from 'zod'
import { root } from '../../lab/paths.ts'
import { docker } from '../../lab/run.ts'
import { application, newRepository } from './support/repository.ts'
import { bareEnvironment, type Ended, launchway, run } from './support/programs.ts'

const lab = inject('lab')
const scratch = mkdtempSync(join(tmpdir(), 'launchway-machine-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

/** No registry answers there: what npm meets on a machine that is cut off. */
const cutOff = { npm_config_registry: 'http://127.0.0.1:9/', npm_config_fetch_retries: '0' }

const Lock = z.looseObject({ packages: z.record(z.string(), z.looseObject({ version: z.string().optional() })) })

/** This project with two of its packages: with all of them these tests themselves run. */
function fewPackages(): Record<string, string> {
  const lock = Lock.parse(JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')))
  const few = ['yaml', 'zod'].map((name) => ({ name, path: `node_modules/${name}`, of: lock.packages[`node_modules/${name}`] }))
  const dependencies = Object.fromEntries(few.map(({ name, of }) => [name, of?.version]))
  const project = { name: 'few', version: '0.0.0', dependencies }
  const packages = { '': project, ...Object.fromEntries(few.map(({ path, of }) => [path, of])) }
  return { 'package.json': JSON.stringify(project), 'package-lock.json': JSON.stringify({ ...lock, ...project, packages }) }
}

describe('the first command on a machine', () => {
  const project = join(scratch, 'project')
  const env: Record<string, string> = { ...bareEnvironment(), LAUNCHWAY_CACHE: join(scratch, 'cache') }
  const withSh = (extra: Record<string, string>, ...command: string[]): Promise<Ended> =>
    run('sh', ['lab/with.sh', ...command], { cwd: project, env: { ...env, PATH: `${join(scratch, 'old')}:${env['PATH']}`, ...extra } })

  it('whose Node is too old and whose network is down says what it needs', async () => {
    for (const folder of ['project/lab', 'old', 'cache']) mkdirSync(join(scratch, folder), { recursive: true })
    for (const file of ['.npmrc', 'lab/with.sh']) copyFileSync(join(root, file), join(project, file))
    for (const [file, text] of Object.entries(fewPackages())) writeFileSync(join(project, file), text)
    // Says that it is old, and is the Node of this machine for npm.
    const old = `#!/bin/sh\ncase "$*" in *process.versions.node.split*) echo false ;; *) exec '${process.execPath}' "$@" ;; esac\n`
    writeFileSync(join(scratch, 'old/node'), old)
    chmodSync(join(scratch, 'old/node'), 0o755)

    const ended = await withSh(cutOff, 'node', '--version')
    expect(ended.code).toBe(1)
    expect(ended.stderr).toContain('set-up: Node 24')
    expect(ended.stderr).toContain('Check that npm reaches its registry (npm ping), or install Node 24 by hand')
  })

  it('goes on from there once the network is back, and does again what was left half done', async () => {
    mkdirSync(join(project, 'node_modules/zod'), { recursive: true })
    const first = await withSh({}, 'node', '--version')
    expect(first, first.stderr).toMatchObject({ code: 0, stdout: 'v24.21.0\n' })
    expect(existsSync(join(project, 'node_modules/yaml/package.json'))).toBe(true)
    expect(existsSync(join(project, 'node_modules/zod/package.json'))).toBe(true)
    const second = await withSh(cutOff, 'node', '--version')
    expect(second).toEqual({ code: 0, stdout: 'v24.21.0\n', stderr: '' })
  })

  it('waits for another set-up that is under way, and goes on when that has ended', async () => {
    rmSync(join(project, 'node_modules/.set-up'))
    const held = join(scratch, 'held')
    const other = run('flock', [join(scratch, 'cache/set-up.lock'), 'sh', '-c', `touch ${held}; sleep 2; touch ${held}.ended`], {
      cwd: scratch,
      env,
    })
    await expect.poll(() => existsSync(held), { interval: 20 }).toBe(true)
    const ended = await withSh({}, 'ls', `${held}.ended`)
    expect(ended, ended.stderr).toMatchObject({ code: 0, stdout: `${held}.ended\n` })
    expect(ended.stderr).toMatch(/^set-up: another set-up is under way; waiting\nset-up: packages/)
    await other
  })

  it('that has Node, but not the packages, says what it needs as well', async () => {
    rmSync(join(project, 'node_modules/.set-up'))
    const failed = await withSh({ ...cutOff, npm_config_cache: join(scratch, 'no-cache') }, 'true')
    expect(failed.code).toBe(1)
    expect(failed.stderr).toContain('Check that npm reaches its registry: npm ping')
  })
})

interface Machine {
  image: string
  /** Lets the engine of this machine answer there. */
  engine?: boolean
}

/** Runs a program of the project on another machine, where an ordinary user has nothing but this Node. */
async function onMachine({ image, engine = false }: Machine, program: string): Promise<Ended> {
  const socket = '/var/run/docker.sock'
  // Under paths of their own: those of this machine may lead through folders that another user cannot enter.
  const mounts = [[root, '/project'], [join(process.execPath, '../..'), '/node'], ...(engine ? [[socket, socket]] : [])]
  const args = [
    ...['run', '--rm', '--label', `launchway.lab=${lab.name}`, '--user', '1000', '--env', 'HOME=/tmp', '--workdir', '/project'],
    ...['--entrypoint', '/node/bin/node', ...mounts.flatMap(([from, to]) => ['--volume', `${from}:${to}:ro`])],
    ...(engine ? ['--group-add', String(statSync(socket).gid)] : []),
    ...[image, program],
  ]
  return run('docker', args, { cwd: root, env: bareEnvironment() })
}

describe('a machine where set-up may not install anything', () => {
  const host = lab.hosts['trixie']?.container ?? ''
  const imageOfHost = (): Promise<string> => docker('inspect', '--format', '{{.Config.Image}}', host)

  it('without an engine is told how to get one, and every program that is missing', async () => {
    const ended = await onMachine({ image: 'launchway-lab/debian:bookworm' }, 'lab/setup.ts')
    expect(ended.code).toBe(1)
    expect(ended.stderr).toMatch(/debian: .*git.* are not installed\nInstall them with your package manager\./)
    expect(ended.stderr).toContain('What is done stays done: run the same command again when this is mended.')
  })

  it('whose engine is chosen and does not answer is told so, and no other one is installed', async () => {
    const env = { ...bareEnvironment(), DOCKER_HOST: `unix://${join(scratch, 'no.sock')}` }
    const ended = await run(process.execPath, ['lab/setup.ts'], { cwd: root, env })
    expect(ended.code).toBe(1)
    expect(ended.stderr).toMatch(/engine: no Docker engine answers at DOCKER_HOST .*\nStart that engine, or unset DOCKER_HOST/)
    expect(ended.stderr).toMatch(/host:forky +not tried: what it needs is missing/)
  })

  it('whose engine has no buildx is told which package brings it', async () => {
    const ended = await onMachine({ image: await imageOfHost(), engine: true }, 'lab/setup.ts')
    expect(ended.code).toBe(1)
    expect(ended.stderr).toMatch(/engine: docker [\d.+a-z]+ is there, its plugin buildx and compose is not\nInstall docker-buildx-plugin/)
  })
})

describe('launchway on a machine', () => {
  const env = { DOCKER_HOST: `unix://${join(scratch, 'no.sock')}`, XDG_STATE_HOME: scratch }

  it('without an engine says so before anything is built', async () => {
    const repository = await newRepository({
      ...application('one'),
      'launchway.yml': `image: ${lab.registry.address}/machine\nbranches: { master: {} }\nscan: false\n`,
    })
    const ended = await launchway(repository.folder, ['run'], env)
    repository.remove()
    expect(ended.code).toBe(2)
    expect(ended.stderr).toContain('TOOL_MISSING')
    expect(ended.stderr).toContain('DOCKER_HOST')
  })
})
