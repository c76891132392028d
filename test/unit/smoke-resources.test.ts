import { describe, expect, it } from 'vitest'
import { LaunchwayError } from '../../src/core/error.ts'
import { refuseForeign, refusePortClash, writtenOutside } from '../../src/smoke/resources.ts'
import { ComposeProject } from '../../src/tools/compose.ts'
import { failureIn } from './support/deploy.ts'

/** What is refused, in its words; nothing when nothing is. */
function refusal(call: () => void): string {
  try {
    call()
    return ''
  } catch (error) {
    if (error instanceof LaunchwayError && error.code === 'CONFIG_INVALID') return error.message
    throw error
  }
}

describe('two that want of the machine', () => {
  it.each<[string, object[], object[], string]>([
    [
      'the same port twice',
      [{ target: 80, published: '8080' }],
      [{ target: 81, published: '8080' }],
      'it and ours both publish the port 8080, which one machine has once',
    ],
    [
      'the same port of all addresses and of one',
      [{ target: 80, published: '80' }],
      [{ target: 80, published: '80', host_ip: '127.0.0.1' }],
      'it and ours both publish the port 80, which one machine has once',
    ],
    [
      'a port twice by itself',
      [
        { target: 80, published: '1' },
        { target: 81, published: '1' },
      ],
      [],
      'it publishes the port 1 twice, which one machine has once',
    ],
    [
      'the same port of two addresses',
      [{ target: 80, published: '80', host_ip: '127.0.0.2' }],
      [{ target: 80, published: '80', host_ip: '127.0.0.1' }],
      '',
    ],
    [
      'the same port of two protocols',
      [{ target: 53, published: '53', protocol: 'udp' }],
      [{ target: 53, published: '53', protocol: 'tcp' }],
      '',
    ],
    [
      'the same port of all addresses of both families, each by itself',
      [
        { target: 80, published: '80', host_ip: '0.0.0.0' },
        { target: 80, published: '80', host_ip: '::' },
      ],
      [],
      '',
    ],
    [
      'the same port of all addresses and of those of one family',
      [{ target: 80, published: '80' }],
      [{ target: 80, published: '80', host_ip: '::' }],
      'it and ours both publish the port 80, which one machine has once',
    ],
    [
      'the same port of all addresses of one family and of one of that',
      [{ target: 80, published: '80', host_ip: '::' }],
      [{ target: 80, published: '80', host_ip: '::1' }],
      'it and ours both publish the port 80, which one machine has once',
    ],
    [
      'the same port of one address of each family',
      [{ target: 80, published: '80', host_ip: '127.0.0.1' }],
      [{ target: 80, published: '80', host_ip: '::' }],
      '',
    ],
    [
      'ports that the engine chooses',
      [{ target: 80 }, { target: 80, published: '8000-8010' }],
      [{ target: 80, published: '8000-8010' }],
      '',
    ],
  ])('%s', (_, mine, other, message) => {
    const project = ComposeProject.parse({ services: { it: { image: 'x', ports: mine }, ours: { image: 'y', ports: other } } })
    expect(refusal(() => refusePortClash(project))).toBe(message)
  })
})

describe('what others keep', () => {
  it.each(['secrets', 'configs'])('of %s only those that a swarm has are refused', (kind) => {
    expect(
      failureIn(() => refuseForeign(ComposeProject.parse({ services: {}, [kind]: { a: { name: 'a', external: true } } }))),
    ).toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/the external (secret|config) a, which only a swarm has/),
      hint: expect.stringContaining('a: { external: false, file: ./smoke/a.txt }'),
    })
    expect(refusal(() => refuseForeign(ComposeProject.parse({ services: {}, [kind]: { a: { file: '/a' } } })))).toBe('')
  })
})

