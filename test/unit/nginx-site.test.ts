import { describe, expect, it } from 'vitest'
import type { Nginx } from '../../src/core/deployment.ts'
import { type NginxBuild, parseConfiguration } from '../../src/tools/nginx.ts'
import { locationsFile, locationsText, serverFile, serverText, type Site, siteText } from '../../src/tools/nginx-site.ts'
import { server } from './support/nginx.ts'

const site: Site = {
  app: 'addie',
  environment: 'production',
  service: 'web',
  nginx: { serverNames: ['addie.example.org', 'www.example.org'] },
  ports: { a: 20_100, b: 20_101 },
  slotFile: '/var/lib/launchway/addie/production/slot.b',
  maintenanceFile: '/var/lib/launchway/addie/production/maintenance',
  healthPath: '/healthz',
}
const tls = { certificate: '/etc/ssl/a.pem', key: '/etc/ssl/a.key' }
const ours = '/etc/nginx/launchway.d'
const on = { ours, ipv6: true, hasRoot: true }
const build = (version: string): NginxBuild => ({ version, http2: true })
const of = (nginx: Partial<Nginx>): Site => ({ ...site, nginx: { ...site.nginx, ...nginx } })
const plain = (text: string): string => text.replaceAll(/launchway_[0-9a-f]{10}/g, 'ID')

/** The directives that a file has and another has not, in their order. */
function more(text: string, than: string): string[] {
  const known = new Set(than.split('\n'))
  return text
    .split('\n')
    .filter((line) => !known.has(line))
    .map((line) => line.trim())
}

describe('the upstreams of a service', () => {
  it('are its two slots, each with the other as its backup, and who may ask for one', () => {
    expect(plain(siteText(site, build('1.22.1')))).toBe(`# Written by launchway: web of addie in production. A deploy writes it anew.
upstream ID_a {
    server 127.0.0.1:20100 max_fails=0;
    server 127.0.0.1:20101 max_fails=0 backup;
}
upstream ID_b {
    server 127.0.0.1:20101 max_fails=0;
    server 127.0.0.1:20100 max_fails=0 backup;
}
map "$remote_addr|$http_x_forwarded_for|$http_launchway_slot" $ID_asked {
    default "";
    "127.0.0.1||a" ID_a;
    "127.0.0.1||b" ID_b;
}
map "$remote_addr|$http_x_forwarded_for|$http_launchway_slot" $ID_deploy {
    default "";
    "127.0.0.1||a" yes;
    "127.0.0.1||b" yes;
    "127.0.0.1||live" yes;
}
map $http_upgrade $ID_upgrade {
    default "";
    "~*^websocket$" websocket;
}
map $ID_upgrade $ID_connection {
    default upgrade;
    "" close;
}
`)
  })

  it.each<[string, string[]]>([
    ['1.29.6', []],
    ['1.29.7', ['keepalive 0;', 'keepalive 0;']],
    ['1.30.0', ['keepalive 0;', 'keepalive 0;']],
    ['2.0.0', ['keepalive 0;', 'keepalive 0;']],
  ])('have for nginx %s what that one knows and needs', (version, lines) => {
    expect(more(siteText(site, build(version)), siteText(site, build('1.22.1')))).toEqual(lines)
  })

  it('keep the port of the address for the application, and take no other from a visitor', () => {
    const of8443 = of({ existing: { https: true, port: 8443 }, urlPort: 8443 })
    expect(more(plain(siteText(of8443, build('1.22.1'))), plain(siteText(site, build('1.22.1'))))).toEqual([
      'map $http_host $ID_host {',
      'default $host;',
      '"~:8443$" $host:8443;',
    ])
    expect(plain(locationsText(of8443, ours)).match(/Host .*;/g)).toEqual(['Host $ID_host;', 'Host $ID_host;'])
  })

  it('have names of their own for services whose names differ by a character alone', () => {
    const ids = ['a-b', 'a_b', 'ab'].map((service) => /upstream (\w+)_a/.exec(siteText({ ...site, service }, build('1.22.1')))?.[1])
    expect(new Set(ids).size).toBe(3)
  })
})

