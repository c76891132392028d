import type { Place } from '../core/error.ts'

/** What of an nginx configuration says where it listens and whom it asks. */
export interface NginxConf {
  text: string
  listens: readonly number[]
  /** Names and ports that requests are passed to, and where they stand in the text. */
  passes: readonly { name: string; port: number; index: number }[]
}

export function parseConf(text: string): NginxConf {
  // A comment keeps its length, so that places stay right.
  const code = text.replaceAll(/#[^\n]*/g, (comment) => ' '.repeat(comment.length))
  const listens = [...code.matchAll(/(?:^|[;{])\s*listen\s+(?:[^\s;]*:)?(\d+)\b/gm)].map(([, port]) => Number(port))
  const passes = [
    ...code.matchAll(/\b(?:proxy_pass\s+(https?):\/\/|uwsgi_pass\s+|fastcgi_pass\s+|server\s+)([a-zA-Z][\w.-]*)(?::(\d+))?[\s;/]/g),
  ]
  return {
    text,
    listens: [...new Set(listens)],
    passes: passes.flatMap(([, scheme, name = '', port], at) => {
      const number = port ?? (scheme === 'https' ? '443' : scheme === 'http' ? '80' : undefined)
      return number === undefined ? [] : [{ name, port: Number(number), index: passes[at]?.index ?? 0 }]
    }),
  }
}

/** The line of a place in a text. */
export function placeIn(text: string, file: string, index: number): Place {
  return { file, line: text.slice(0, index).split('\n').length }
}
