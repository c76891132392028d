/** How a configuration of nginx is written. */

/** One word of it. A dollar would begin a variable: the language of launchway.yml has none where this is used. */
export function word(text: string): string {
  return `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`
}

export function block(head: string, lines: readonly string[]): string[] {
  return [`${head} {`, ...lines.map((line) => `    ${line}`), '}']
}

export function file(lines: readonly string[]): string {
  return `${lines.join('\n')}\n`
}

/** On every address of the host. */
export function listenOn(what: string, ipv6: boolean): string[] {
  return [`listen ${what};`, ...(ipv6 ? [`listen [::]:${what};`] : [])]
}

/** What nginx answers by itself where it leads to a service, and their names in HTTP. */
export const errorWords = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  413: 'Content Too Large',
  414: 'URI Too Long',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
}