describe('the locations of a service', () => {
  const usual = locationsText(site, ours)

  it('lead each request to the slot that the slot file names, or to the page of maintenance', () => {
    expect(plain(usual).replace(/return 503 .*/, 'return 503 …'))
      .toBe(`# Written by launchway: web of addie in production. A deploy writes it anew.
# What you want to add to the server goes to /etc/nginx/launchway.d/addie.production.web.conf
include /etc/nginx/launchway.d/addie.production.web.[c]onf;
location / {
    open_file_cache off;
    set $ID ID_a;
    if (-f /var/lib/launchway/addie/production/slot.b) { set $ID ID_b; }
    if ($ID_asked) { set $ID $ID_asked; }
    set $ID_closed "";
    if (-f /var/lib/launchway/addie/production/maintenance) { set $ID_closed yes; }
    if ($ID_deploy) { set $ID_closed ""; }
    if ($uri = "/healthz") { set $ID_closed ""; }
    if ($ID_closed) { rewrite ^ /.launchway/ID/closed last; }
    if ($ID_deploy) { add_header Launchway-Upstream $upstream_addr always; }
    proxy_pass http://$ID;
    proxy_http_version 1.1;
    proxy_set_header Host $host;
    proxy_set_header X-Real-IP $remote_addr;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header X-Forwarded-Host $host;
    proxy_set_header X-Forwarded-Prefix "";
    proxy_set_header Forwarded "";
    proxy_set_header X-Forwarded-Port "";
    proxy_set_header X-Forwarded-Scheme "";
    proxy_set_header X-Forwarded-Ssl "";
    proxy_set_header Upgrade $ID_upgrade;
    proxy_set_header Connection $ID_connection;
    proxy_set_header Launchway-Slot "";
    proxy_next_upstream error;
    proxy_connect_timeout 5s;
    proxy_read_timeout 300s;
    proxy_send_timeout 300s;
}
location = /.launchway/ID/closed {
    internal;
    default_type text/html;
    add_header Retry-After 300 always;
    add_header Cache-Control no-store always;
    return 503 …
}
`)
  })

  it.each<[string, Partial<Nginx>, string[]]>([
    [
      'headers, which take the place of those of the application',
      { headers: { 'X-Frame-Options': 'DENY', 'X-Q': 'a "b" \\', Server: '' } },
      [
        'add_header X-Frame-Options "DENY" always;',
        String.raw`add_header X-Q "a \"b\" \\" always;`,
        'proxy_hide_header X-Frame-Options;',
        'proxy_hide_header X-Q;',
        'proxy_hide_header Server;',
      ],
    ],
    ['HTTPS as what visitors come by, where somebody else speaks it', { behindTls: true }, ['proxy_set_header X-Forwarded-Proto https;']],
    ['a larger body', { bodySize: '20m' }, ['client_max_body_size 20m;']],
    ['another time', { timeoutMs: 90_500 }, ['proxy_read_timeout 90500ms;', 'proxy_send_timeout 90500ms;']],
    ['a path', { path: '/api' }, ['location = /api {', 'location /api/ {']],
    [
      'a page of its own for maintenance',
      { maintenancePage: '/srv/soon.html' },
      ['error_page 503 /.launchway/ID/closed/page;', 'return 503;', 'location = /.launchway/ID/closed/page {', 'alias /srv/soon.html;'],
    ],
    [
      'errors as JSON',
      { errors: 'json' },
      ['location @ID_error {', `return 200 '{"error":{"code":$status,"message":"$ID_error"}}';`, 'default_type application/json;'],
    ],
  ])('have %s', (_, nginx, lines) => {
    const added = more(plain(locationsText(of(nginx), ours)), plain(usual))
    expect(added).toEqual(expect.arrayContaining(lines))
  })

  it('of a prefix that is stripped tell it to the application, and mend where it redirects to', () => {
    const text = plain(locationsText(of({ path: '/a.b/c', stripPrefix: true }), ours))
    expect(text).toContain('proxy_pass http://$ID$ID_uri;')
    expect(text).toContain('proxy_set_header X-Forwarded-Prefix /a.b/c;')
    const [, redirect = '', to = ''] = /proxy_redirect "~([^"]+)" (\S+);/.exec(text) ?? []
    const sent = (location: string): string => location.replace(new RegExp(redirect), to)
    expect(
      ['/login', '/a.b/c/x', '/a.b/c', '/a.b/cx', '/aXb/c/x', '//other.example.org/', 'https://other.example.org/x'].map(sent),
    ).toEqual([
      '/a.b/c/login',
      '/a.b/c/x',
      '/a.b/c',
      '/a.b/c/a.b/cx',
      '/a.b/c/aXb/c/x',
      '//other.example.org/',
      'https://other.example.org/x',
    ])
  })

  it("within a server of the user's have nothing outside of a location", () => {
    const text = locationsText(of({ existing: { https: true, port: 443 }, errors: 'json' }), ours)
    const outside = text.split('\n').filter((line) => !/^( |#|\}|$)/.test(line))
    expect(outside.filter((line) => !line.startsWith('location '))).toEqual([])
  })

  it('are read back as those that they are', () => {
    const file = locationsFile(ours, site)
    const read = (nginx: Partial<Nginx>): string[] =>
      parseConfiguration(`# configuration file ${file}:\n${plain(locationsText(of(nginx), ours))}`).parts[0]?.locations ?? []
    expect(read({})).toEqual(['/', '= /.launchway/ID/closed'])
    expect(read({ path: '/api' })).toEqual(['= /api', '/api/', '= /.launchway/ID/closed'])
    expect(file).toBe('/etc/nginx/launchway.d/servers/addie.example.org/addie.production.web.conf')
  })
})

