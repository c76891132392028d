import { hash } from 'node:crypto'
import type { Nginx } from '../core/deployment.ts'
import { isAtLeast, type NginxBuild } from './nginx.ts'
import { type Assets, assetLocations, toAssets } from './nginx-assets.ts'
import { challengeLocation } from './nginx-challenge.ts'
import { forwardedHeaders, forwardedMaps } from './nginx-forwarded.ts'
import { block, errorWords, file, listenOn, word } from './nginx-text.ts'

/** What nginx reads for a service: three files, and whoever writes them in this order leaves no moment in which they do not fit. */

/** A service that nginx leads to. */
export interface Site {
  app: string
  environment: string
  service: string
  nginx: Nginx
  /** On the loopback of the host. */
  ports: { a: number; b: number }
  /** While this file is there, slot b serves; else slot a. */
  slotFile: string
  /** While this file is there, visitors get a page instead of the service. */
  maintenanceFile: string
  /** The path of the health page as visitors ask for it, which answers during maintenance as well. */
  healthPath?: string
  /** The folder on the host with the files of both slots, where visitors are given them. */
  assets?: string
}

type Owner = Pick<Site, 'app' | 'environment' | 'service'>

const dotted = ({ app, environment, service }: Owner): string => `${app}.${environment}.${service}.conf`

/** The folder for what no pattern of nginx's own includes, beside its first file: `ours` below is this one, or another. */
export function besideMain(main: string): string {
  return `${main.slice(0, main.lastIndexOf('/'))}/launchway.d`
}

/** Upstreams and maps of a service, which belong into the http block. */
export function siteFile(folder: string, of: Owner): string {
  return `${folder}/launchway.${dotted(of)}`
}

/** What the user adds to the server of a service: no deploy touches it. */
export function additionsFile(ours: string, of: Owner): string {
  return `${ours}/${dotted(of)}`
}

/** By what a server with these names is known, whichever order they are in. */
export function serverKey(names: readonly string[]): string {
  return names.map((name) => name.toLowerCase().replaceAll('*', '_')).toSorted()[0] ?? ''
}

/** Below it each server has a folder, whose files hold the locations of the services that it leads to. */
export function serversFolder(ours: string): string {
  return `${ours}/servers`
}

export function locationsFile(ours: string, of: Owner & { nginx: Nginx }): string {
  return `${serversFolder(ours)}/${serverKey(of.nginx.serverNames)}/${dotted(of)}`
}

/** What a server has to include, be it of launchway's or of the user's. While the folder is empty it is nothing. */
export function serverInclude(ours: string, names: readonly string[]): string {
  return `${serversFolder(ours)}/${serverKey(names)}/*.conf`
}

/** A server that launchway writes. No application is called `launchway-server`: its name would be followed by a dot. */
export function serverFile(folder: string, names: readonly string[]): string {
  return `${folder}/launchway-server.${serverKey(names)}.conf`
}

/** The locations that a service takes of its server, as `parseConfiguration` tells them. */
export function locationsOf({ path }: Nginx): string[] {
  return path === undefined ? ['/'] : [`= ${path}`, `${path}/`]
}

const idOf = (of: Owner): string => `launchway_${hash('sha256', `${of.app}.${of.environment}.${of.service}`).slice(0, 10)}`

function written({ app, environment, service }: Owner): string {
  return `# Written by launchway: ${service} of ${app} in ${environment}. A deploy writes it anew.`
}

/**
 * The two slots of a service: the other one is the backup, so who asks in the moment between two looks at the slot file
 * is still served. From the loopback, and only from there, a request may ask for a slot, and is told who answered: so a
 * version is tried through nginx before anybody else sees it.
 */
