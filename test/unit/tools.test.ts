import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/core/secret.ts'
import { bake, failedLine, inspectBuilder, parseBuilder, parseMetadata } from '../../src/tools/buildx.ts'
import { configFile } from '../../src/core/docker-config.ts'
import { push, pushedDigest } from '../../src/tools/docker.ts'
import { clientConfig, closeMaster, explainSsh, normaliseKey, openMaster, parseAddress, remoteShell } from '../../src/tools/ssh.ts'
import { refusal } from './support/config.ts'

const digest = `sha256:${'0f'.repeat(32)}`

describe('docker', () => {
  test('a configuration holds logins under the names that docker has for registries, and shows none', () => {
    const text = configFile(
      new Map([
        ['docker.io', { username: 'ada', password: new Secret('pa$$:word') }],
        ['registry.example.org:5000', { username: 'ci', password: new Secret('é') }],
        ['azure.example.org', { username: '0000', password: new Secret('refresh'), isIdentity: true }],
      ]),
    )
    expect(JSON.parse(text.reveal())).toEqual({
      auths: {
        'https://index.docker.io/v1/': { auth: 'YWRhOnBhJCQ6d29yZA==' },
        'registry.example.org:5000': { auth: Buffer.from('ci:é').toString('base64') },
        // As docker writes it: the name without a password.
        'azure.example.org': { auth: Buffer.from('0000:').toString('base64'), identitytoken: 'refresh' },
      },
    })
    expect(String(text)).toBe('***')
  })

  test.each([
    ['with the login and the engine of the user', {}, {}],
    ['with the login of this run', { config: '/tmp/config' }, { DOCKER_CONFIG: '/tmp/config' }],
    [
      "with the login of this run, to the engine of the user's context",
      { config: '/tmp/config', host: 'unix:///run/user/1000/docker.sock' },
      { DOCKER_CONFIG: '/tmp/config', DOCKER_HOST: 'unix:///run/user/1000/docker.sock' },
    ],
  ])('a push %s', (_, client, env) => {
    const command = push('ghcr.io/team/app:1', client)
    expect([command.file, command.args, command.env]).toEqual(['docker', ['push', 'ghcr.io/team/app:1'], env])
  })

  test.each([
    ['the line that docker ends with', `273f1f6be5ec: Pushed\nmain: digest: ${digest} size: 522\n`, digest],
    ['nothing where it says none', '273f1f6be5ec: Pushed\n', undefined],
    ['nothing where it is cut short', 'main: digest: sha256:0f0f size: 522\n', undefined],
  ])('the digest of a push is read from %s', (_, stdout, expected) => {
    expect(pushedDigest(stdout)).toBe(expected)
  })
})

describe('buildx', () => {
  const target = { context: '.', dockerfile: 'Dockerfile', args: {}, labels: {}, tags: [], output: [] }

  test('bake reads its definition from standard input and adds no attestation', () => {
    const command = bake({ group: { default: { targets: ['app'] } }, target: { app: target } }, '/tmp/metadata.json', '/srv')
    expect(command).toMatchObject({ file: 'docker', cwd: '/srv' })
    expect(command.args).toEqual(
      'buildx bake --file - --metadata-file /tmp/metadata.json --progress rawjson --provenance=false --sbom=false'.split(' '),
    )
  })

  // test/contract/buildx.test.ts shows that bake reads these back as they were written.
  test.each([
    ['${HOME}', '$${HOME}'],
    ['$${HOME}', '$$${HOME}'],
    ['%{ if true }', '%%{ if true }'],
    ['$HOME 100% $$ {}', '$HOME 100% $$ {}'],
    ['"quoted"\n', '"quoted"\n'],
  ])('%j stands in the definition as %j, in names as in values', (text, written) => {
    const { stdin } = bake({ group: { default: { targets: ['app'] } }, target: { app: { ...target, args: { [text]: text } } } }, 'm', '.')
    expect(JSON.parse(String(stdin))).toMatchObject({ target: { app: { args: { [written]: written } } } })
  })

  test('the builder in use and its driver', () => {
    expect(inspectBuilder().args).toEqual(['buildx', 'inspect'])
    const said =
      'Name:          default\nDriver:        docker\nLast Activity: 2026-11-21 10:00:00 +0000 UTC\n\nNodes:\nName:      other\nEndpoint:  other\n'
    expect(parseBuilder(said)).toEqual({ name: 'default', driver: 'docker' })
    expect(parseBuilder('')).toEqual({ name: '', driver: '' })
  })

  test('the digests of a target', () => {
    const other = `sha256:${'1e'.repeat(32)}`
    const text = JSON.stringify({
      web: { 'containerimage.config.digest': digest, 'containerimage.digest': other, 'buildx.build.ref': 'x' },
      worker: {},
    })
    expect(parseMetadata(text, 'web')).toEqual({ 'containerimage.config.digest': digest, 'containerimage.digest': other })
    for (const name of ['worker', 'nowhere']) expect(() => parseMetadata(text, name)).toThrow(/invalid_type/)
    expect(() => parseMetadata('[]', 'web')).toThrow(/record/)
  })

  test.each<[string, string, object | undefined]>([
    [
      'an instruction that failed',
      '#5 ERROR: x\n------\n > [1/1] COPY nothere /:\n------\nMy.Dockerfile:2\n--------------------\n   1 |     FROM scratch\n   2 | >>> COPY nothere /\n   3 |     \n--------------------\nERROR: failed to solve: x',
      { file: 'My.Dockerfile', line: 2, text: 'COPY nothere /' },
    ],
    [
      'an instruction of several lines',
      'Dockerfile:10\n--------------------\n   9 |     \n  10 | >>> RUN a && \\\n  11 | >>>     b\n  12 |     \n--------------------\nERROR: x',
      { file: 'Dockerfile', line: 10, text: 'RUN a && \\' },
    ],
    [
      'a name with a space',
      'my file:1\n--------------------\n   1 | >>> BOGUS\n--------------------\n',
      { file: 'my file', line: 1, text: 'BOGUS' },
    ],
    ['a failure without a place', 'ERROR: failed to solve: granting entitlement\n', undefined],
    ['a program of the build that prints a place', '#7 0.2 Dockerfile:3\n#7 0.2 ----\n', undefined],
  ])('the place of %s', (_, output, place) => {
    expect(failedLine(output)).toEqual(place)
  })
})

