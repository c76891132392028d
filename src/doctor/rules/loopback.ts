import { normalize } from 'node:path'
import { bindVariables, loopbackOf, type Variables } from '../bindings.ts'
import { envFilePath } from '../env-files.ts'
import type { Found, Rule, Where } from '../finding.ts'
import { type ImageSource, isScript, pairsOf } from '../image-source.ts'
import { linesOf, shown } from '../lines.ts'
import type { Sources, Started } from '../sources.ts'

export const loopbackRules: readonly Rule<Sources>[] = [
  {
    id: 'bound-to-loopback',
    topic: 'image',
    severity: 'error',
    looks:
      'servers that listen on 127.0.0.1 inside their container: by an argument, a variable, a file of settings, a script of package.json, or because they do so unless they are told otherwise',
    why: 'Nobody outside of the container reaches them: neither a published port nor nginx, and every health check from outside fails.',
    fix: 'Have it listen on all addresses of the container: 0.0.0.0. What is open to the world is decided by what is published.',
    find: (sources) => {
      const byCommand = linesOf(sources).flatMap(({ line: { text, where }, image, service }): Found[] => {
        // What no port leads to may well be for its own container.
        if (service !== undefined && service.port === undefined) return []
        const how = loopbackOf(text, variablesFor(sources, image, service), image)
        return how === undefined ? [] : [{ where, what: `listens on ${how}: ${shown(text)}` }]
      })
      const bySetting = sources.images.flatMap((image) =>
        localSettings(image).map(({ where, text }) => ({ where, what: `listens on the loopback of its container: ${text}` })),
      )
      return [...byCommand, ...bySetting]
    },
  },
]

/** Variables that may be set where a command runs, by whomever. */
function variablesFor(sources: Sources, image: ImageSource | undefined, service: Started['service'] | undefined): Variables {
  const found = new Map<string, (string | undefined)[]>()
  const add = (name: string, value: string | undefined): void => void found.set(name, [...(found.get(name) ?? []), value])
  for (const { word, rest, ships } of image?.dockerfile?.steps ?? [])
    if (word === 'ENV' && ships) for (const [name, value] of pairsOf(rest)) add(name, known(value))
  for (const [path, file] of image?.texts ?? []) {
    if (!isScript(path, file)) continue
    for (const name of bindVariables) {
      const set = new RegExp(String.raw`(?:^|\s|;)${name}=("[^"]*"|'[^']*'|\S*)`, 'm').exec(file.text)
      if (set !== null) add(name, known(set[1]))
      else if (new RegExp(String.raw`\b${name}\b`).test(file.text)) add(name, undefined)
    }
  }
  for (const [name, value] of Object.entries(service?.env ?? {})) add(name, known(value))
  for (const name of service?.secrets ?? []) add(name, undefined)
  const ofStacks = sources.compose.flatMap((source) =>
    source.services.flatMap(({ environment, envFiles }) => [
      ...environment,
      ...envFiles.flatMap((file) => sources.envFiles.get(envFilePath(source, file)) ?? []),
    ]),
  )
  const ofService = (service?.envFiles ?? []).flatMap((file) => sources.envFiles.get(normalize(file)) ?? [])
  for (const { name, value } of [...ofStacks, ...ofService]) add(name, known(value))
  return found
}

/** Without its quotes; undefined where only a shell or compose knows it. */
function known(value: string | undefined): string | undefined {
  const plain = value?.replace(/^(["'])(.*)\1$/, '$2')
  return plain === undefined || plain.includes('$') ? undefined : plain
}

/** Files that servers read: `bind = "127.0.0.1:5000"` of gunicorn, `http-socket = 127.0.0.1:5000` of uWSGI. */
function localSettings({ texts }: ImageSource): { where: Where; text: string }[] {
  return [...texts.values()].flatMap(({ path, text }) => {
    const pattern = path.endsWith('.py')
      ? /^\s*bind\s*=\s*\[?["'](127\.|localhost)/
      : path.endsWith('.ini')
        ? /^\s*(http|http-socket|host)\s*=\s*(127\.|localhost)/
        : undefined
    if (pattern === undefined) return []
    const index = text.split('\n').findIndex((line) => pattern.test(line))
    return index === -1 ? [] : [{ where: { file: path, line: index + 1 }, text: (text.split('\n')[index] ?? '').trim() }]
  })
}