export function siteText(site: Site, build: NginxBuild): string {
  const { nginx, ports } = site
  const id = idOf(site)
  const upstream = (slot: 'a' | 'b', other: 'a' | 'b'): string[] =>
    block(`upstream ${id}_${slot}`, [
      `server 127.0.0.1:${ports[slot]} max_fails=0;`,
      `server 127.0.0.1:${ports[other]} max_fails=0 backup;`,
      // From then on connections are kept by default, and one that is kept can end under a request.
      ...(isAtLeast(build.version, '1.29.7') ? ['keepalive 0;'] : []),
    ])
  return file([
    written(site),
    ...upstream('a', 'b'),
    ...upstream('b', 'a'),
    ...block(`map "$remote_addr|$http_x_forwarded_for|$http_launchway_slot" $${id}_asked`, [
      'default "";',
      `"127.0.0.1||a" ${id}_a;`,
      `"127.0.0.1||b" ${id}_b;`,
    ]),
    ...block(`map "$remote_addr|$http_x_forwarded_for|$http_launchway_slot" $${id}_deploy`, [
      'default "";',
      '"127.0.0.1||a" yes;',
      '"127.0.0.1||b" yes;',
      '"127.0.0.1||live" yes;',
    ]),
    ...forwardedMaps(id, nginx).flatMap(([head, lines]) => block(head, lines)),
    ...(nginx.stripPrefix === true && nginx.path !== undefined
      ? // As the visitor spelled it: what nginx has decoded once could not be told apart any more.
        block(`map $request_uri $${id}_uri`, ['default "";', `"~^${pattern(nginx.path)}/?(?<${id}_rest>.*)$" "/$${id}_rest";`])
      : []),
    ...(nginx.errors === 'json'
      ? block(`map $status $${id}_error`, [
          'default Error;',
          ...Object.entries(errorWords).map(([status, words]) => `${status} ${word(words)};`),
        ])
      : []),
  ])
}

const pattern = (path: string): string => path.replaceAll('.', String.raw`\.`)

/**
 * The locations of a service, included within a server. An `if` there does nothing but set a variable, leave the
 * location, or add a header to what a deploy asks for: so all that holds outside of it holds inside.
 */
export function locationsText(site: Site, ours: string): string {
  const { nginx } = site
  const id = idOf(site)
  const own = ownHeaders(nginx)
  const errors = nginx.errors === 'json' ? [`error_page ${Object.keys(errorWords).join(' ')} @${id}_error;`] : []
  const isWhole = nginx.existing === undefined && nginx.path === undefined
  return file([
    written(site),
    ...(nginx.existing === undefined
      ? [
          `# What you want to add to the server goes to ${additionsFile(ours, site)}`,
          // A pattern, which may fit nothing, where a plain name must be there.
          `include ${additionsFile(ours, site).replace(/conf$/, '[c]onf')};`,
        ]
      : []),
    // Whoever has all of a server answers for what nginx refuses before it has looked for a location, too.
    ...(isWhole ? errors : []),
    ...locationsOf(nginx).flatMap((location) => block(`location ${location}`, [...errors, ...toService(site, own)])),
    ...closedLocations(site, own),
    ...assetsOf(site).flatMap((assets) => assetLocations(assets, own, passedOn(site, '$request_uri'))),
    ...(nginx.errors === 'json'
      ? block(`location @${id}_error`, [
          'default_type application/json;',
          ...own,
          // The status stays that of the error.
          `return 200 '{"error":{"code":$status,"message":"$${id}_error"}}';`,
        ])
      : []),
  ])
}

/** As soon as a location adds a header of its own, nginx adds none of those outside of it: so each one has all. */
function ownHeaders({ headers = {} }: Nginx): string[] {
  return Object.entries(headers).flatMap(([name, value]) => (value === '' ? [] : [`add_header ${name} ${word(value)} always;`]))
}

function assetsOf(site: Site): Assets[] {
  return site.assets === undefined ? [] : [{ id: idOf(site), folder: site.assets }]
}

function toService(site: Site, own: readonly string[]): string[] {
  const { slotFile, maintenanceFile, healthPath } = site
  const id = idOf(site)
  const assets = assetsOf(site)
  const slot = (name: 'a' | 'b'): string => (assets.length === 0 ? '' : ` set $${id}_slot ${name};`)
  return [
    // A worker that remembered the slot file would look at it too late.
    'open_file_cache off;',
    `set $${id} ${id}_a;${slot('a')}`,
    `if (-f ${slotFile}) { set $${id} ${id}_b;${slot('b')} }`,
    `if ($${id}_asked) { set $${id} $${id}_asked; }`,
    `set $${id}_closed "";`,
    `if (-f ${maintenanceFile}) { set $${id}_closed yes; }`,
    `if ($${id}_deploy) { set $${id}_closed ""; }`,
    ...(healthPath === undefined ? [] : [`if ($uri = ${word(healthPath)}) { set $${id}_closed ""; }`]),
    `if ($${id}_closed) { rewrite ^ ${closedAt(id)} last; }`,
    ...(strippedOf(site) !== undefined ? [`if ($${id}_uri = "") { return 404; }`] : []),
    ...assets.flatMap(toAssets),
    ...own,
    // Not for everybody with an empty value: a header of ours would take away those that the user has outside.
    `if ($${id}_deploy) { add_header Launchway-Upstream $upstream_addr always; }`,
    ...passedOn(site, ''),
  ]
}

