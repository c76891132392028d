import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { configFile } from '../../src/core/docker-config.ts'
import { Secret } from '../../src/core/secret.ts'
import { containerArgs } from '../../src/deploy/container.ts'
import { planHost } from '../../src/deploy/plan.ts'
import { type Attempt, launchProgram, secretsFile } from '../../src/deploy/program.ts'
import { hostile } from '../support/text.ts'
import { host, nameOf, second, service, wanted } from './support/deploy.ts'

const owner = { app: 'addie', environment: 'production', release: second, slot: 'b' as const }
const image = 'registry.example.org/addie@sha256:0'
const ownLabels = [
  'launchway.app=addie',
  'launchway.environment=production',
  'launchway.service=web',
  'launchway.slot=b',
  `launchway.release=${second}`,
].flatMap((label) => ['--label', label])

describe('the arguments of docker create', () => {
  it.each<[string, Parameters<typeof service>[0], string[], string[]]>([
    ['the least', {}, [], []],
    ['a fixed port', { port: 5000, publish: '0.0.0.0:80' }, ['--publish', '0.0.0.0:80:5000'], []],
    ['variables, then the names of secrets', { env: { A: '1' }, secrets: ['KEY'] }, ['--env', 'A=1', '--env', 'KEY'], []],
    ['volumes', { volumes: ['data:/data', '/etc/x:/x:ro'] }, ['--volume', 'data:/data', '--volume', '/etc/x:/x:ro'], []],
    ['the first network', { networks: ['front', 'back'] }, ['--network', 'front', '--network-alias', 'web'], []],
    ['a network that knows no names', { networks: ['host'] }, ['--network', 'host'], []],
    [
      'rights',
      { user: '1000:1000', capAdd: ['NET_ADMIN'], capDrop: ['ALL'], groupAdd: ['docker'], privileged: true, devices: ['/dev/fuse'] },
      [
        '--user',
        '1000:1000',
        '--cap-add',
        'NET_ADMIN',
        '--cap-drop',
        'ALL',
        '--group-add',
        'docker',
        '--privileged',
        '--device',
        '/dev/fuse',
      ],
      [],
    ],
    ['limits', { memory: '512m', cpus: 1.5 }, ['--memory', '512m', '--cpus', '1.5'], []],
    [
      'where its log goes',
      { logging: { driver: 'local', options: { 'max-size': '10m' } } },
      ['--log-driver', 'local', '--log-opt', 'max-size=10m'],
      [],
    ],
    ['a command', { command: ['flask', 'run'] }, [], ['flask', 'run']],
    ['an entry point of several words', { entrypoint: ['tini', '--'], command: ['app'] }, ['--entrypoint', 'tini'], ['--', 'app']],
    ['options of the user come last', { options: ['--init', '--hostname=x'] }, ['--init', '--hostname=x'], []],
  ])('%s', (_, of, before, after) => {
    const args = containerArgs(service(of), owner, image)
    const limit = ['--stop-timeout', '10']
    expect(args.slice(0, ownLabels.length)).toEqual(ownLabels)
    expect(args.filter((word, index) => !(word === '--stop-timeout' || args[index - 1] === '--stop-timeout'))).toEqual([
      ...ownLabels,
      ...before,
      image,
      ...after,
    ])
    expect(args.slice(args.indexOf('--stop-timeout')).slice(0, 2)).toEqual(limit)
  })

  it('the time to stop is whole seconds, and never less than was asked for', () => {
    expect(containerArgs(service({ stopTimeoutMs: 1_500, stopSignal: 'SIGQUIT' }), owner, image).join(' ')).toContain(
      '--stop-signal SIGQUIT --stop-timeout 2',
    )
  })

  it('labels of the user cannot claim the container for another release', () => {
    const args = containerArgs(service({ labels: { 'launchway.release': 'other', a: 'b' } }), owner, image)
    expect(args.lastIndexOf(`launchway.release=${second}`)).toBeGreaterThan(args.indexOf('launchway.release=other'))
  })

  it.each(hostile)('a label, variable, command or volume of %j stays one word', (text) => {
    const args = containerArgs(service({ labels: { l: text }, env: { E: text }, volumes: [text], command: [text] }), owner, image)
    expect(args[args.indexOf('--label') + 1]).toBe(`l=${text}`)
    expect(args[args.indexOf('--env') + 1]).toBe(`E=${text}`)
    expect(args[args.indexOf('--volume') + 1]).toBe(text)
    expect(args.slice(args.indexOf(image))).toEqual([image, text])
  })
})

describe('secrets', () => {
  const secrets = new Map([['TOKEN', new Secret('s3cret-value')]])
  const attempt: Attempt = {
    ...{ app: 'addie', environment: 'production', stateRoot: '/var/lib/launchway' },
    ...{ release: second, attempt: '0f', slot: 'a', keep: 5, by: 'ada' },
  }
  const parcel = { name: 'secrets', mode: '0600', body: secretsFile(secrets) } as const

  it('stand in the program on standard input alone, which cannot be printed', () => {
    const program = launchProgram(attempt, [parcel])
    expect(program.reveal()).toContain('s3cret-value')
    expect(`${String(program)} ${JSON.stringify({ program, parcel })} ${inspect({ program, parcel }, { depth: 9 })}`).not.toContain(
      's3cret',
    )
  })

  it('are names in every call that the host performs', () => {
    const { calls } = planHost(wanted([service({ secrets: ['TOKEN'] })]), host(), 'a')
    const run: readonly string[] = calls.find(([name]) => name === 'create') ?? []
    expect(run.slice(0, 3)).toEqual(['create', 'web', nameOf('web', second)])
    expect(run[run.indexOf('--env') + 1]).toBe('TOKEN')
  })

  it('logins are written as docker reads them, and Docker Hub has its old name there', () => {
    const password = new Secret('p:w"d')
    const logins = configFile(
      new Map([
        ['docker.io', { username: 'ci', password }],
        ['registry.example.org:5000', { username: 'ci', password }],
      ]),
    )
    const auth = Buffer.from('ci:p:w"d').toString('base64')
    expect(JSON.parse(logins.reveal())).toEqual({
      auths: { 'https://index.docker.io/v1/': { auth }, 'registry.example.org:5000': { auth } },
    })
  })

  it('a file that holds the mark of its own end is refused, not cut', () => {
    const body = `a\nLW_END_${attempt.attempt}\nrm -rf /\n`
    expect(() => launchProgram(attempt, [{ name: 'images', mode: '0644', body }])).toThrow('end mark')
  })
})