describe('ssh', () => {
  const files = { config: '/tmp/c', control: '/tmp/s', log: '/tmp/l' }
  const settings = { key: 'SSH_KEY', connectTimeoutMs: 1_500 }

  test.each([
    ['host', { host: 'host' }],
    ['deploy@host.example.org', { user: 'deploy', host: 'host.example.org' }],
    ['deploy@host:2222', { user: 'deploy', host: 'host', port: 2222 }],
    ['[2001:db8::1]', { host: '2001:db8::1' }],
    ['root@[2001:db8::1]:22', { user: 'root', host: '2001:db8::1', port: 22 }],
  ])('the address %s', (address, parts) => {
    expect(parseAddress(address)).toEqual(parts)
  })

  test('the connection that the others share, and its end', () => {
    const address = parseAddress('deploy@host:2222')
    const common = ['-F', '/tmp/c', '-o', 'ControlPath=/tmp/s', '-l', 'deploy', '-p', '2222']
    expect(openMaster(address, { ...settings, proxyJump: 'gate' }, files).args).toEqual([
      ...common,
      '-J',
      'gate',
      '-f',
      '-N',
      '-M',
      '-E',
      '/tmp/l',
      '-o',
      'ControlPersist=60',
      '--',
      'host',
    ])
    expect(closeMaster(address, files).args).toEqual([...common, '-O', 'exit', '--', 'host'])
  })

  test.each([
    [false, 'sh -s'],
    [true, 'sudo -n sh -s'],
  ])('the remote command line is constant (sudo: %s)', (sudo, line) => {
    const { args } = remoteShell(parseAddress('host'), settings, files, sudo)
    expect(args).toEqual(['-F', '/tmp/c', '-o', 'ControlPath=/tmp/s', '-T', '-o', 'ControlMaster=no', '--', 'host', line])
  })

  test('the configuration checks host keys and comes before the one of the user', () => {
    const lines = clientConfig(settings, { knownHosts: undefined, key: undefined }).split('\n')
    expect(lines).toContain('StrictHostKeyChecking yes')
    expect(lines).toContain('ConnectTimeout 2')
    expect(lines.filter((line) => /KnownHosts|Identit/.test(line))).toEqual([])
    expect(lines.indexOf('Include ~/.ssh/config')).toBe(lines.length - 3)
  })

  test.each(['a"b', 'a\nProxyCommand id', 'a\rb', 'a\0b'])('the path %j cannot leave its line', (path) => {
    for (const paths of [
      { knownHosts: path, key: undefined },
      { knownHosts: undefined, key: path },
    ])
      expect(refusal(() => clientConfig(settings, paths)).code).toBe('USAGE')
  })

  test.each([
    [
      '@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.',
      'SSH_HOST_KEY',
      'deploy@h:2222 shows another host key than the one in known_hosts',
      'ssh-keyscan -p 2222 h',
    ],
    [
      'No ED25519 host key is known for [h]:2222 and you have requested strict checking.\nHost key verification failed.',
      'SSH_HOST_KEY',
      'the host key of deploy@h:2222 is not in known_hosts',
      'ssh-keyscan -p 2222 h >> .github/known_hosts',
    ],
    ['deploy@h: Permission denied (publickey).', 'SSH_UNREACHABLE', 'deploy@h:2222 refused the key', 'authorized_keys'],
    ['Load key "/tmp/k": error in libcrypto', 'SSH_UNREACHABLE', 'the private key for deploy@h:2222 cannot be read', 'BEGIN and END'],
    [
      'ssh: connect to host h port 2222: Connection refused',
      'SSH_UNREACHABLE',
      'deploy@h:2222 cannot be reached over SSH',
      'Connection refused',
    ],
    ['', 'SSH_UNREACHABLE', 'deploy@h:2222 cannot be reached over SSH', 'ssh said nothing.'],
  ])('what it means that ssh says %j', (stderr, code, message, hint) => {
    const explained = explainSsh(stderr, 'deploy@h:2222')
    expect(explained).toMatchObject({ code, message })
    expect(explained.hint).toContain(hint)
  })

  test.each([
    ['.github/known_hosts', 'Run `mkdir -p .github && ssh-keyscan h >> .github/known_hosts`'],
    ['hosts', 'Run `ssh-keyscan h >> hosts`'],
    ['/etc/ssh/known', 'Run `ssh-keyscan h >> /etc/ssh/known`'],
  ])('an unknown host key goes into the file that counts: %s', (file, hint) => {
    expect(explainSsh('No ED25519 host key is known for h', 'deploy@h', file).hint).toContain(hint)
  })

  test('a private key has its line ends put right, whatever an editor made of them', () => {
    const right = '-----BEGIN KEY-----\nabc\n-----END KEY-----\n'
    const end = fc.constantFrom('\n', '\r\n', '\r')
    fc.assert(
      fc.property(end, fc.array(end), fc.array(fc.constantFrom(' ', '\n', '\r\n')), (newline, tail, head) => {
        const given = `${head.join('')}${right.trim().replaceAll('\n', newline)}${tail.join('')}`
        expect(normaliseKey(given)).toBe(right)
      }),
    )
  })
})