describe('the server of a name', () => {
  const usual = serverText(site.nginx, build('1.22.1'), on)

  it('includes what leads to its services, of all applications', () => {
    expect(usual).toBe(`# Written by launchway: a server for all services with its names. A deploy writes it anew.
server {
    listen 80;
    listen [::]:80;
    server_name addie.example.org www.example.org;
    include /etc/nginx/launchway.d/servers/addie.example.org/*.conf;
}
`)
  })

  it.each<[string, NginxBuild, string[]]>([
    ['1.22', build('1.22.1'), []],
    ['1.26', build('1.26.3'), ['http2 on;']],
    ['1.26 without HTTP/2', { version: '1.26.3', http2: false }, []],
    ['1.27.4', build('1.27.4'), ['http2 on;', 'keepalive_min_timeout 1s;']],
  ])('speaks HTTPS on nginx %s, and sends plain HTTP there', (_, version, lines) => {
    const added = more(serverText({ ...site.nginx, tls }, version, on), usual)
    expect(added).toEqual(
      expect.arrayContaining([
        'listen 443 ssl;',
        'listen [::]:443 ssl;',
        'ssl_certificate /etc/ssl/a.pem;',
        'ssl_certificate_key /etc/ssl/a.key;',
        'return 308 https://$host$request_uri;',
      ]),
    )
    expect(added.filter((line) => /^(http2|keepalive)/.test(line))).toEqual(lines)
  })

  it('answers both where it shall not send anybody on', () => {
    const text = serverText({ ...site.nginx, tls, redirect: false }, build('1.22.1'), on)
    expect(text.match(/^ *listen .*$/gm)?.map((line) => line.trim())).toEqual([
      'listen 80;',
      'listen [::]:80;',
      'listen 443 ssl;',
      'listen [::]:443 ssl;',
    ])
    expect(text).not.toContain('308')
  })

  it('leaves out IPv6 where the host has none', () => {
    expect(serverText(site.nginx, build('1.22.1'), { ...on, ipv6: false })).not.toContain('[::]')
  })

  it('is one and the same for the same names in another order, and never that of an application', () => {
    expect(serverFile('/c', ['B.example.org', 'a.example.org'])).toBe('/c/launchway-server.a.example.org.conf')
    expect(serverFile('/c', ['a.example.org', 'b.example.org'])).toBe('/c/launchway-server.a.example.org.conf')
    expect(serverFile('/c', ['*.example.org'])).toBe('/c/launchway-server._.example.org.conf')
  })

  it('is read back as the servers that it has', () => {
    const file = '/etc/nginx/conf.d/x.conf'
    const text = serverText({ ...site.nginx, tls }, build('1.30.6'), on)
    const { servers } = parseConfiguration(`# configuration file ${file}:\n${text}`)
    const names = ['addie.example.org', 'www.example.org']
    expect(servers).toEqual([
      server({ file, ports: [80, 80], six: [80], names, after: 0 }),
      server({
        file,
        ports: [443, 443],
        six: [443],
        names,
        includes: ['/etc/nginx/launchway.d/servers/addie.example.org/*.conf'],
        after: 0,
      }),
    ])
  })
})
