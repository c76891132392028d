import { hash } from 'node:crypto'
import type { Nginx } from '../core/deployment.ts'

/** What an nginx can do. */
export interface NginxBuild {
  /** `1.22.1` */
  version: string
  http2: boolean
}

/** What `nginx -V` says, version and configure arguments. */
export function parseBuild(text: string): NginxBuild | undefined {
  const [, version] = /nginx version: [^/\s]+\/(\d+\.\d+\.\d+)/.exec(text) ?? []
  return version === undefined ? undefined : { version, http2: /--with-http_v2_module\b/.test(text) }
}

function isAtLeast(version: string, wanted: string): boolean {
  const [ours, theirs] = [version, wanted].map((text) => text.split('.').map(Number))
  const at = [0, 1, 2].find((index) => ours?.[index] !== theirs?.[index])
  return at === undefined || (ours?.[at] ?? 0) > (theirs?.[at] ?? 0)
}

/** A server block, and the file that it stands in. */
interface NginxServer {
  file: string
  /** The ports it listens on. */
  ports: number[]
  /** Where it listens on one address alone, `203.0.113.5:443`: nginx gives it all that comes in there. */
  addresses: string[]
  names: string[]
}

/** What `nginx -T` shows of the configuration that nginx would load. */
export interface NginxConfiguration {
  /** The first file, which includes the others. */
  main: string
  servers: NginxServer[]
  /** The patterns that the http block includes, as full paths. */
  includes: string[]
  /** Addresses that a file names which is included within a server. */
  within: { file: string; address: string }[]
}

