import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Mount, toContainer, toHost } from '../../src/tools/mounts.ts'

const mounts: Mount[] = [
  { source: '/srv/nginx', destination: '/etc/nginx' },
  { source: '/srv/sites', destination: '/etc/nginx/conf.d' },
  { source: '/var/lib/launchway', destination: '/state' },
]

describe('a path of a container on the host', () => {
  it.each<[string, string | undefined]>([
    ['/etc/nginx/nginx.conf', '/srv/nginx/nginx.conf'],
    ['/etc/nginx', '/srv/nginx'],
    ['/etc/nginx/conf.d/a.conf', '/srv/sites/a.conf'],
    ['/etc/nginx/conf.de/a.conf', '/srv/nginx/conf.de/a.conf'],
    ['/etc/nginx-old/a.conf', undefined],
    ['/etc', undefined],
    ['/state/a/b', '/var/lib/launchway/a/b'],
  ])('%s is %s', (path, expected) => {
    expect(toHost(mounts, path)).toBe(expected)
  })

  it('is all of the host where that is mounted whole', () => {
    expect(toHost([{ source: '/', destination: '/host' }], '/host/etc/x')).toBe('/etc/x')
    expect(toContainer([{ source: '/', destination: '/host' }], '/etc/x')).toBe('/host/etc/x')
    expect(toContainer([{ source: '/', destination: '/host' }], '/')).toBe('/host')
  })
})

describe('a path of the host in a container', () => {
  it.each<[string, string | undefined]>([
    ['/var/lib/launchway/a/b', '/state/a/b'],
    ['/var/lib/launchway', '/state'],
    ['/var/lib/launchways', undefined],
    ['/var/lib', undefined],
  ])('%s is %s', (path, expected) => {
    expect(toContainer(mounts, path)).toBe(expected)
  })

  it('is none where another mount hides it', () => {
    expect(toContainer(mounts, '/srv/nginx/conf.d/a.conf')).toBeUndefined()
  })

  it('is another way to it where one is hidden', () => {
    expect(toContainer([...mounts, { source: '/srv', destination: '/all' }], '/srv/nginx/conf.d/a.conf')).toBe('/all/nginx/conf.d/a.conf')
  })

  it('is by the mount of the least where several have it', () => {
    expect(toContainer([{ source: '/', destination: '/host' }, ...mounts], '/var/lib/launchway/a')).toBe('/state/a')
  })

  it('is one that leads back to it, whatever is mounted', () => {
    const path = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 4 }).map((parts) => `/${parts.join('/')}`)
    const mount = fc.record({ source: path, destination: path })
    fc.assert(
      fc.property(fc.array(mount, { maxLength: 5 }), path, (all, one) => {
        const within = toContainer(all, one)
        expect(within === undefined ? one : toHost(all, within)).toBe(one)
      }),
    )
  })
})
