import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type NginxBuild, parseBuild, parseConfiguration, type Site, siteFolder, siteText } from '../../src/tools/nginx.ts'

const site: Site = {
  app: 'addie',
  environment: 'production',
  service: 'web',
  nginx: { serverNames: ['addie.example.org', 'www.example.org'] },
  ports: { a: 20_100, b: 20_101 },
  slotFile: '/var/lib/launchway/addie/production/slot.b',
}
const tls = { certificate: '/etc/ssl/a.pem', key: '/etc/ssl/a.key' }
const on = { main: '/etc/nginx/nginx.conf', ipv6: true }
const build = (version: string): NginxBuild => ({ version, http2: true })

/** The directives that a file has and another has not, in their order. */
function more(text: string, than: string): string[] {
  const known = new Set(than.split('\n'))
  return text
    .split('\n')
    .filter((line) => !known.has(line))
    .map((line) => line.trim())
}

describe('the file of a service', () => {
  const plain = siteText(site, build('1.22.1'), on)

  it('leads each request to the slot that the slot file names, with the other slot as its backup', () => {
    const [, id = ''] = /upstream (\w+)_a/.exec(plain) ?? []
    expect(plain.replaceAll(id, 'ID'))
      .toBe(`# Written by launchway: web of addie in production. A deploy writes it anew; what you want to add to the
# server goes to /etc/nginx/launchway.d/addie.production.web.conf
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
map "$remote_addr|$http_x_forwarded_for" $ID_told {
    default "";
    "127.0.0.1|" $upstream_addr;
}
map $http_upgrade $ID_connection {
    default upgrade;
    "" close;
}
server {
    listen 80;
    listen [::]:80;
    server_name addie.example.org www.example.org;
    open_file_cache off;
    set $ID ID_a;
    if (-f /var/lib/launchway/addie/production/slot.b) { set $ID ID_b; }
    if ($ID_asked) { set $ID $ID_asked; }
    add_header Launchway-Upstream $ID_told always;
    include /etc/nginx/launchway.d/addie.production.web.[c]onf;
    location / {
        proxy_pass http://$ID;
        proxy_http_version 1.1;
        proxy_set_header Host $host;
        proxy_set_header X-Real-IP $remote_addr;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_set_header X-Forwarded-Host $host;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $ID_connection;
        proxy_set_header Launchway-Slot "";
        proxy_next_upstream error;
        proxy_connect_timeout 5s;
        proxy_read_timeout 300s;
        proxy_send_timeout 300s;
    }
}
`)
  })

  it.each<[string, string[]]>([
    ['1.22.1', []],
    ['1.26.3', []],
    ['1.27.4', ['keepalive_min_timeout 1s;']],
    ['1.29.6', ['keepalive_min_timeout 1s;']],
    ['1.29.7', ['keepalive 0;', 'keepalive 0;', 'keepalive_min_timeout 1s;']],
    ['1.30.0', ['keepalive 0;', 'keepalive 0;', 'keepalive_min_timeout 1s;']],
    ['2.0.0', ['keepalive 0;', 'keepalive 0;', 'keepalive_min_timeout 1s;']],
  ])('has for nginx %s what that one knows and needs', (version, lines) => {
    expect(more(siteText(site, build(version), on), plain)).toEqual(lines)
  })

  const secure = { ...site, nginx: { ...site.nginx, tls } }
  const tlsLines = ['listen 443 ssl;', 'listen [::]:443 ssl;', 'ssl_certificate /etc/ssl/a.pem;', 'ssl_certificate_key /etc/ssl/a.key;']
  it.each<[string, NginxBuild, string[]]>([
    ['1.22', build('1.22.1'), []],
    ['1.26', build('1.26.3'), ['http2 on;']],
    ['1.26 without HTTP/2', { version: '1.26.3', http2: false }, []],
  ])('speaks HTTPS on nginx %s, and sends plain HTTP there', (_, of, lines) => {
    const added = more(siteText(secure, of, on), plain)
    expect(added).toEqual(expect.arrayContaining([...tlsLines, ...lines, 'return 308 https://$host$request_uri;']))
    expect(added.filter((line) => line.startsWith('http2'))).toEqual(lines)
  })

  it('leaves out IPv6 where the host has none', () => {
    expect(siteText(site, build('1.22.1'), { ...on, ipv6: false })).not.toContain('[::]')
  })

  it('has names of its own in nginx for names that differ by a character alone', () => {
    const ids = ['a-b', 'a_b', 'ab'].map((service) => /upstream (\w+)_a/.exec(siteText({ ...site, service }, build('1.22.1'), on))?.[1])
    expect(new Set(ids).size).toBe(3)
  })

  it('is read back as the servers that it has', () => {
    const { servers } = parseConfiguration(`# configuration file /etc/nginx/conf.d/x.conf:\n${siteText(secure, build('1.30.6'), on)}`)
    const names = ['addie.example.org', 'www.example.org']
    expect(servers).toEqual([
      { file: '/etc/nginx/conf.d/x.conf', ports: [80, 80], addresses: [], names },
      { file: '/etc/nginx/conf.d/x.conf', ports: [443, 443], addresses: [], names },
    ])
  })
})

