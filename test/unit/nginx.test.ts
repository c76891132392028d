import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type NginxBuild, parseBuild, parseConfiguration, siteFolder } from '../../src/tools/nginx.ts'
import { part, server } from './support/nginx.ts'

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
  include snippets/x.conf;
  location ^~ /img/ { location /img/deep/ { include deep.conf; } }
}
server { server_name bare.example.org; }
server { listen [::]:83; listen [::]:84; server_name six.example.org; }
server { listen [::]:84 ipv6only=off default_server; server_name both.example.org; }
server { listen 203.0.113.5; listen 0.0.0.0:80; listen *:80; listen [::1]:8443 ssl; listen localhost:80; server_name own.example.org; }
# configuration file /etc/nginx/launchway.d/a.conf:
listen [2001:db8::5]:443 ssl;
listen 81;
location /x { return 404; }
location = /y { return 404; }
include /etc/nginx/more/*.conf;
`

describe('what nginx -T shows', () => {
  const found = parseConfiguration(dump)

  it('are the servers with their names, ports and files, and what http includes', () => {
    expect(found).toEqual({
      main: '/etc/nginx/nginx.conf',
      includes: ['/etc/nginx/mime.types', '/etc/nginx/sites-enabled/*', '/etc/nginx/conf.d/*.conf'],
      parts: [
        part({ file: '/etc/nginx/nginx.conf' }),
        part({ file: '/etc/nginx/conf.d/blog.conf' }),
        part({
          file: '/etc/nginx/launchway.d/a.conf',
          addresses: ['[2001:db8::5]:443'],
          locations: ['/x', '= /y'],
          includes: ['/etc/nginx/more/*.conf'],
        }),
      ],
      servers: [
        server({
          file: '/etc/nginx/nginx.conf',
          ports: [8080],
          six: [8080],
          names: ['_'],
          locations: ['~ ^/x{2};'],
          defaults: [8080],
          after: 3,
        }),
        server({
          file: '/etc/nginx/conf.d/blog.conf',
          ports: [443],
          names: ['blog.example.org', 'www.example.org'],
          locations: ['/img/'],
          includes: ['/etc/nginx/snippets/x.conf'],
        }),
        server({ file: '/etc/nginx/conf.d/blog.conf', names: ['bare.example.org'] }),
        server({ file: '/etc/nginx/conf.d/blog.conf', ports: [83, 84], six: [83], names: ['six.example.org'] }),
        server({ file: '/etc/nginx/conf.d/blog.conf', ports: [84], six: [], names: ['both.example.org'], defaults: [84] }),
        server({
          file: '/etc/nginx/conf.d/blog.conf',
          ports: [80, 80, 80, 8443, 80],
          addresses: ['203.0.113.5:80', '[::1]:8443', 'localhost:80'],
          names: ['own.example.org'],
        }),
      ],
    })
  })

  it.each<[string[], string | undefined]>([
    [['/etc/nginx/sites-enabled/*', '/etc/nginx/conf.d/*.conf'], '/etc/nginx/conf.d'],
    [['/etc/nginx/sites-enabled/*'], '/etc/nginx/sites-enabled'],
    [['/etc/nginx/sites-enabled/default', '/etc/nginx/mime.types'], undefined],
    [['/opt/my nginx/conf.d/*.conf'], undefined],
  ])('of the includes %j servers go to %s', (includes, expected) => {
    expect(siteFolder({ main: '', servers: [], includes, parts: [] })).toBe(expected)
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
