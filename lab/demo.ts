/**
 * A push becomes a running version, on this machine alone: the lab, a small repository, `launchway run`, one changed
 * line, `launchway run` again under traffic.
 *
 *   npm run demo             and everything is taken away at the end
 *   npm run demo -- --keep   it stays up to play with
 */
import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseDocument } from 'yaml'
import { down } from './down.ts'
import { type Lab, sshAddress } from './lab.ts'
import { root } from './paths.ts'
import { call } from './run.ts'
import { newLabName, up } from './up.ts'

const unknown = process.argv.slice(2).filter((word) => word !== '--keep')
if (unknown.length > 0) {
  process.stdout.write(`npm run demo [-- --keep]; there is no ${unknown.join(' ')}\n`)
  process.exit(2)
}
const keep = process.argv.includes('--keep')
const name = newLabName()
const folder = mkdtempSync(join(tmpdir(), 'launchway-demo-'))
const say = (text: string): void => void process.stdout.write(`${text}\n`)

async function commit(message: string): Promise<void> {
  const author = ['-c', 'user.name=Demo', '-c', 'user.email=demo@example.org']
  await call('git', ['-C', folder, 'add', '--all'])
  await call('git', ['-C', folder, ...author, 'commit', '--quiet', '--no-verify', '--message', message])
}

/** A user's repository: the smallest example, with the addresses of the lab for those of the internet. */
async function makeRepository(lab: Lab, url: string): Promise<void> {
  cpSync(join(root, 'examples/hello'), folder, { recursive: true })
  const config = parseDocument(readFileSync(join(folder, 'launchway.yml'), 'utf8'))
  // The lab has no vulnerability database yet.
  config.set('scan', false)
  config.set('image', `${lab.registry.address}/team/hello`)
  const values = { host: hostOf(lab).address, publish: 5000, url, ssh: { 'known-hosts': lab.knownHosts } }
  for (const [key, value] of Object.entries(values)) config.setIn(['environments', 'production', key], value)
  writeFileSync(join(folder, 'launchway.yml'), config.toString())
  await call('git', ['-C', folder, 'init', '--quiet', '--initial-branch', 'main'])
  await commit('The first version')
}

function hostOf(lab: Lab): { address: string; url: string } {
  const host = lab.hosts['trixie']
  if (host === undefined) throw new Error('the lab has no host')
  return { address: sshAddress(host, 'deploy'), url: `http://127.0.0.1:${host.ports['5000']}` }
}

/** `launchway run`, as a user types it, with all that it prints. */
function release(lab: Lab): Promise<void> {
  say('\n$ launchway run')
  const env = { ...process.env, SSH_KEY: readFileSync(lab.key, 'utf8'), XDG_STATE_HOME: join(lab.folder, 'state') }
  return new Promise((resolve, reject) => {
    const child = spawn(join(root, 'bin/launchway'), ['run'], { cwd: folder, stdio: 'inherit', env })
    child.once('error', reject)
    child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`launchway run ended with ${code}`))))
  })
}

interface Traffic {
  served: Map<string, number>
  failed: number
}

/** Asks for a page 20 times a second, until it is told to stop: each request on a connection of its own. */
function traffic(url: string): { stop(): Promise<Traffic> } {
  const seen: Traffic = { served: new Map(), failed: 0 }
  const ending = new AbortController()
  const loop = (async () => {
    while (!ending.signal.aborted) {
      const text = await fetch(url, { headers: { connection: 'close' }, signal: AbortSignal.timeout(5_000) })
        .then((response) => response.text())
        .catch(() => undefined)
      if (text === undefined) seen.failed += 1
      else seen.served.set(text.trim(), (seen.served.get(text.trim()) ?? 0) + 1)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  })()
  return {
    async stop() {
      ending.abort()
      await loop
      return seen
    },
  }
}

async function demo(): Promise<void> {
  const began = performance.now()
  const lab = await up({ name, hosts: ['trixie'] })
  const { url } = hostOf(lab)
  say(`demo: a registry and a server are up after ${((performance.now() - began) / 1000).toFixed(1)} s`)
  await makeRepository(lab, url)
  await release(lab)
  say(`\n$ curl ${url}\n${(await (await fetch(url)).text()).trim()}`)

  const app = join(folder, 'app.py')
  writeFileSync(app, readFileSync(app, 'utf8').replace('version 1', 'version 2'))
  await commit('The second version')
  say('\ndemo: one line is changed and committed; the next release comes under traffic')
  const requests = traffic(url)
  await release(lab)
  const { served, failed } = await requests.stop()
  say(`\n$ curl ${url}\n${(await (await fetch(url)).text()).trim()}\n`)
  for (const [text, count] of served) say(`demo: ${count} requests answered "${text}"`)
  say(`demo: ${failed} requests got no answer, while the fixed port went from one container to the other`)
  if (keep) {
    say(`\nIt stays up: ${url}, repository ${folder}. Release again from there:`)
    say(`  export SSH_KEY="$(cat ${lab.key})"; cd ${folder}; ${join(root, 'bin/launchway')} run`)
    say(`Take it away: npm run lab -- down ${name}; rm -r ${folder}`)
  }
}

async function cleanUp(): Promise<void> {
  await down(name)
  rmSync(folder, { recursive: true, force: true })
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void cleanUp().finally(() => process.exit(130)))
try {
  await demo()
  if (!keep) await cleanUp()
} catch (error) {
  await cleanUp()
  throw error
}
