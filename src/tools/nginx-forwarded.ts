import type { Nginx } from '../core/deployment.ts'

/** What the application is told of a request: by whom nginx was asked, and nothing that the visitor alone says. */

/**
 * For the http block. The name is the one that nginx went by; the port is that of the address, where the visitor has named it.
 * @param id what the variables of the service begin with
 */
export function forwardedMaps(id: string, { urlPort }: Nginx): [head: string, lines: string[]][] {
  return [
    // Nothing but websockets: with h2c a visitor would speak to the application past nginx.
    [`map $http_upgrade $${id}_upgrade`, ['default "";', '"~*^websocket$" websocket;']],
    [`map $${id}_upgrade $${id}_connection`, ['default upgrade;', '"" close;']],
    ...(urlPort === undefined
      ? []
      : ([[`map $http_host $${id}_host`, ['default $host;', `"~:${urlPort}$" $host:${urlPort};`]]] satisfies [string, string[]][])),
  ]
}

/** @param prefix what was cut off from the path */
export function forwardedHeaders(id: string, { behindTls, urlPort }: Nginx, prefix = '""'): string[] {
  const host = urlPort === undefined ? '$host' : `$${id}_host`
  const headers = {
    Host: host,
    'X-Real-IP': '$remote_addr',
    'X-Forwarded-For': '$proxy_add_x_forwarded_for',
    'X-Forwarded-Proto': behindTls === true ? 'https' : '$scheme',
    'X-Forwarded-Host': host,
    'X-Forwarded-Prefix': prefix,
    // Frameworks take the word of each of these, and whoever asks could say them.
    Forwarded: '""',
    'X-Forwarded-Port': '""',
    'X-Forwarded-Scheme': '""',
    'X-Forwarded-Ssl': '""',
    Upgrade: `$${id}_upgrade`,
    Connection: `$${id}_connection`,
    'Launchway-Slot': '""',
  }
  return Object.entries(headers).map(([name, value]) => `proxy_set_header ${name} ${value};`)
}
