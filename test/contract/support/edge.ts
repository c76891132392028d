import { docker } from '../../../lab/run.ts'
import type { SiteHost } from './site.ts'

/** nginx in a container of a lab host, in the place of the host's own, which is started again at the end. */
export interface Edge extends AsyncDisposable {
  name: string
  /** The folder of the host that it has as `/etc/nginx/conf.d`. */
  sites: string
  /** Starts it as asked for, in the place of the one before. */
  run(of?: Partial<EdgeOptions>): Promise<void>
  /** What nginx there would load. */
  configuration(): Promise<string>
}

interface EdgeOptions {
  /** What `docker run` is given before the image. */
  options: readonly string[]
  /** `shell`: a shell is the first process, and nginx its child. `nginx`: there is nothing else, not even a shell. */
  first: 'shell' | 'nginx'
  command: readonly string[]
}

const image = 'launchway-contract-edge'

/** The host's own nginx as an image: made there, since a host of the lab reaches no registry of the world. */
const make = `
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
add() { for file; do mkdir -p "$root\${file%/*}"; cp -L "$file" "$root$file"; done; }
programs="/usr/sbin/nginx $(find /usr/lib/nginx -name '*.so' 2> /dev/null)"
[ "$2" = nginx ] || programs="$programs /bin/busybox"
add /etc/passwd /etc/group $programs $(ldd $programs | grep -o '/[^ :()]*' | sort -u)
[ "$2" = nginx ] || ln "$root/bin/busybox" "$root/bin/sh"
mkdir -p "$root/var/log/nginx" "$root/var/lib/nginx" "$root/var/www/html" "$root/run" "$root/tmp"
tar -C / -cf - etc/nginx usr/share/nginx | tar -C "$root" -xf -
rm -f "$root"/etc/nginx/conf.d/launchway*
echo nginx is here > "$root/var/www/html/index.html"
tar -C "$root" -cf - . | docker import --change 'CMD ["nginx", "-g", "daemon off;"]' - "$1" > /dev/null
`

/** @param firsts what it will be asked to run: each is an image of its own */
export async function edgeOn(host: SiteHost, firsts: readonly EdgeOptions['first'][]): Promise<Edge> {
  const inside = (text: string, ...words: string[]): Promise<string> => docker('exec', host.container, 'sh', '-euc', text, 'sh', ...words)
  const name = `edge-${host.app}`
  const sites = `/srv/${name}`
  for (const first of firsts) await inside(make, `${image}-${first}`, first)
  await inside('lab-service nginx stop; mkdir -p "$1"', sites)
  return {
    name,
    sites,
    async run({ options = ['--network', 'host', '--restart', 'unless-stopped'], first = 'nginx', command = [] } = {}) {
      await inside('docker rm --force "$1" > /dev/null 2>&1 || :', name)
      const usual = first === 'shell' ? ['sh', '-c', 'nginx -g "daemon off;" & wait'] : []
      await docker(
        'exec',
        host.container,
        'docker',
        'run',
        '--detach',
        '--name',
        name,
        ...options,
        `${image}-${first}`,
        ...(command.length === 0 ? usual : command),
      )
    },
    configuration: () => inside('docker exec "$1" nginx -T 2> /dev/null', name),
    async [Symbol.asyncDispose]() {
      const clean = `
        docker rm --force "$1" > /dev/null 2>&1 || :
        rm -rf "$2"
        for first in ${firsts.join(' ')}; do docker image rm --force "$3-$first" > /dev/null; done
        lab-service nginx start
        for _ in $(seq 100); do curl -s -o /dev/null http://127.0.0.1/ && break; sleep 0.1; done`
      await inside(clean, name, sites, image)
    },
  }
}
