import { hostPaths } from '../core/names.ts'
import { challengeFolder, challengePath } from '../tools/certbot.ts'
import { isBelow, nearest, toHost } from '../tools/mounts.ts'
import type { NginxContainer } from './nginx-container.ts'
import { inNginx, placesOf } from './nginx-places.ts'
import type { Observation, SeenNginx } from './observation.ts'
import { keyOf } from './site.ts'
import type { Lack, Wanted } from './wanted.ts'

/** Everything that keeps a container from being the way in, as far as the engine tells it. */
export function containerLacks(wanted: Wanted, nginx: SeenNginx, container: NginxContainer): Lack[] {
  const { stateRoot } = wanted.environment
  const { name, state, network } = container
  const stateMount = `-v ${stateRoot}:${stateRoot}:ro`
  if (state === 'gone') {
    const words = `--network host --restart unless-stopped -v /etc/nginx/conf.d:/etc/nginx/conf.d:ro ${stateMount}`
    return [
      {
        what: `there is no container ${name}, in which nginx is to run`,
        hint: `docker ps --all shows what there is. A new one: docker run --detach --name ${name} ${words} nginx; certificates are one more -v`,
      },
    ]
  }
  const lacks: Lack[] = []
  if (container.isLooping) {
    lacks.push({
      what: `the container ${name} ends again and again`,
      hint: `docker logs ${name} says why. In the host's network its ports must be free: an nginx of the host's own is in the way (systemctl disable --now nginx)`,
    })
  } else if (state !== 'running') {
    lacks.push({ what: `the container ${name} is ${state}`, hint: `docker ${state === 'paused' ? 'unpause' : 'start'} ${name}` })
  }
  if (network !== 'host') {
    lacks.push({
      what: `the container ${name} is in the network ${network}`,
      hint: 'start it with --network host, and without -p. In a network of its own 127.0.0.1 is the container itself, where no service listens, and all visitors come from the address of a gateway: nobody could tell them from a deploy',
    })
  }
  const { home } = hostPaths(stateRoot, wanted.app, wanted.environment.name)
  if (inNginx(nginx, home) === undefined) {
    const alone = container.mounts.filter(({ source }) => source !== home && isBelow(home, source))
    lacks.push({
      what: `the container ${name} does not see ${stateRoot}, where a file says which version serves`,
      hint: `start it with ${stateMount}${aloneWords(alone.map(({ source }) => source))}`,
    })
  }
  lacks.push(...(nginx.state === 'well' ? folderLacks(nginx, container) : []), ...staleLacks(nginx, container, home))
  if (/ -[cp] /.test(container.started)) {
    lacks.push({
      what: `nginx was started in the container ${name} with a configuration of its own: ${container.started.trim()}`,
      hint: `nginx -T shows another one. Mount it as ${nginx.configuration.main || '/etc/nginx/nginx.conf'}, and leave -c and -p out`,
    })
  }
  return lacks
}

function folderLacks(nginx: SeenNginx, { name, mounts }: NginxContainer): Lack[] {
  const { sites } = placesOf(nginx)
  if (sites === undefined || toHost(mounts, sites) !== undefined) return []
  const alone = mounts.filter(({ destination }) => isBelow(sites, destination)).map(({ destination }) => destination)
  return [
    {
      what: `${sites} of the container ${name} is not the host's, and launchway writes there`,
      hint: `start it with -v ${sites}:${sites}:ro (docker cp ${name}:${sites} ${sites.slice(0, sites.lastIndexOf('/'))}/ brings what is in it to the host before)${aloneWords(alone)}`,
    },
  ]
}

function aloneWords(paths: readonly string[]): string {
  if (paths.length === 0) return ''
  return `. Mounted alone ${paths.length === 1 ? 'is' : 'are'} ${paths.join(', ')}: a file that is replaced by a rename, as launchway does, stays the old one in the container; it takes the folder`
}

/** Of the mounts that launchway writes to. */
function staleLacks(nginx: SeenNginx, { name, mounts }: NginxContainer, home: string): Lack[] {
  const { sites, ours } = placesOf(nginx)
  const at = inNginx(nginx, home)
  const used = [...(at === undefined ? [] : [at]), ...(sites === undefined ? [] : [sites, ours])]
  const stale = used.flatMap((path) => nearest(mounts, path) ?? []).filter(({ isStale }) => isStale)
  return [...new Set(stale)].map(({ source, destination }) => ({
    what: `${source} has been replaced since the container ${name} was started, which still has the old one at ${destination}`,
    hint: `docker restart ${name}`,
  }))
}

/** What of the way in may fail later. */
export function containerWarnings({ nginx, ledBy, ports }: Observation): string[] {
  const container = nginx?.container
  const warnings: string[] = []
  if (nginx !== undefined && container !== undefined && inNginx(nginx, challengeFolder) === undefined) {
    const servers = nginx.configuration.servers.filter(
      ({ file, locations }) => keyOf(file) !== undefined && locations.includes(challengePath),
    )
    const names = [...new Set(servers.flatMap((server) => server.names))]
    if (names.length > 0)
      warnings.push(
        `certbot renews the certificate of ${names.join(' ')} by way of ${challengeFolder}, which the container ${container.name} does not see: start it with -v ${challengeFolder}:${challengeFolder}:ro as well. And once, since the hook of certbot reloads another nginx: certbot renew --cert-name ${names[0]} --force-renewal --deploy-hook "docker exec ${container.name} nginx -s reload"`,
      )
  }
  if (container !== undefined && !['always', 'unless-stopped'].includes(container.restart)) {
    warnings.push(
      `the container ${container.name} has the restart policy ${container.restart || 'no'}: after a reboot nobody would serve. docker update --restart unless-stopped ${container.name}`,
    )
  }
  if (ports.size > 0 && ledBy !== container?.name) {
    const words = (of: string | undefined): string => (of === undefined ? 'a program of the host' : `in the container ${of}`)
    warnings.push(
      `nginx was ${words(ledBy)}, and is ${words(container?.name)} now: files of launchway that it does not read stay where they are`,
    )
  }
  return warnings
}
