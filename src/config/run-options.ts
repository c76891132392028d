/**
 * `options` of a service are words of a `docker run` command line that launchway puts its own words around. What it
 * decides there, or has to know of, must not come in by this door: it has a key, or is nobody's to choose.
 */

/** The options of `docker run` that take no value: only `--option=false` gives them one. Every other takes the next word. */
const switches: readonly string[] = [
  'detach',
  'disable-content-trust',
  'help',
  'init',
  'interactive',
  'no-healthcheck',
  'oom-kill-disable',
  'privileged',
  'publish-all',
  'quiet',
  'read-only',
  'rm',
  'sig-proxy',
  'tty',
  'use-api-socket',
]

const longNames: Record<string, string> = {
  a: 'attach',
  c: 'cpu-shares',
  d: 'detach',
  e: 'env',
  h: 'hostname',
  i: 'interactive',
  l: 'label',
  m: 'memory',
  p: 'publish',
  P: 'publish-all',
  q: 'quiet',
  t: 'tty',
  u: 'user',
  v: 'volume',
  w: 'workdir',
}

/** By option, the key of launchway.yml that says the same. */
const keys: Record<string, string> = {
  'cap-add': 'cap-add',
  'cap-drop': 'cap-drop',
  cpus: 'cpus',
  device: 'devices',
  entrypoint: 'entrypoint',
  env: 'env',
  'env-file': 'env-files',
  'group-add': 'group-add',
  label: 'labels',
  'label-file': 'labels',
  'log-driver': 'logging',
  'log-opt': 'logging',
  memory: 'memory',
  net: 'networks',
  network: 'networks',
  publish: 'publish',
  'publish-all': 'publish',
  'stop-signal': 'stop-signal',
  'stop-timeout': 'stop-timeout',
  user: 'user',
  volume: 'volumes',
}

/** What the program on the host sets, or could not work with. */
const decided: readonly string[] = ['attach', 'cidfile', 'detach', 'help', 'name', 'pull', 'restart', 'rm']

/** What is wrong with the words, each with its place in the list. No message repeats a value: it may be a password. */
export function refusedOptions(words: readonly string[]): { index: number; message: string }[] {
  const found: { index: number; message: string }[] = []
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? ''
    if (!/^-./.test(word) || word === '--') {
      found.push({ index, message: `option ${index + 1} begins with no "-": docker would take it for the image` })
      continue
    }
    const { options, wantsValue } = optionsIn(word)
    const messages = options.flatMap((option) => refusal(option) ?? [])
    const [, spelling] = /^(--[^=\s]+|-[A-Za-z])\s/.exec(word) ?? []
    if (spelling !== undefined && messages.length === 0)
      messages.push(`option ${index + 1} is one word, and docker knows no ${spelling} with a space in it: [${spelling}, …]`)
    found.push(...messages.map((message) => ({ index, message })))
    if (!wantsValue || spelling !== undefined) continue
    const last = options.at(-1)?.spelling ?? ''
    if (index + 1 === words.length)
      found.push({
        index,
        message: `the option ${last} lacks its value: docker would take the image for it (one without a value: ${last}=true)`,
      })
    index += 1
  }
  return found
}

interface Option {
  /** As it was written, without its value. */
  spelling: string
  name: string
}

/** One word may hold several: `-dit` is three switches, `-itp80:80` two and an option with its value. */
function optionsIn(word: string): { options: Option[]; wantsValue: boolean } {
  if (word.startsWith('--')) {
    const [spelling = ''] = word.split(/[=\s]/, 1)
    const name = spelling.slice(2)
    return { options: [{ spelling, name }], wantsValue: !word.includes('=') && !switches.includes(name) }
  }
  const options: Option[] = []
  for (let at = 1; at < word.length; at += 1) {
    const letter = word.charAt(at)
    const name = longNames[letter] ?? letter
    options.push({ spelling: `-${letter}`, name })
    const rest = word.slice(at + 1)
    if (rest.startsWith('=') || !switches.includes(name)) return { options, wantsValue: rest === '' }
  }
  return { options, wantsValue: false }
}

function refusal({ spelling, name }: Option): string | undefined {
  if (decided.includes(name)) return `launchway itself decides ${spelling}`
  const key = Object.hasOwn(keys, name) ? keys[name] : undefined
  return key === undefined ? undefined : `${spelling} among the options is not seen by launchway; use ${key}`
}
