/** How a configuration of nginx is put together. */

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
