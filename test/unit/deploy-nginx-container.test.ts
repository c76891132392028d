import { describe, expect, it } from 'vitest'
import type { Observation, SeenNginx } from '../../src/deploy/observation.ts'
import { planRemoval } from '../../src/deploy/operate/remove.ts'
import { planHost } from '../../src/deploy/plan.ts'
import { container as appContainer, environment, failureIn, first, service, wanted } from './support/deploy.ts'
import { box, boxed, confOnly, mount, state, web } from './support/edge.ts'
import { conf, file, health, names, nginx, part, seen, server, serverConf, story } from './support/nginx.ts'

/** What nginx is given, as it names it, and where the host is to write it. */
function written(found: Observation): { site: string; text: string } {
  const { calls, sites } = planHost(wanted([web]), found, 'a')
  const site = story(calls).filter((call) => /^(led_by|site|unsite|unseat) /.test(call))
  return { site: site.join('\n'), text: (sites[0]?.files ?? []).map(({ text }) => text).join('') }
}

const pattern = (includes: string): Partial<SeenNginx> => ({ configuration: { ...nginx().configuration, includes: [includes] } })

describe('what a host writes for nginx in a container', () => {
  it('lies where the host has what the container reads, and names what the container sees', () => {
    const { site, text } = written(boxed())
    expect(site.split('\n')).toEqual([
      'led_by edge /etc/nginx/launchway.d /srv/nginx/launchway.d',
      'site web /srv/nginx/conf.d/launchway.addie.production.web.conf',
      'site web.at /srv/nginx/launchway.d/servers/addie.example.org/addie.production.web.conf',
      'site web.server /srv/nginx/conf.d/launchway-server.addie.example.org.conf',
      'unsite /srv/nginx/conf.d /srv/nginx/launchway.d/servers /srv/nginx/conf.d/launchway.addie.production.web.conf /srv/nginx/launchway.d/servers/addie.example.org/addie.production.web.conf /srv/nginx/conf.d/launchway-server.addie.example.org.conf',
    ])
    expect(text).toContain('include /etc/nginx/launchway.d/servers/addie.example.org/*.conf;')
    expect(text).toContain('include /etc/nginx/launchway.d/addie.production.web.[c]onf;')
    expect(text).toContain('if (-f /state/addie/production/slot.b)')
    expect(text).toContain('if (-f /state/addie/production/maintenance)')
    expect(text).not.toContain('/srv/')
    expect(text).not.toContain(state)
  })

  it.each<[string, Observation, string, string]>([
    ['the folder of servers alone is mounted', boxed({ mounts: confOnly }), `${conf}/launchway.d`, '/srv/conf.d/launchway.d'],
    [
      'that folder is read whole, but for what is hidden',
      boxed({ mounts: [mount('/srv/sites', '/etc/nginx/sites-enabled'), mount(state)] }, pattern('/etc/nginx/sites-enabled/*')),
      '/etc/nginx/sites-enabled/.launchway.d',
      '/srv/sites/.launchway.d',
    ],
    [
      'launchway.d has a mount of its own',
      boxed({ mounts: [...confOnly, mount('/srv/ours', '/etc/nginx/launchway.d')] }),
      '/etc/nginx/launchway.d',
      '/srv/ours',
    ],
    [
      'more is mounted than when the first server was written',
      boxed(
        {},
        {
          configuration: {
            ...nginx().configuration,
            servers: [server({ file: serverConf, includes: [`${conf}/launchway.d/servers/${names[0]}/*.conf`] })],
          },
        },
      ),
      `${conf}/launchway.d`,
      '/srv/nginx/conf.d/launchway.d',
    ],
    [
      'a line for the nginx of the host names what is not mounted',
      boxed(
        { mounts: confOnly },
        {
          configuration: {
            ...nginx().configuration,
            servers: [server({ names: ['b.example.org'], includes: ['/etc/nginx/launchway.d/servers/b.example.org/*.conf'] })],
          },
        },
      ),
      `${conf}/launchway.d`,
      '/srv/conf.d/launchway.d',
    ],
  ])('where %s', (_, found, within, here) => {
    const { site, text } = written(found)
    expect(site).toContain(`led_by edge ${within} ${here}\n`)
    expect(site).toContain(`site web.at ${here}/servers/addie.example.org/addie.production.web.conf`)
    expect(text).toContain(`include ${within}/servers/addie.example.org/*.conf;`)
  })

  it('goes to the folder that is mounted, where nginx includes two', () => {
    const includes = [`${conf}/*.conf`, '/etc/nginx/sites-enabled/*.conf']
    const mounts = [mount('/srv/sites', '/etc/nginx/sites-enabled'), mount(state)]
    expect(written(boxed({ mounts }, { configuration: { ...nginx().configuration, includes } })).site).toContain(
      'site web /srv/sites/launchway.',
    )
  })

  it('makes way on the host', () => {
    const old = part({ file: '/etc/nginx/launchway.d/servers/addie.example.org/addie.production.site.conf', locations: ['/'] })
    const found = boxed({}, { configuration: { ...nginx().configuration, parts: [old] } })
    expect(written(found).site).toContain('unseat site.gone0 /srv/nginx/launchway.d/servers/addie.example.org/addie.production.site.conf')
  })

  it('goes with a service that nginx no longer leads to, and with all of it', () => {
    const parts = [part({ file }), part({ file: '/etc/nginx/launchway.d/servers/x/addie.production.web.conf' })]
    const found = boxed(
      {},
      { configuration: { ...nginx().configuration, parts } },
      { current: first, containers: [appContainer('web', first)] },
    )
    const left = planHost(wanted([service({ port: 5000, publish: '80' })]), found, 'a')
    expect(story(left.calls)).toContain('unsite /srv/nginx/conf.d /srv/nginx/launchway.d/servers')
    const target = { app: 'addie', environment: environment([web]) }
    const { calls, removal } = planRemoval(target, { host: 'a', seen: found }, undefined)
    expect(story(calls)).toContain('unsite /srv/nginx/conf.d /srv/nginx/launchway.d/servers')
    expect(removal.servers).toEqual([
      '/srv/nginx/conf.d/launchway.addie.production.web.conf',
      '/srv/nginx/launchway.d/servers/x/addie.production.web.conf',
    ])
    const elsewhere = { ...found, nginx: nginx({ container: box({ mounts: [] }), configuration: { ...nginx().configuration, parts } }) }
    expect(failureIn(() => planRemoval(target, { host: 'a', seen: elsewhere }, undefined))).toMatchObject({ code: 'HOST_UNFIT' })
  })

  it('is no more told of once nginx is a program of the host again, and never where it always was', () => {
    const own = service({ port: 5000, nginx: { serverNames: names }, health })
    const calls = (of: Partial<Observation>): string[] =>
      story(planHost(wanted([own]), seen(of), 'a').calls).filter((call) => call.startsWith('led_by'))
    expect(calls({ ledBy: 'edge' })).toEqual(['led_by'])
    expect(calls({})).toEqual([])
  })
})
