import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { authorityOf } from '../keys.ts'
import type { Lab } from '../lab.ts'
import { ask as tryTo, call, docker } from '../run.ts'
import { type Traffic, traffic } from '../traffic.ts'
import { type Ended, launchway } from './launchway.ts'
import { change, makeExample } from './repository.ts'
import type { Change, Ground, Site, System } from './system.ts'

/** A system of the examples on a host of a lab, before its first release. */
export interface Opened extends AsyncDisposable {
  site: Site
  /** `launchway ARGS…` in its working tree, with the secrets that its team would have. */
  launchway(this: void, ...args: string[]): Promise<Ended>
  commit(message: string, files: Change): Promise<void>
  /** Connections that never retry, and POST for the version that answers. */
  traffic(): Traffic
}

const suite = 'trixie'

/** @param app its name on the host, and that of its repositories */
export async function openSystem(name: string, system: System, lab: Lab, app: string): Promise<Opened> {
  const host = lab.hosts[suite]
  if (host === undefined) throw new Error(`the lab ${lab.name} has no host ${suite}`)
  const home = mkdtempSync(join(tmpdir(), 'launchway-example-'))
  const folder = join(home, name)
  const port = host.ports[system.port] ?? 0
  const ca = system.https === true ? authorityOf(lab.folder) : undefined
  const onHost = (...words: string[]): Promise<string> => docker('exec', host.container, ...words)
  const site: Site = {
    lab,
    host,
    app,
    folder,
    onHost,
    async ask(path, form, { json, headers = {} } = {}) {
      // curl, since fetch lets nobody say another name of the host than that of the address.
      const data = Object.entries(form ?? {}).flatMap(([key, value]) => ['--data-urlencode', `${key}=${value}`])
      const at = `${ca === undefined ? 'http' : 'https'}://${system.serverName}:${port}`
      const cookies = join(home, 'cookies')
      const words = [
        ...['--silent', '--max-time', '20', '--resolve', `${system.serverName}:${port}:127.0.0.1`, '--write-out', '\n%{http_code}'],
        ...['--cookie', cookies, '--cookie-jar', cookies],
        // A redirect leads to the port that it has in the world.
        ...(ca === undefined ? [] : ['--cacert', ca, '--connect-to', `${system.serverName}:443:127.0.0.1:${port}`]),
      ]
      const body = json === undefined ? [] : ['--json', JSON.stringify(json)]
      const said = Object.entries(headers).flatMap(([key, value]) => ['--header', `${key}: ${value}`])
      const posted = data.length === 0 ? [] : ['--location', ...data]
      const { stdout } = await call('curl', [...words, ...posted, ...body, ...said, `${at}${path}`])
      const end = stdout.lastIndexOf('\n')
      return { status: Number(stdout.slice(end + 1)), body: stdout.slice(0, end) }
    },
  }
  const env = { ...system.secrets, SSH_KEY: readFileSync(lab.key, 'utf8'), XDG_STATE_HOME: join(home, 'state') }
  await makeExample(name, folder, system.branch, {
    lab,
    host,
    account: 'ops',
    app,
    texts: system.texts,
    bases: system.bases ?? [],
    pulled: system.pulled,
  })
  await system.prepare(site)
  return {
    site,
    launchway: (...args) => launchway(folder, args, env),
    commit: (message, files) => change(folder, message, files),
    traffic: () =>
      traffic({
        port,
        serverName: system.serverName,
        ...(ca === undefined ? {} : { ca: readFileSync(ca, 'utf8') }),
        path: system.version,
        connections: 20,
        pauseMs: 50,
        seconds: 600,
      }),
    async [Symbol.asyncDispose]() {
      await clearSystem(site)
      await system.clear(site)
      rmSync(home, { recursive: true, force: true })
    },
  }
}

/** Containers, networks, volumes and files: the system was there for a test. */
export async function clearSystem({ app, onHost, lab }: Ground): Promise<void> {
  const script = `
    for one in $(docker ps --all --quiet --filter label=launchway.app=${app}); do docker rm --force --volumes "$one"; done
    for one in $(docker volume ls --quiet --filter name=^${app}); do docker volume rm --force "$one"; done
    for one in $(docker network ls --quiet --filter name=^${app}); do docker network rm "$one"; done
    rm -rf /var/lib/launchway/${app} /etc/nginx/conf.d/launchway.${app}.* /etc/nginx/launchway.d/servers/*/${app}.*
    nginx -s reload || lab-service nginx restart`
  await onHost('sh', '-c', script)
  const references = [`${app}/*`, `${app}*`].flatMap((one) => ['--filter', `reference=${lab.registry.address}/${one}`])
  // By name: the same image may have others.
  const mine = (await tryTo('docker', ['image', 'ls', '--format', '{{.Repository}}:{{.Tag}}', ...references])) ?? ''
  const names = mine.split('\n').filter((name) => name !== '' && !name.endsWith(':<none>'))
  if (names.length > 0) await tryTo('docker', ['image', 'rm', '--force', ...names])
}
