import { describe, expect, it } from 'vitest'
import type { Service } from '../../src/core/deployment.ts'
import { containerWarnings } from '../../src/deploy/nginx-container-lacks.ts'
import { type Observation, parseObservation } from '../../src/deploy/observation.ts'
import { planHost } from '../../src/deploy/plan.ts'
import { challengeFolder, challengePath } from '../../src/tools/certbot.ts'
import { failureIn, service, wanted } from './support/deploy.ts'
import { box, boxed, mount, state, web, whole } from './support/edge.ts'
import { conf, names, nginx, seen, server, serverConf } from './support/nginx.ts'

describe('a container that cannot be the way in', () => {
  const secure = service({ port: 1, nginx: { container: 'edge', serverNames: names, tls: { certificate: '/tls/c', key: '/tls/k' } } })
  const stopped = { state: 'stopped' } as const
  it.each<[string, Service, Observation, string, string]>([
    [
      'is not there',
      web,
      boxed({ state: 'gone', mounts: [] }, stopped),
      'there is no container edge',
      `--network host --restart unless-stopped -v ${conf}:${conf}:ro -v ${state}:${state}:ro nginx`,
    ],
    ['does not run', web, boxed({ state: 'exited' }, stopped), 'the container edge is exited', 'docker start edge'],
    ['is paused', web, boxed({ state: 'paused' }, stopped), 'the container edge is paused', 'docker unpause edge'],
    [
      'ends again and again',
      web,
      boxed({ state: 'restarting', isLooping: true }, stopped),
      'the container edge ends again and again',
      'docker logs edge',
    ],
    ['has ended a moment ago', web, boxed({ isLooping: true }), 'the container edge ends again and again', 'docker logs edge'],
    [
      'is in a network of its own',
      web,
      boxed({ network: 'bridge' }),
      'the container edge is in the network bridge',
      '127.0.0.1 is the container itself',
    ],
    ['has no nginx', web, boxed({}, { state: 'missing' }), 'the container edge has no nginx', 'docker exec edge nginx -V'],
    ['has nginx, which does not run', web, boxed({}, { running: false }), 'nginx is not running in the container edge', 'docker logs edge'],
    [
      'reads another configuration',
      web,
      boxed({ started: 'nginx: master process nginx -c /x/nginx.conf ' }),
      'with a configuration of its own: nginx: master process nginx -c /x/nginx.conf',
      'Mount it as /etc/nginx/nginx.conf',
    ],
    ['has a broken one', web, boxed({}, { state: 'broken', said: 'unknown directive' }), 'broken, before this deploy', 'unknown directive'],
    [
      'does not see the state',
      web,
      boxed({ mounts: [mount('/srv/nginx', '/etc/nginx')] }),
      `the container edge does not see ${state}`,
      `start it with -v ${state}:${state}:ro`,
    ],
    [
      'sees files of the state alone',
      web,
      boxed({ mounts: [mount('/srv/nginx', '/etc/nginx'), mount(`${state}/addie/production/slot.b`, '/slot.b')] }),
      `the container edge does not see ${state}`,
      `${state}/addie/production/slot.b: a file that is replaced by a rename`,
    ],
    [
      'has servers of its own',
      web,
      boxed({ mounts: [mount(state)] }),
      `${conf} of the container edge is not the host's`,
      `start it with -v ${conf}:${conf}:ro (docker cp edge:${conf} /etc/nginx/`,
    ],
    [
      'has single files of the host among them',
      web,
      boxed({ mounts: [mount(state), mount('/srv/a.conf', `${conf}/a.conf`)] }),
      `${conf} of the container edge is not the host's`,
      `Mounted alone is ${conf}/a.conf: a file that is replaced by a rename`,
    ],
    [
      'has a folder that was replaced',
      web,
      boxed({ mounts: [mount('/srv/nginx', '/etc/nginx', true), mount(state)] }),
      '/srv/nginx has been replaced since the container edge was started',
      'docker restart edge',
    ],
    [
      'has a folder that nginx cannot be told',
      web,
      boxed({ mounts: [mount('/srv/my nginx', '/etc/nginx'), mount(state)] }),
      'nginx cannot be given the path /srv/my nginx/conf.d',
      'letters',
    ],
    [
      'does not have the certificate',
      secure,
      boxed({}, { absent: ['/tls/k'] }),
      '/tls/k, the certificate or key of',
      '-v /etc/letsencrypt:/etc/letsencrypt:ro',
    ],
    [
      'may not look into the state, of which a part is mounted',
      web,
      boxed({ mounts: [mount('/srv/nginx', '/etc/nginx'), mount(`${state}/addie`)] }, { closed: [`${state}/addie/production`] }),
      `may not look into ${state}/addie/production`,
      'chmod o+x',
    ],
    ['may not look into the state', web, boxed({}, { closed: [`${state}/addie`] }), `may not look into ${state}/addie`, 'chmod o+x'],
  ])('%s', (_, asked, found, what, hint) => {
    const error = failureIn(() => planHost(wanted([asked]), found, 'a'))
    expect(error).toMatchObject({ code: 'HOST_UNFIT' })
    expect(error.message).toContain(what)
    expect(error.hint).toContain(hint)
  })

  it.each<[string, Observation]>([
    ['what nobody needs was replaced', boxed({ mounts: [...whole, mount('/srv/html', '/usr/share/nginx/html', true)] })],
    ['what hides it was not replaced', boxed({ mounts: [mount('/srv', '/etc', true), ...whole] })],
    [
      'a folder above the mount is closed on the host',
      boxed({ mounts: [mount('/', '/host'), ...whole] }, { closed: ['/var/lib', '/var'] }),
    ],
    ['the nginx of the host is not there', boxed({}, {}, { tools: new Set(['docker', 'flock', 'setsid', 'awk', 'curl']) })],
  ])('is none where %s', (_, found) => {
    expect(() => planHost(wanted([web]), found, 'a')).not.toThrow()
  })

  it('is told with everything else that is wrong with it', () => {
    const found = boxed({ state: 'exited', network: 'bridge', mounts: [] }, stopped)
    const { message } = failureIn(() => planHost(wanted([web]), found, 'a'))
    expect(message).toMatch(/is exited; .* network bridge; .* does not see/)
  })

  it('is not what is told where the engine does not answer', () => {
    const found = seen({ engine: undefined, engineSaid: 'is the docker daemon running?', nginx: nginx(stopped) })
    expect(failureIn(() => planHost(wanted([web]), found, 'a')).message).toBe(
      'a cannot take this deploy: the Docker engine does not answer',
    )
  })
})