/** @param dump standard output of `nginx -T` */
export function parseConfiguration(dump: string): NginxConfiguration {
  const marks = [...dump.matchAll(/^# configuration file (.+):$/gm)]
  const main = marks[0]?.[1] ?? ''
  const folder = main.slice(0, main.lastIndexOf('/'))
  const servers: NginxServer[] = []
  const includes: string[] = []
  const within: NginxConfiguration['within'] = []
  for (const [index, mark] of marks.entries()) {
    const file = mark[1] ?? ''
    const text = dump.slice(mark.index + mark[0].length, marks[index + 1]?.index)
    let server: NginxServer | undefined
    for (const { path, words } of directives(text)) {
      const [name, ...values] = words
      const inServer = path.at(-1) === 'server'
      const isHttp = !path.some((block) => block === 'stream' || block === 'mail')
      if (name === 'server' && inServer) {
        server = isHttp ? { file, ports: [], addresses: [], names: [] } : undefined
        if (server !== undefined) servers.push(server)
      } else if (name === 'listen') {
        const { port, address } = parseListen(values[0] ?? '')
        if (inServer && port !== undefined) server?.ports.push(port)
        if (inServer && address !== undefined) server?.addresses.push(address)
        if (path.length === 0 && address !== undefined) within.push({ file, address })
      } else if (inServer && name === 'server_name') server?.names.push(...values.map((value) => value.toLowerCase()))
      else if (name === 'include' && path.join(' ') === 'http' && file === main)
        includes.push(...values.map((value) => (value.startsWith('/') ? value : `${folder}/${value}`)))
    }
  }
  for (const server of servers) if (server.ports.length === 0) server.ports.push(80)
  return { main, servers, includes, within }
}

/** `80`, `*:80`, `[::]:80`; `10.0.0.7` (whose port is 80) is an address of its own; a socket of the file system is neither. */
function parseListen(listen: string): { port?: number; address?: string } {
  if (listen.startsWith('unix:')) return {}
  const [, port = '80'] = /(?:^|:)(\d+)$/.exec(listen) ?? []
  const address = listen.replace(/(?:^|:)\d+$/, '')
  const isEvery = ['', '*', '0.0.0.0', '[::]'].includes(address)
  return { port: Number(port), ...(isEvery ? {} : { address: `${address}:${port}` }) }
}

interface Directive {
  /** The blocks it stands in, from the outside; of a block also itself. */
  path: readonly string[]
  words: readonly string[]
}

/** The directives of a file in their order. What is no configuration after all gives nonsense, never an error. */
function* directives(text: string): Generator<Directive> {
  const path: string[] = []
  let words: string[] = []
  // A comment, a quoted word, a mark, or a plain word, in which ${name} is a variable and no block.
  for (const [token] of text.matchAll(/#.*|"(?:[^"\\]|\\[^])*"|'(?:[^'\\]|\\[^])*'|[;{}]|(?:\$\{|\\[^]|[^\s;{}"'#\\]|(?<=\S)#|\\)+\}?/g)) {
    if (token.startsWith('#')) continue
    if (token === ';') {
      if (words.length > 0) yield { path: [...path], words }
      words = []
    } else if (token === '{') {
      path.push(words[0] ?? '')
      yield { path: [...path], words }
      words = []
    } else if (token === '}') {
      path.pop()
      words = []
    } else words.push(token.replace(/^(["'])(.*)\1$/s, '$2'))
  }
}

/** Where nginx looks for servers that others have written: conf.d before sites-enabled. */
export function siteFolder({ includes }: NginxConfiguration): string | undefined {
  const folders = includes.flatMap((pattern) => /^([\w./-]+\/(?:conf\.d|sites-enabled))\/\*(?:\.conf)?$/.exec(pattern)?.[1] ?? [])
  return folders.find((folder) => folder.endsWith('/conf.d')) ?? folders[0]
}

/** What a server of ours leads to. */
export interface Site {
  app: string
  environment: string
  service: string
  nginx: Nginx
  /** On the loopback of the host. */
  ports: { a: number; b: number }
  /** While this file is there, slot b serves; else slot a. */
  slotFile: string
}

/** The names that stand in the file and in requests. */
export function siteFile(folder: string, { app, environment, service }: Pick<Site, 'app' | 'environment' | 'service'>): string {
  return `${folder}/launchway.${app}.${environment}.${service}.conf`
}

/** What the user adds to the server of a service: beside nginx.conf, and no deploy touches it. */
export function additionsFile(main: string, { app, environment, service }: Pick<Site, 'app' | 'environment' | 'service'>): string {
  return `${main.slice(0, main.lastIndexOf('/'))}/launchway.d/${app}.${environment}.${service}.conf`
}

/**
 * The file of a service: a server whose every request goes to the slot that the slot file names, so that a switch is a
 * rename and no reload. The other slot is the backup: who asks in the moment between two looks is still served.
 * From the loopback, and only from there, a request may ask for a slot, and the answer tells which container gave it:
 * so a version is tried through nginx before anybody else sees it.
 * @param main nginx.conf, beside which the user's own additions stand
 */
export function siteText(site: Site, build: NginxBuild, host: { main: string; ipv6: boolean }): string {
  const { app, environment, service, nginx, ports, slotFile } = site
  const id = `launchway_${hash('sha256', `${app}.${environment}.${service}`).slice(0, 10)}`
  const since = (version: string, ...lines: string[]): string[] => (isAtLeast(build.version, version) ? lines : [])
  const more = additionsFile(host.main, site)
  const listen = (what: string): string[] => [`listen ${what};`, ...(host.ipv6 ? [`listen [::]:${what};`] : [])]
  const names = `server_name ${nginx.serverNames.join(' ')};`
  const upstream = (slot: 'a' | 'b', other: 'a' | 'b'): string[] =>
    block(`upstream ${id}_${slot}`, [
      `server 127.0.0.1:${ports[slot]} max_fails=0;`,
      `server 127.0.0.1:${ports[other]} max_fails=0 backup;`,
      // From then on connections are kept by default, and one that is kept can end under a request.
      ...since('1.29.7', 'keepalive 0;'),
    ])
  const secure =
    nginx.tls === undefined
      ? listen('80')
      : [
          ...listen('443 ssl'),
          ...(build.http2 ? since('1.25.1', 'http2 on;') : []),
          `ssl_certificate ${nginx.tls.certificate};`,
          `ssl_certificate_key ${nginx.tls.key};`,
          'ssl_protocols TLSv1.2 TLSv1.3;',
        ]
  const lines = [
    `# Written by launchway: ${service} of ${app} in ${environment}. A deploy writes it anew; what you want to add to the`,
    `# server goes to ${more}`,
    ...upstream('a', 'b'),
    ...upstream('b', 'a'),
    ...block(`map "$remote_addr|$http_x_forwarded_for|$http_launchway_slot" $${id}_asked`, [
      'default "";',
      `"127.0.0.1||a" ${id}_a;`,
      `"127.0.0.1||b" ${id}_b;`,
    ]),
    ...block(`map "$remote_addr|$http_x_forwarded_for" $${id}_told`, ['default "";', '"127.0.0.1|" $upstream_addr;']),
    ...block(`map $http_upgrade $${id}_connection`, ['default upgrade;', '"" close;']),
    ...(nginx.tls === undefined ? [] : block('server', [...listen('80'), names, 'return 308 https://$host$request_uri;'])),
    ...block('server', [
      ...secure,
      names,
      // A worker that remembered the slot file would look at it too late.
      'open_file_cache off;',
      // After a reload, a connection that a client is about to use stays for this long.
      ...since('1.27.4', 'keepalive_min_timeout 1s;'),
      `set $${id} ${id}_a;`,
      `if (-f ${slotFile}) { set $${id} ${id}_b; }`,
      `if ($${id}_asked) { set $${id} $${id}_asked; }`,
      `add_header Launchway-Upstream $${id}_told always;`,
      // A pattern, which may fit nothing, where a plain name must be there.
      `include ${more.replace(/conf$/, '[c]onf')};`,
      ...block('location /', [
        `proxy_pass http://$${id};`,
        'proxy_http_version 1.1;',
        'proxy_set_header Host $host;',
        'proxy_set_header X-Real-IP $remote_addr;',
        'proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;',
        'proxy_set_header X-Forwarded-Proto $scheme;',
        'proxy_set_header X-Forwarded-Host $host;',
        'proxy_set_header Upgrade $http_upgrade;',
        `proxy_set_header Connection $${id}_connection;`,
        'proxy_set_header Launchway-Slot "";',
        'proxy_next_upstream error;',
        'proxy_connect_timeout 5s;',
        'proxy_read_timeout 300s;',
        'proxy_send_timeout 300s;',
      ]),
    ]),
  ]
  return `${lines.join('\n')}\n`
}

function block(head: string, lines: readonly string[]): string[] {
  return [`${head} {`, ...lines.map((line) => `    ${line}`), '}']
}
