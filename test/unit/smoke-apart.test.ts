import { describe, expect, it } from 'vitest'
import { type Prepared, prepare } from '../../src/smoke/plan.ts'
import { ComposeProject } from '../../src/tools/compose.ts'
import { failureIn } from './support/deploy.ts'

const project = 'launchway-smoke-addie-1'
const image = { name: 'app', context: '.', dockerfile: 'Dockerfile', platforms: [], args: {}, repositories: ['ghcr.io/team/app'] }

function prepared(services: Record<string, unknown>, name?: string): Prepared {
  return prepare(
    ComposeProject.parse({ services: { ours: { image: 'ghcr.io/team/app' }, ...services }, ...(name === undefined ? {} : { name }) }),
    {
      plan: { compose: ['compose.yml'], profiles: [], env: {}, timeoutMs: 1, prepare: [], checks: [] },
      candidates: [{ image, reference: 'ghcr.io/team/app:launchway-1' }],
      root: '/srv/team',
      project,
      owner: 'laptop:1',
    },
  )
}

describe('an image that compose builds', () => {
  const build = {
    context: '/srv/team/helper',
    tags: ['team/helper:1'],
    cache_to: ['type=registry,ref=team/cache'],
    cache_from: ['team/cache'],
  }

  it('moves no tag, and writes no cache', () => {
    const { file } = prepared({ helper: { build } })
    expect(file.services['helper']?.build).toEqual({
      context: '/srv/team/helper',
      cache_from: ['team/cache'],
      labels: expect.objectContaining({ 'launchway.smoke': project }),
    })
  })

  it('has a name that an image can have, whatever its service is called', () => {
    const { file } = prepared({ Web: { build, image: 'team/web' }, twin: { image: 'team/web' } })
    expect(file.services['Web']?.image).toBe(`${project}-web`)
    expect(file.services['twin']?.image).toBe(`${project}-web`)
  })
})

describe('labels that other programs act on', () => {
  const labels = {
    'traefik.enable': 'true',
    'traefik.http.routers.web.rule': 'Host(`example.org`)',
    'com.centurylinklabs.watchtower.enable': 'true',
    'ofelia.job-exec.backup.schedule': '@daily',
    caddy: 'example.org',
    'caddy_1.reverse_proxy': '{{upstreams}}',
    'org.example.caddy': 'mine',
    'my.traefik': 'mine',
  }
  const own = { 'org.example.caddy': 'mine', 'my.traefik': 'mine' }

  it('are taken away: they would act on the test as on production', () => {
    const { file } = prepared({ web: { image: 'x', labels } })
    expect(file.services['web']?.labels).toEqual({ ...own, 'launchway.smoke': project, 'launchway.smoke.owner': 'laptop:1' })
  })

  const socket = { type: 'bind', source: '/var/run/docker.sock', target: '/var/run/docker.sock', read_only: true }

  it('stay for a program of the stack that sees the engine, as its own proxy does; those for others go', () => {
    const { file } = prepared({ web: { image: 'x', labels }, proxy: { image: 'traefik:v3', volumes: [socket] } })
    const kept = Object.entries(labels).filter(([name]) => /traefik|^org/.test(name))
    expect(file.services['web']?.labels).toEqual({
      ...Object.fromEntries(kept),
      'launchway.smoke': project,
      'launchway.smoke.owner': 'laptop:1',
    })
  })

  it('go where what sees the engine reads no labels', () => {
    const { file } = prepared({ web: { image: 'x', labels }, logs: { image: 'amir20/dozzle', volumes: [socket] } })
    expect(Object.keys(file.services['web']?.labels ?? {})).not.toContain('traefik.enable')
  })
})

describe('the name of a container', () => {
  it('that compose gives it is also how others reach it', () => {
    const { file } = prepared(
      {
        db: { image: 'x', networks: { back: null } },
        linked: { image: 'x', external_links: ['app-db-1:database'] },
        named: { image: 'x', container_name: 'n' },
        host: { image: 'x', network_mode: 'host' },
      },
      'app',
    )
    expect(file.services['db']?.networks).toEqual({ back: { aliases: ['app-db-1'] } })
    expect(file.services['linked']?.['links']).toEqual(['db:database'])
    expect(file.services['ours']?.networks).toEqual({ default: { aliases: ['app-ours-1'] } })
    expect(file.services['named']?.networks).toEqual({ default: { aliases: ['n'] } })
    expect(file.services['host']?.networks).toBeUndefined()
  })

  it('in a link is that of its service', () => {
    const { file } = prepared({
      db: { image: 'x', container_name: 'db-1' },
      web: { image: 'x', external_links: ['db-1:database', 'db-1'], links: ['ours'] },
    })
    expect(file.services['web']).toMatchObject({ links: ['ours', 'db:database', 'db:db-1'] })
    expect(file.services['web']?.external_links).toBeUndefined()
  })

  it('may not lead in a circle', () => {
    const services = {
      a: { image: 'x', container_name: 'one', network_mode: 'container:two' },
      b: { image: 'x', container_name: 'two', network_mode: 'container:one' },
    }
    expect(failureIn(() => prepared(services))).toMatchObject({
      code: 'CONFIG_INVALID',
      message: "the services a, b need each other's containers",
    })
  })
})
