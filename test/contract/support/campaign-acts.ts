import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ErrorCode, LaunchwayError } from '../../../src/core/error.ts'
import type { Environment } from '../../../src/core/deployment.ts'
import type { Ports } from '../../../src/core/ports.ts'
import { abort, confirm } from '../../../src/deploy/confirm.ts'
import type { Answer } from '../../../src/deploy/operate/hosts.ts'
import { prune } from '../../../src/deploy/operate/prune.ts'
import { remove } from '../../../src/deploy/operate/remove.ts'
import { recreate } from '../../../src/deploy/recreate.ts'
import { rollback } from '../../../src/deploy/rollback.ts'
import type { Act } from './campaign-scenarios.ts'
import { bare, through } from './doors.ts'
import { portsOf, release, releaseOf, type Way } from './lifecycle.ts'
import type { PushedImage } from './release.ts'
import type { SiteHost } from './site.ts'
import { labKey, settings } from './ssh.ts'

interface Acting {
  host: SiteHost
  image: PushedImage
  way: Way
  environment: Environment
  ports: Ports
}

/** What each act is: by words at a terminal, and from this process. */
const acts: Record<Act, { words: readonly string[]; act(of: Acting): Promise<unknown> }> = {
  deploy: { words: ['deploy', '--release', 'release.json'], act: ({ host, image, way }) => release(host, image, way) },
  rollback: { words: ['rollback'], act: ({ host, environment, ports }) => rollback(host.app, environment, ports) },
  confirm: { words: ['confirm'], act: ({ host, environment, ports }) => confirm(host.app, environment, ports) },
  abort: { words: ['abort', '--force'], act: ({ host, environment, ports }) => abort(host.app, environment, ports, { force: true }) },
  recreate: {
    words: ['recreate', 'store'],
    act: ({ host, image, way, environment, ports }) => {
      const { registries } = releaseOf(host, image, way).plan
      return recreate({ app: host.app, environment, repositories: [image.repository], registries }, 'store', ports)
    },
  },
  prune: {
    words: ['prune'],
    act: ({ host: { app }, environment, ports }) => answered(prune({ app, environment }, { host: undefined }, ports)),
  },
  remove: {
    words: ['remove', '--yes'],
    act: ({ host: { app }, environment, ports }) =>
      answered(remove({ app, environment }, { service: undefined, host: undefined, yes: true, isTerminal: false }, ports)),
  },
}

/** What a host refuses is part of an answer. */
async function answered(asked: Promise<Answer>): Promise<void> {
  const { text, json, exit } = await asked
  if (exit === undefined || exit === 0) return
  const { hosts = [] } = json as { hosts?: { error?: { code: ErrorCode } }[] }
  throw new LaunchwayError(hosts[0]?.error?.code ?? 'COMMAND_FAILED', text)
}

export function act(does: Act, host: SiteHost, image: PushedImage, way: Way): Promise<unknown> {
  const { environment } = releaseOf(host, image, way).plan
  if (environment === undefined) throw new Error('no environment')
  return acts[does].act({ host, image, way, environment, ports: portsOf(host, way) })
}

/** The same as `launchway`, in a process of its own, in a folder. */
export function program(
  does: Act,
  { folder, host, image, way, address }: { folder: string; host: SiteHost; image: PushedImage; way: Way; address: string },
): { pid: number; ended: Promise<unknown> } {
  const made = releaseOf(host, image, way)
  const skipped = { run: false, reason: 'not in this test' }
  const record = {
    ...made,
    plan: { ...made.plan, stages: { ...made.plan.stages, smoke: skipped, scan: skipped } },
    push: { references: [], ms: 0 },
  }
  writeFileSync(join(folder, 'release.json'), JSON.stringify(record))
  const web = { port: 8000, health: '/health', nginx: { 'server-name': host.name } }
  const accessories = (way.accessories ?? []).map(({ name, image: reference, command, env, health }) => {
    return [name, { image: reference, command, env, health: { command: health?.command } }] as const
  })
  const environment = {
    host: address,
    state: host.stateRoot,
    ssh: { 'known-hosts': settings().knownHosts },
    keep: way.keep,
    services: { web, worker: {} },
    ...(accessories.length === 0 ? {} : { accessories: Object.fromEntries(accessories) }),
  }
  const registries = { [image.repository.split('/')[0] ?? '']: { 'plain-http': true } }
  const config = { image: image.repository, app: host.app, scan: false, registries, environments: { test: environment } }
  writeFileSync(join(folder, 'launchway.yml'), JSON.stringify(config))
  const words = does === 'deploy' ? acts.deploy.words : [...acts[does].words, '-e', 'test']
  const child = spawn(process.execPath, through('cli', words), {
    cwd: folder,
    env: bare({ TMPDIR: folder, SSH_KEY: labKey().reveal() }),
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const ended = new Promise((resolve, reject) => {
    child.once('exit', (code) => (code === 0 ? resolve(code) : reject(new Error(`${words[0]} ended with ${String(code)}: ${said}`))))
  })
  return { pid: child.pid ?? 0, ended }
}
