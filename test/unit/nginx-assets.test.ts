import { describe, expect, it } from 'vitest'
import type { Nginx } from '../../src/core/deployment.ts'
import { parseConfiguration } from '../../src/tools/nginx.ts'
import { locationsText, type Site, siteText } from '../../src/tools/nginx-site.ts'

const main = '/etc/nginx/nginx.conf'
const folder = '/var/lib/launchway/addie/production/assets/web'
const without: Site = {
  app: 'addie',
  environment: 'production',
  service: 'web',
  nginx: { serverNames: ['addie.example.org'] },
  ports: { a: 20_100, b: 20_101 },
  slotFile: '/var/lib/launchway/addie/production/slot.b',
  maintenanceFile: '/var/lib/launchway/addie/production/maintenance',
}
const written = (nginx: Partial<Nginx> = {}, site: Site = { ...without, assets: folder }): string =>
  locationsText({ ...site, nginx: { ...site.nginx, ...nginx } }, main).replaceAll(/launchway_[0-9a-f]{10}/g, 'ID')

/** The lines within a block, without those inside of it. */
function within(text: string, head: string): string[] {
  const lines = text.split('\n')
  const start = lines.indexOf(`${head} {`)
  return lines.slice(start + 1, lines.indexOf('}', start)).map((line) => line.trim())
}

describe('the files of both slots', () => {
  it('are given to who asks for one that is there, once the application has said 404 or nobody answers', () => {
    const text = written()
    const usual = written({}, without)
    const known = new Set(within(usual, 'location /'))
    expect(within(text, 'location /').filter((line) => !known.has(line))).toEqual([
      'set $ID ID_a; set $ID_slot a;',
      'if (-f /var/lib/launchway/addie/production/slot.b) { set $ID ID_b; set $ID_slot b; }',
      'set $ID_asset "";',
      `if (-f ${folder}/a/files$uri) { set $ID_asset $uri; }`,
      `if (-f ${folder}/b/files$uri) { set $ID_asset $uri; }`,
      'if ($request_method !~ "^(GET|HEAD)$") { set $ID_asset ""; }',
      'if ($ID_deploy) { set $ID_asset ""; }',
      'if ($ID_asset) { rewrite ^ /.launchway/ID/asset last; }',
    ])
    expect(within(text, 'location = /.launchway/ID/asset')).toEqual([
      'internal;',
      'rewrite ^ $ID_asset break;',
      'proxy_pass http://$ID$request_uri;',
      // As to everybody else.
      ...within(usual, 'location /').slice(within(usual, 'location /').indexOf('proxy_http_version 1.1;')),
      'proxy_intercept_errors on;',
      'error_page 404 502 504 = @ID_asset;',
    ])
    expect(within(text, 'location @ID_asset')).toEqual([
      `root ${folder};`,
      `disable_symlinks on from=${folder};`,
      'open_file_cache off;',
      'try_files /$ID_slot/files$uri /a/files$uri /b/files$uri =404;',
    ])
  })

  it('come after maintenance, and after what is outside of a stripped prefix', () => {
    const lines = within(written({ path: '/api', stripPrefix: true }), 'location /api/')
    const order = ['if ($ID_closed)', 'if ($ID_uri = "")', 'set $ID_asset'].map((start) =>
      lines.findIndex((line) => line.startsWith(start)),
    )
    expect(order).toEqual(order.toSorted((a, b) => a - b))
    expect(order[0]).toBeGreaterThan(0)
  })

  it('below a prefix are asked for with it, and the application without where it is stripped', () => {
    const text = written({ path: '/api', stripPrefix: true })
    for (const location of ['location = /api', 'location /api/'])
      expect(within(text, location)).toContain(`if (-f ${folder}/a/files$uri) { set $ID_asset $uri; }`)
    expect(within(text, 'location = /.launchway/ID/asset')).toContain('proxy_pass http://$ID$ID_uri;')
    expect(within(text, 'location = /.launchway/ID/asset')).toContain('proxy_set_header X-Forwarded-Prefix /api;')
    expect(within(written({ path: '/api' }), 'location = /.launchway/ID/asset')).toContain('proxy_pass http://$ID$request_uri;')
  })

  it('have the headers of every answer', () => {
    const text = written({ headers: { 'X-Frame-Options': 'DENY', Server: '' } })
    for (const location of ['location = /.launchway/ID/asset', 'location @ID_asset'])
      expect(within(text, location)).toContain('add_header X-Frame-Options "DENY" always;')
  })

  it('leave errors as JSON to what has no file, so that the errors of the application are never caught', () => {
    const text = written({ errors: 'json' })
    const heads = text.split('\n').flatMap((line) => /^(location .*) \{$/.exec(line)?.[1] ?? [])
    const catching = heads.filter((head) => within(text, head).includes('proxy_intercept_errors on;'))
    expect(catching).toEqual(['location = /.launchway/ID/asset'])
    expect(within(text, catching[0] ?? '').filter((line) => line.startsWith('error_page'))).toEqual(['error_page 404 502 504 = @ID_asset;'])
  })

  it("within a server of the user's take no location that visitors could ask for", () => {
    const text = written({ existing: { https: true, port: 443 } })
    const file = '/etc/nginx/launchway.d/servers/addie.example.org/addie.production.web.conf'
    const [part] = parseConfiguration(`# configuration file ${file}:\n${text}`).parts
    expect(part?.locations).toEqual(['/', '= /.launchway/ID/closed', '= /.launchway/ID/asset', '@ID_asset'])
    expect(part?.includes).toEqual([])
  })

  it('change nothing in the http block', () => {
    const build = { version: '1.22.1', http2: true }
    expect(siteText({ ...without, assets: folder }, build)).toBe(siteText(without, build))
  })
})