describe('what nginx -V says', () => {
  it.each<[string, NginxBuild | undefined]>([
    ['nginx version: nginx/1.22.1\nconfigure arguments: --with-http_v2_module --with-x', { version: '1.22.1', http2: true }],
    ['nginx version: nginx/1.30.6\nconfigure arguments: --with-http_v2_modules', { version: '1.30.6', http2: false }],
    ['nginx version: openresty/1.21.4.1\nconfigure arguments:', { version: '1.21.4', http2: false }],
    ['sh: nginx: not found', undefined],
  ])('%j', (text, expected) => {
    expect(parseBuild(text)).toEqual(expected)
  })
})

const dump = `# configuration file /etc/nginx/nginx.conf:
user www-data; pid /run/nginx.pid; # include /etc/nginx/no.d/*.conf;
events { worker_connections 768; }
http {
    log_format x '{"a": "$request"; }';
    include mime.types;
    include sites-enabled/*;
    include /etc/nginx/conf.d/*.conf;
    server { listen [::]:8080 default_server; server_name _; location ~ "^/x{2};" { return 404; } }
}
stream { server { listen 80; } }

# configuration file /etc/nginx/conf.d/blog.conf:
server {
  listen 443 ssl; listen unix:/run/x.sock;
  server_name Blog.example.org
     "www.example.org"; # server_name commented.example.org;
  set $y "\${host}_{";
}
server { server_name bare.example.org; }
server { listen 203.0.113.5; listen 0.0.0.0:80; listen *:80; listen [::1]:8443 ssl; listen localhost:80; server_name own.example.org; }
# configuration file /etc/nginx/launchway.d/a.conf:
listen [2001:db8::5]:443 ssl;
listen 81;
location /x { return 404; }
`

describe('what nginx -T shows', () => {
  const found = parseConfiguration(dump)

  it('are the servers with their names, ports and files, and what http includes', () => {
    expect(found).toEqual({
      main: '/etc/nginx/nginx.conf',
      includes: ['/etc/nginx/mime.types', '/etc/nginx/sites-enabled/*', '/etc/nginx/conf.d/*.conf'],
      within: [{ file: '/etc/nginx/launchway.d/a.conf', address: '[2001:db8::5]:443' }],
      servers: [
        { file: '/etc/nginx/nginx.conf', ports: [8080], addresses: [], names: ['_'] },
        { file: '/etc/nginx/conf.d/blog.conf', ports: [443], addresses: [], names: ['blog.example.org', 'www.example.org'] },
        { file: '/etc/nginx/conf.d/blog.conf', ports: [80], addresses: [], names: ['bare.example.org'] },
        {
          file: '/etc/nginx/conf.d/blog.conf',
          ports: [80, 80, 80, 8443, 80],
          addresses: ['203.0.113.5:80', '[::1]:8443', 'localhost:80'],
          names: ['own.example.org'],
        },
      ],
    })
  })

  it.each<[string[], string | undefined]>([
    [['/etc/nginx/sites-enabled/*', '/etc/nginx/conf.d/*.conf'], '/etc/nginx/conf.d'],
    [['/etc/nginx/sites-enabled/*'], '/etc/nginx/sites-enabled'],
    [['/etc/nginx/sites-enabled/default', '/etc/nginx/mime.types'], undefined],
    [['/opt/my nginx/conf.d/*.conf'], undefined],
  ])('of the includes %j servers go to %s', (includes, expected) => {
    expect(siteFolder({ main: '', servers: [], includes, within: [] })).toBe(expected)
  })

  it('whatever stands there, reading it comes to an end without an error', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('server', 'http', '{', '}', ';', '"', "'", '\\', '#', '\n', '$', '${', ' ', 'listen', 'x')),
        (parts) => {
          expect(() => parseConfiguration(`# configuration file /x:\n${parts.join('')}`)).not.toThrow()
        },
      ),
    )
  })
})
