import { spawn } from 'node:child_process'
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ask, call } from './run.ts'

/** Another engine of this machine, beside the one that is there. */
export interface SecondEngine extends AsyncDisposable {
  /** For DOCKER_HOST. */
  address: string
  /** Brings an image over from the first engine. */
  load(reference: string): Promise<void>
}

/** Starts an engine that keeps its images in containerd, as new installations of Docker do: an image's ID is then the digest of a manifest. */
export function startContainerdEngine(): Promise<SecondEngine> {
  return startEngine({ 'containerd-snapshotter': true }, 213)
}

/** Starts an engine like the first, on which nobody else is at work. */
export function startQuietEngine(): Promise<SecondEngine> {
  return startEngine({ 'containerd-snapshotter': false }, 215)
}

/**
 * It has a bridge of its own and leaves the firewall to the first engine, so containers can be reached from here, and cannot
 * reach the world.
 * @param net the second number of its bridge's addresses; the next one is that of its other networks
 * @throws Error with its last lines when it does not start
 */
async function startEngine(features: Readonly<Record<string, boolean>>, net: number): Promise<SecondEngine> {
  const folder = mkdtempSync(join(tmpdir(), 'launchway-engine-'))
  const bridge = `lw${folder.slice(-6)}`
  const address = `unix://${join(folder, 'docker.sock')}`
  // That of busybox: a small machine has no iproute2.
  await call('busybox', ['ip', 'link', 'add', 'name', bridge, 'type', 'bridge'])
  await call('busybox', ['ip', 'addr', 'add', `10.${net}.0.1/24`, 'dev', bridge])
  await call('busybox', ['ip', 'link', 'set', bridge, 'up'])
  // Where the folder itself lies on an overlay, as in a container, no layers can be laid over each other.
  await call('mount', ['-t', 'tmpfs', '-o', 'size=4g', 'tmpfs', folder])
  const settings = {
    features,
    hosts: [address],
    'data-root': join(folder, 'data'),
    'exec-root': join(folder, 'exec'),
    pidfile: join(folder, 'pid'),
    bridge,
    iptables: false,
    ip6tables: false,
    'default-address-pools': [{ base: `10.${net + 1}.0.0/16`, size: 24 }],
  }
  writeFileSync(join(folder, 'daemon.json'), JSON.stringify(settings))
  const log = openSync(join(folder, 'log'), 'a')
  const daemon = spawn('dockerd', ['--config-file', join(folder, 'daemon.json')], { stdio: ['ignore', log, log] })
  const ended = new Promise<void>((resolve) => daemon.once('exit', () => resolve()))
  const stop = async (): Promise<void> => {
    daemon.kill('SIGTERM')
    await ended
    await ask('busybox', ['ip', 'link', 'del', bridge])
    await ask('umount', ['--lazy', folder])
    // What the kernel still has mounted for a moment is left to the system's own tidying.
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
  }
  for (let tries = 0; tries < 300 && daemon.exitCode === null; tries += 1) {
    if ((await ask('docker', ['--host', address, 'version'])) !== undefined) {
      return {
        address,
        async load(reference) {
          const archive = join(folder, 'image.tar')
          await call('docker', ['save', '--output', archive, reference])
          await call('docker', ['--host', address, 'load', '--input', archive])
          rmSync(archive)
        },
        [Symbol.asyncDispose]: stop,
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  const said = readFileSync(join(folder, 'log'), 'utf8').split('\n').slice(-20).join('\n')
  await stop()
  throw new Error(`the second engine did not start:\n${said}`)
}