describe('a container that may fail later', () => {
  it.each<[string, Observation, string[]]>([
    [
      'is not started after a reboot',
      boxed({ restart: 'no' }, {}, { ledBy: 'edge' }),
      ['the restart policy no', 'docker update --restart unless-stopped edge'],
    ],
    [
      'nor is one that is started when it fails',
      boxed({ restart: 'on-failure' }, {}, { ledBy: 'edge' }),
      ['the restart policy on-failure'],
    ],
    [
      'does not see what certbot renews a certificate by',
      boxed(
        {},
        { configuration: { ...nginx().configuration, servers: [server({ file: serverConf, ports: [80], locations: [challengePath] })] } },
        { ledBy: 'edge' },
      ),
      [
        'renews the certificate of addie.example.org',
        `-v ${challengeFolder}:${challengeFolder}:ro`,
        'certbot renew --cert-name addie.example.org --force-renewal --deploy-hook "docker exec edge nginx -s reload"',
      ],
    ],
    ['took the place of the nginx of the host', boxed(), ['nginx was a program of the host, and is in the container edge now']],
    ['took the place of another', boxed({}, {}, { ledBy: 'old' }), ['nginx was in the container old, and is in the container edge now']],
    ['has made way', seen({ ledBy: 'edge' }), ['nginx was in the container edge, and is a program of the host now']],
  ])('%s', (_, found, parts) => {
    const warnings = containerWarnings(found)
    expect(warnings).toHaveLength(1)
    for (const one of parts) expect(warnings[0]).toContain(one)
  })

  it.each<[string, Observation]>([
    ['one that has led here before', boxed({ restart: 'always' }, {}, { ledBy: 'edge' })],
    ['the first', boxed({}, {}, { ports: new Map() })],
    ['the nginx of the host', seen()],
  ])('is not %s', (_, found) => {
    expect(containerWarnings(found)).toEqual([])
  })
})

describe('what observe.sh prints of a container', () => {
  const read = (...lines: string[]): Observation => parseObservation('a', [...lines, 'seen\tyes'].join('\n'))
  const at = Date.parse('2026-11-20T10:00:00Z') / 1000

  it('is read fact by fact', () => {
    const found = read(
      `now\t${at}`,
      'nginx.container\tedge /etc/nginx/launchway.d /srv/nginx/launchway.d',
      'nginx.in\tedge\trunning\thost\tunless-stopped\t0\t2026-11-20T09:59:58.123456789Z\t4711',
      'nginx.mount\t/srv/nginx\t/etc/nginx\t',
      `nginx.mount\t${state}\t${state}\tstale`,
      'nginx\twell',
      'nginx.started\tnginx: master process nginx -g daemon off; ',
    )
    expect(found.ledBy).toBe('edge')
    expect(found.nginx?.container).toEqual(box({ mounts: [mount('/srv/nginx', '/etc/nginx'), mount(state, state, true)] }))
  })

  it.each<[string, string, boolean]>([
    ['between two starts', 'restarting\thost\talways\t3\t2026-11-20T09:00:00Z\t0', true],
    ['started again 2 s ago', 'running\thost\talways\t3\t2026-11-20T09:59:58Z\t1', true],
    ['started again a while ago', 'running\thost\talways\t3\t2026-11-20T09:59:40Z\t1', false],
    ['started by somebody', 'running\thost\talways\t0\t2026-11-20T09:59:58Z\t1', false],
  ])('%s', (_, facts, expected) => {
    expect(read(`now\t${at}`, `nginx.in\tedge\t${facts}`, 'nginx\tstopped').nginx?.container?.isLooping).toBe(expected)
  })

  it('calls the network that nobody has chosen by its name', () => {
    expect(read('nginx.in\tedge\trunning\tdefault\tno\t0\t\t1', 'nginx\twell').nginx?.container?.network).toBe('bridge')
  })

  it('tells one that is gone by its name alone', () => {
    expect(read('nginx.in\tedge', 'nginx\tstopped').nginx?.container).toMatchObject({ name: 'edge', state: 'gone', mounts: [] })
  })
})
