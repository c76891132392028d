import { chmodSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { inject } from 'vitest'
import { labLabel } from '../../../lab/lab.ts'
import { ask, docker } from '../../../lab/run.ts'
import { hostImage } from '../../../lab/setup/images.ts'
import { type Folder, openFolder } from './folder.ts'
import { eventually } from './processes.ts'

export interface OwnEngine extends AsyncDisposable {
  /** DOCKER_HOST */
  readonly host: string
}

/**
 * An engine of a test's own that keeps images as containerd does. It has no network but its loopback: an engine that is to
 * make no bridge removes the one that it finds, and in the network of this machine that is the bridge of everybody else. The
 * lab's registry stands on that loopback under the address that it has here.
 */
export async function openEngine(lab: string, suite: 'forky' | 'trixie' = 'forky'): Promise<OwnEngine> {
  const folder: Folder = await openFolder()
  const host = `unix://${join(folder.path, 'docker.sock')}`
  const { address } = inject('lab').registry
  const door = await openDoor(join(folder.path, 'registry.sock'), Number(address.split(':')[1]))
  // Before Docker 27 there is no flag for it.
  writeFileSync(join(folder.path, 'daemon.json'), JSON.stringify({ features: { 'containerd-snapshotter': true } }))
  writeFileSync(join(folder.path, 'nginx.conf'), forwardTo(address))
  const contained = [
    '--label',
    `${labLabel}=${lab}`,
    '--network',
    'none',
    '--volume',
    '/var/lib/docker',
    '--volume',
    `${folder.path}:/engine`,
  ]
  const alone = ['--bridge', 'none', '--iptables=false', '--ip6tables=false', '--ip-forward=false', '--ip-masq=false']
  const id = await docker(
    ...['run', '--detach', '--rm', '--privileged', ...contained, '--entrypoint', 'dockerd', hostImage(suite)],
    ...['--config-file', '/engine/daemon.json', ...alone, '--host', 'unix:///engine/docker.sock'],
  )
  await docker('exec', id, 'nginx', '-c', '/engine/nginx.conf')
  await eventually(async () => (await ask('docker', ['version'], { env: { DOCKER_HOST: host } })) !== undefined)
  return {
    host,
    async [Symbol.asyncDispose]() {
      await ask('docker', ['rm', '--force', '--volumes', id])
      door.close()
      await folder[Symbol.asyncDispose]()
    },
  }
}

/** Leads from a socket in a folder, which containers without a network can mount, to a port of this machine. */
async function openDoor(path: string, port: number): Promise<Server> {
  const server = createServer((from) => {
    const to = connect(port, '127.0.0.1')
    for (const [one, other] of [
      [from, to],
      [to, from],
    ] as const)
      one.on('error', () => other.destroy()).pipe(other)
  })
  await new Promise<void>((resolve) => void server.listen(path, resolve))
  chmodSync(path, 0o666)
  return server
}

/** The configuration of an nginx that leads from an address to the door. */
function forwardTo(address: string): string {
  return `user root;
pid /engine/nginx.pid;
error_log /engine/nginx.log;
events {}
http {
  access_log off;
  client_max_body_size 0;
  proxy_request_buffering off;
  proxy_buffering off;
  proxy_http_version 1.1;
  server {
    listen ${address};
    location / {
      proxy_pass http://unix:/engine/registry.sock:;
      proxy_set_header Host $http_host;
    }
  }
}
`
}
