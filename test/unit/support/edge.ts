import type { NginxContainer, SeenMount } from '../../../src/deploy/nginx-container.ts'
import type { Observation, SeenNginx } from '../../../src/deploy/observation.ts'
import { service } from './deploy.ts'
import { conf, health, names, nginx, seen } from './nginx.ts'

/** nginx in the container edge, and a service that it leads to. */

export const state = '/var/lib/launchway'
export const web = service({ port: 5000, nginx: { container: 'edge', serverNames: names }, health })

export const mount = (source: string, destination = source, isStale = false): SeenMount => ({ source, destination, isStale })
export const whole = [mount('/srv/nginx', '/etc/nginx'), mount(state, '/state')]
export const confOnly = [mount('/srv/conf.d', conf), mount(state)]

export function box(of: Partial<NginxContainer> = {}): NginxContainer {
  return {
    name: 'edge',
    state: 'running',
    network: 'host',
    restart: 'unless-stopped',
    isLooping: false,
    mounts: whole,
    started: 'nginx: master process nginx -g daemon off; ',
    ...of,
  }
}

export function boxed(of: Partial<NginxContainer> = {}, more: Partial<SeenNginx> = {}, rest: Partial<Observation> = {}): Observation {
  return seen({ nginx: nginx({ container: box(of), ...more }), ...rest })
}
