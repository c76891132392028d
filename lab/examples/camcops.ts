import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeCertificate } from '../keys.ts'
import { call } from '../run.ts'
import type { Ground, Site, System } from './system.ts'

const serverName = 'camcops.example.org'
const password = 'of-a-lab-and-long'
/** Where its document has the configuration on the host, and certbot a certificate. */
const folders = { configuration: '/etc/camcops', certificate: `/etc/letsencrypt/live/${serverName}` }

/** Puts a file on the host, with that mode and owner. */
async function put({ host }: Ground, path: string, text: string, mode: string, owner: string): Promise<void> {
  const script = 'umask 077; cat > "$1"; chown "$3" "$1"; chmod "$2" "$1"'
  await call('docker', ['exec', '--interactive', host.container, 'sh', '-c', script, 'sh', path, mode, owner], { stdin: text })
}

/** Logs in as people do: the form has a token, and the cookie that belongs to it. */
export async function logIn({ ask }: Site): Promise<string> {
  const form = await ask('/login')
  const token = /name="csrf_token" value="([^"]+)"/.exec(form.body)?.[1]
  if (token === undefined) throw new Error(`there is no form to log in with: ${form.status} ${form.body}`)
  const { body } = await ask('/login', { csrf_token: token, username: 'admin', password, submit: 'submit' })
  return body
}

/** Waits until the worker that runs now has done what the scheduler asks for once a minute, by way of the broker. */
async function housekeeping({ app, onHost }: Site, withinMs = 150_000): Promise<void> {
  const filters = [`label=launchway.app=${app}`, 'label=launchway.service=camcops_workers'].flatMap((one) => ['--filter', one])
  const deadline = performance.now() + withinMs
  for (;;) {
    const name = (await onHost('docker', 'ps', ...filters, '--format', '{{.Names}}')).trim()
    const log = name === '' ? '' : await onHost('sh', '-c', `docker logs ${name} 2>&1`)
    if (/housekeeping\[\S+\] succeeded/.test(log)) return
    if (performance.now() > deadline) throw new Error(`the worker ${name} did nothing that the scheduler asks for: ${log.slice(-2000)}`)
    await new Promise((resolve) => setTimeout(resolve, 1000))
  }
}

export const camcops: System = {
  branch: 'master',
  environment: 'production',
  port: '443',
  https: true,
  serverName,
  pulled: ['mysql:8', 'rabbitmq:3'],
  bases: ['python:3.11-slim-bookworm'],
  // A release that is published on GitHub in the world; here whatever is committed.
  texts: { 'master: {}': 'master: production' },
  secrets: {
    CAMCOPS_DOCKER_MYSQL_ROOT_PASSWORD: 'root-of-a-lab',
    CAMCOPS_DOCKER_MYSQL_CAMCOPS_USER_PASSWORD: 'camcops-of-a-lab',
    CAMCOPS_SUPERUSER_PASSWORD: password,
  },
  async prepare(site) {
    const { lab, folder, onHost } = site
    for (const one of Object.values(folders)) await onHost('mkdir', '-p', one)
    // As its document says: what `demo_camcops_config` prints, edited; nginx has the certificate, and says who asks.
    const text = readFileSync(join(folder, 'smoke/cfg/camcops.conf'), 'utf8')
      .replaceAll('smoke-only', 'camcops-of-a-lab')
      .replace(/^SSL_.*\n/gm, '')
      .replace(/^EXTERNAL_SERVER_NAME = .*$/m, `EXTERNAL_SERVER_NAME = ${serverName}`)
      .replace(
        /^PORT = .*$/m,
        '$&\nTRUSTED_PROXY_HEADERS =\n    HTTP_X_FORWARDED_HOST\n    HTTP_X_FORWARDED_PROTO\n    HTTP_X_FORWARDED_FOR',
      )
    await put(site, `${folders.configuration}/camcops.conf`, text, '0400', '1001')
    const { certificate, key } = await makeCertificate(lab.folder, 'camcops', `DNS:${serverName}`)
    await put(site, `${folders.certificate}/fullchain.pem`, readFileSync(certificate, 'utf8'), '0644', 'root')
    await put(site, `${folders.certificate}/privkey.pem`, readFileSync(key, 'utf8'), '0600', 'root')
  },
  async clear({ onHost }) {
    await onHost('rm', '-rf', ...Object.values(folders))
  },
  version: '/static/version.txt',
  next: { 'server/version.txt': ['1.0.0', '1.1.0'] },
  broken: {
    'server/version.txt': ['1.1.0', '1.2.0'],
    'docker-compose.yml': ['camcops_server serve_cherrypy', 'camcops_server serve_cherypy'],
    'launchway.yml': ['smoke:', 'smoke: false\nx-smoke:'],
  },
  async use(site, version) {
    const { body } = await site.ask('/static/version.txt')
    if (body.trim() !== version) throw new Error(`it is ${body}, not ${version}`)
    const menu = await logIn(site)
    if (!/log ?out/i.test(menu)) throw new Error(`nobody was logged in: ${menu}`)
    await housekeeping(site)
  },
}