const strippedOf = ({ nginx }: Site): string | undefined => (nginx.stripPrefix === true ? nginx.path : undefined)

/** @param uri what the application is asked for, where its path is not stripped; empty: the same as nginx, while nothing has been rewritten */
function passedOn(site: Site, uri: '' | '$request_uri'): string[] {
  const { nginx } = site
  const id = idOf(site)
  const timeout = nginx.timeoutMs === undefined ? '300s' : `${nginx.timeoutMs}ms`
  const stripped = strippedOf(site)
  return [
    ...(nginx.bodySize === undefined ? [] : [`client_max_body_size ${nginx.bodySize};`]),
    `proxy_pass http://$${id}${stripped === undefined ? uri : `$${id}_uri`};`,
    'proxy_http_version 1.1;',
    ...forwardedHeaders(id, nginx, stripped),
    // An application that knows its prefix names it itself.
    ...(stripped === undefined ? [] : [`proxy_redirect "~^/(?!/|${pattern(stripped.slice(1))}(?:[/?#]|$))(.*)$" ${stripped}/$1;`]),
    ...Object.keys(nginx.headers ?? {}).map((name) => `proxy_hide_header ${name};`),
    'proxy_next_upstream error;',
    'proxy_connect_timeout 5s;',
    `proxy_read_timeout ${timeout};`,
    `proxy_send_timeout ${timeout};`,
  ]
}

const closedAt = (id: string): string => `/.launchway/${id}/closed`

const closedPage =
  '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Back soon</title><h1>Back soon</h1><p>This service is under maintenance. Please try again in a few minutes.</p></html>'

/** What visitors get during maintenance. */
function closedLocations(site: Site, own: readonly string[]): string[] {
  const { nginx } = site
  const id = idOf(site)
  const headers = ['add_header Retry-After 300 always;', 'add_header Cache-Control no-store always;', ...own]
  const page = nginx.maintenancePage
  if (page !== undefined) {
    return [
      ...block(`location = ${closedAt(id)}`, ['internal;', `error_page 503 ${closedAt(id)}/page;`, 'return 503;']),
      ...block(`location = ${closedAt(id)}/page`, ['internal;', `alias ${page};`, 'types { }', 'default_type text/html;', ...headers]),
    ]
  }
  const [type, body] =
    nginx.errors === 'json' ? ['application/json', '{"error":{"code":503,"message":"Service Unavailable"}}'] : ['text/html', closedPage]
  return block(`location = ${closedAt(id)}`, ['internal;', `default_type ${type};`, ...headers, `return 503 '${body}';`])
}

/**
 * A server that launchway writes, for all services with its names, of whichever application.
 * @param of hasRoot: one of the services has the path /; challenge: a certificate is asked for by way of this server
 */
export function serverText(
  { serverNames, tls, redirect }: Pick<Nginx, 'serverNames' | 'tls' | 'redirect'>,
  build: NginxBuild,
  of: { ours: string; ipv6: boolean; hasRoot: boolean; challenge?: boolean },
): string {
  const listen = (what: string): string[] => listenOn(what, of.ipv6)
  const since = (version: string, ...lines: string[]): string[] => (isAtLeast(build.version, version) ? lines : [])
  const names = `server_name ${serverNames.join(' ')};`
  const redirects = tls !== undefined && redirect !== false
  const secure =
    tls === undefined
      ? []
      : [
          ...listen('443 ssl'),
          ...(build.http2 ? since('1.25.1', 'http2 on;') : []),
          `ssl_certificate ${tls.certificate};`,
          `ssl_certificate_key ${tls.key};`,
          'ssl_protocols TLSv1.2 TLSv1.3;',
        ]
  const challenge = of.challenge === true ? challengeLocation() : []
  const away = 'return 308 https://$host$request_uri;'
  return file([
    '# Written by launchway: a server for all services with its names. A deploy writes it anew.',
    ...(redirects
      ? // Before a server has looked for a location, it would send everything away.
        block('server', [...listen('80'), names, ...challenge, ...(of.challenge === true ? [`location / { ${away} }`] : [away])])
      : []),
    ...block('server', [
      ...(redirects ? [] : listen('80')),
      ...secure,
      names,
      // After a reload, a connection that a client is about to use stays for this long.
      ...since('1.27.4', 'keepalive_min_timeout 1s;'),
      ...(redirects ? [] : challenge),
      // Else nginx would show what it finds in a folder of its own.
      ...(of.hasRoot ? [] : ['location / { return 404; }']),
      `include ${serverInclude(of.ours, serverNames)};`,
    ]),
  ])
}