describe('what reaches others', () => {
  const of = (service: object, rest: object = {}) => ComposeProject.parse({ services: { it: { image: 'x', ...service } }, ...rest })
  const mounted = (read: object = {}) => ({ volumes: [{ type: 'volume', source: 'share', target: '/share', ...read }] })
  const share = (volume: object) => ({ volumes: { share: volume } })
  const nfs = { driver_opts: { type: 'nfs', o: 'addr=10.0.0.9,rw', device: ':/export' } }

  it.each<[string, ComposeProject, string, string]>([
    [
      'a network that is there already',
      of({ network_mode: 'proxy' }),
      'the service it joins the network proxy, which belongs to no project',
      'it: { network_mode: !reset null }',
    ],
    [
      'a network on a device of the machine',
      of({}, { networks: { lan: { driver: 'macvlan', driver_opts: { parent: 'eth0' } } } }),
      'the network lan is that of the device eth0',
      'lan: { driver: !reset null, driver_opts: !reset null, ipam: !reset null }',
    ],
    [
      'a share of the network',
      of(mounted(), share(nfs)),
      'the volume share is kept elsewhere (nfs)',
      'share: { driver: !reset null, driver_opts: !reset null }',
    ],
    [
      'a share that only its address tells',
      of(mounted(), share({ driver_opts: { o: 'username=a,addr=files.example.org', device: '//files/a', type: 'smb3' } })),
      'the volume share is kept elsewhere (smb3)',
      '!reset null',
    ],
    [
      'the volume of a plugin',
      of(mounted(), share({ driver: 'example/sshfs', driver_opts: { sshcmd: 'a@b:/' } })),
      'the volume share is kept elsewhere (the driver example/sshfs)',
      '!reset null',
    ],
  ])('%s is refused, with what to write instead', (_, project, message, hint) => {
    expect(failureIn(() => refuseForeign(project))).toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(message),
      hint: expect.stringContaining(hint),
    })
  })

  it.each<[string, ComposeProject]>([
    ['a share that is only read, by its options', of(mounted(), share({ driver_opts: { ...nfs.driver_opts, o: 'addr=10.0.0.9,ro' } }))],
    ['a share that is only read, by its mounts', of(mounted({ read_only: true }), share(nfs))],
    ['a share that nobody mounts', of({}, share(nfs))],
    ['a folder, memory, or nothing special', of(mounted(), share({ driver: 'local', driver_opts: { type: 'tmpfs', device: 'tmpfs' } }))],
    ['a network of this kind on no device', of({}, { networks: { lan: { driver: 'macvlan' } } })],
    ['no network', of({ network_mode: 'none' })],
    ['that of the machine', of({ network_mode: 'host' })],
    ['that of another service', of({ network_mode: 'service:it' })],
    ['that of the engine', of({ network_mode: 'bridge' })],
    ['a link to a container of the stack', of({ container_name: 'db-1', external_links: ['db-1:database', 'db-1'] })],
  ])('%s is not', (_, project) => {
    expect(refusal(() => refuseForeign(project))).toBe('')
  })

  it('is told where it may be written to: what is mounted from outside of the repository', () => {
    const bind = (source: string, more: object = {}) => ({ type: 'bind', source, target: '/x', ...more })
    const project = ComposeProject.parse({
      services: {
        a: {
          image: 'x',
          volumes: [bind('/srv/team/data'), bind('/srv/data'), bind('/srv/read', { read_only: true }), bind('/etc/localtime')],
        },
        b: { image: 'x', volumes: [{ type: 'volume', source: 'folder', target: '/y' }] },
        c: { image: 'x', volumes: [{ type: 'volume', source: 'inside', target: '/y' }] },
      },
      volumes: {
        folder: { driver_opts: { type: 'none', o: 'bind', device: '/srv/folder' } },
        inside: { driver_opts: { type: 'none', o: 'bind', device: '/srv/team/inside' } },
      },
    })
    expect(writtenOutside(project, '/srv/team')).toEqual(['a: /srv/data', 'b: /srv/folder'])
  })
})

describe('a service of several containers', () => {
  const several = (more: object) =>
    ComposeProject.parse({ services: { it: { image: 'x', ports: [{ target: 80, published: '80' }], ...more } } })

  it('cannot have one port of the machine for each', () => {
    expect(refusal(() => refusePortClash(several({ scale: 2 })))).toBe(
      'it publishes the port 80 for each of its 2 containers, which one machine has once',
    )
    expect(refusal(() => refusePortClash(several({ scale: 1 })))).toBe('')
  })

  it('may be one of a swarm, which has one port for all of them', () => {
    expect(refusal(() => refusePortClash(several({ deploy: { replicas: 2 } })))).toBe('')
  })
})
