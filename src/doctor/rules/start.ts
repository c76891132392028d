import type { Found, Rule, Where } from '../finding.ts'
import { type ImageSource, isScript } from '../image-source.ts'
import { withoutLogins } from '../values.ts'
import { type Sources, type Started, startedIn, unstarted } from '../sources.ts'
import { type Start, type StartLine, startOf } from '../starts.ts'

interface Line {
  line: StartLine
  /** Undefined for a command of a compose file. */
  image?: ImageSource
  service?: Started['service']
}

/** Every command that starts in a container of a release, or of a stack that is not for developers alone. */
function linesOf(sources: Sources): Line[] {
  const started = startedIn(sources)
  const used = started.flatMap(({ start, image, service }) => (start?.lines ?? []).map((line) => ({ line, image, service })))
  const others = unstarted(sources, started)
  const composed = sources.compose
    .filter(({ isDevelopment }) => !isDevelopment)
    .flatMap(({ services }) => services.filter(({ command }) => command.length > 0))
    .map(({ command, at }) => ({ line: { text: command.join(' '), where: at('command') } }))
  return [...used, ...others.flatMap((image) => (startOf(image)?.lines ?? []).map((line) => ({ line, image }))), ...composed]
}

/** The first process of each container, once for all who start it. */
function startsOf(sources: Sources): { start: Start; image: ImageSource; service?: Started['service'] }[] {
  const started = startedIn(sources)
  const used = started.flatMap(({ start, image, service }) => (start === undefined ? [] : [{ start, image, service }]))
  const others = unstarted(sources, started)
  return [
    ...used,
    ...others.flatMap((image) => {
      const start = startOf(image)
      return start === undefined ? [] : [{ start, image }]
    }),
  ]
}

const fetches = [
  [/\bgit\s+(-C\s+\S+\s+)?(pull|clone|fetch|checkout|reset\s+--hard\s+origin)\b/, 'git'],
  [/\bsvn\s+(up|update|checkout|co)\b/, 'svn'],
  [/\bpip3?\s+install\b|\buv\s+(pip\s+install|sync)\b|\bpoetry\s+install\b|\bconda\s+install\b/, 'a package manager of Python'],
  [/\b(npm\s+(ci|i|install)|yarn\s+(install|add)|pnpm\s+(i|install|add))\b/, 'a package manager of Node'],
  [/\b(apt|apt-get|apk|yum|dnf)\s+(-\S+\s+)*(install|add|upgrade)\b/, 'a package manager of the system'],
  [/\b(curl|wget)\b[^|]*\|\s*(sudo\s+)?(ba|z|da)?sh\b/, 'a script from the network'],
] as const

/** A server that is told an address of its own container alone; the reason in words. */
const bindings: readonly { server: RegExp; local: RegExp; open: RegExp; byDefault: boolean }[] = [
  {
    server: /\bgunicorn\b/,
    local: /(?:\s-b|\s--bind)[\s=]*["']?(127\.|localhost|\[::1\])/,
    open: /(?:\s-b|\s--bind|\s-c|\s--config|\s--paster?)/,
    byDefault: true,
  },
  { server: /\buvicorn\b/, local: /\s--host[\s=]+["']?(127\.|localhost|::1)/, open: /\s--(host|uds|fd)\b/, byDefault: true },
  {
    server: /\bhypercorn\b/,
    local: /(?:\s-b|\s--bind)[\s=]+["']?(127\.|localhost)/,
    open: /(?:\s-b|\s--bind|\s-c|\s--config)/,
    byDefault: true,
  },
  {
    server: /\bdaphne\b/,
    local: /(?:\s-b|\s--bind)[\s=]+["']?(127\.|localhost)/,
    open: /(?:\s-b|\s--bind|\s-e|\s--endpoint)/,
    byDefault: true,
  },
  { server: /\bflask\b.*\srun\b/, local: /(?:\s-h|\s--host)[\s=]+["']?(127\.|localhost|::1)/, open: /(?:\s-h|\s--host)/, byDefault: true },
  {
    server: /\bmanage\.py\s+runserver\b|\bdjango-admin\s+runserver\b/,
    local: /runserver\s+.*(127\.|localhost)/,
    open: /runserver\s+.*\d:\d|runserver\s+.*\]:\d/,
    byDefault: true,
  },
  { server: /\bwaitress-serve\b/, local: /\s--(?:host|listen)[\s=]+["']?(127\.|localhost)/, open: /.*/, byDefault: false },
  { server: /\buwsgi\b/, local: /\s--http(?:-socket)?[\s=]+["']?(127\.|localhost)/, open: /.*/, byDefault: false },
  { server: /\bhttp\.server\b/, local: /(?:\s-b|\s--bind)[\s=]+["']?(127\.|localhost)/, open: /.*/, byDefault: false },
]

/** Variables by which these servers are told an address as well; with PORT gunicorn listens on all of them. */
const bindVariables = /\b(GUNICORN_CMD_ARGS|FLASK_RUN_HOST|UVICORN_HOST|PORT)\b/

/** Names of variables that may be set where a command runs, and whatever else sets some. */
function variablesFor(sources: Sources, image: ImageSource | undefined, service: Started['service'] | undefined): string {
  const built = (image?.dockerfile?.steps ?? []).filter(({ word }) => word === 'ENV').map(({ rest }) => rest)
  const scripts = [...(image?.texts ?? [])].flatMap(([path, file]) => (isScript(path, file) ? [file.text] : []))
  const given = service === undefined ? [] : [...Object.keys(service.env), ...service.secrets]
  const composed = sources.compose.flatMap(({ services }) => services.flatMap(({ environment }) => environment.map(({ name }) => name)))
  return [...built, ...scripts, ...given, ...composed].join(' ')
}

function isLocal(text: string): 'told' | 'default' | undefined {
  for (const { server, local, open, byDefault } of bindings) {
    if (!server.test(text)) continue
    const of = text.slice(text.search(server))
    if (local.test(of)) return 'told'
    if (byDefault && !open.test(of)) return 'default'
  }
  return undefined
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

export const startRules: readonly Rule<Sources>[] = [
  {
    id: 'fetch-at-start',
    topic: 'image',
    severity: 'warning',
    looks: 'code or packages that are fetched when a container starts: git pull, pip install, npm install',
    why: 'What runs is then not what was tested and scanned, a rollback brings back the new code, and a restart at night depends on somebody else being up.',
    fix: 'Do it in the Dockerfile: COPY the code, RUN the installation.',
    find: (sources) =>
      linesOf(sources).flatMap(({ line: { text, where } }) => {
        const by = fetches.find(([pattern]) => pattern.test(text))
        return by === undefined ? [] : [{ where, what: `is fetched at each start, by ${by[1]}: ${shown(text)}` }]
      }),
  },
  {
    id: 'bound-to-loopback',
    topic: 'image',
    severity: 'error',
    looks: 'servers that listen on 127.0.0.1 inside their container',
    why: 'Nobody outside of the container reaches them: neither a published port nor nginx, and every health check from outside fails.',
    fix: 'Have it listen on all addresses of the container: 0.0.0.0. What is open to the world is decided by what is published.',
    find: (sources) => {
      const byCommand = linesOf(sources).flatMap(({ line: { text, where }, image, service }): Found[] => {
        // What no port leads to may well be for its own container.
        if (service !== undefined && service.port === undefined) return []
        const how = isLocal(text)
        const isTold = bindVariables.test(variablesFor(sources, image, service))
        if (how === undefined || (how === 'default' && (isTold || usesSettings(image, text)))) return []
        return [
          {
            where,
            what:
              how === 'told'
                ? `listens on the loopback of its container: ${shown(text)}`
                : `listens on 127.0.0.1, which is the default of this server: ${shown(text)}`,
          },
        ]
      })
      const bySetting = sources.images.flatMap((image) =>
        localSettings(image).map(({ where, text }) => ({ where, what: `listens on the loopback of its container: ${text}` })),
      )
      return [...byCommand, ...bySetting]
    },
  },
  {
    id: 'development-server',
    topic: 'image',
    severity: 'warning',
    looks: 'servers and settings that are for development: flask run, runserver, FLASK_DEBUG=1',
    why: 'They serve few visitors at once, and in debug mode a page of an error lets any visitor run code.',
    fix: 'Start a server for production (gunicorn, uvicorn without --reload), and leave the debug mode to a compose file for developers.',
    find: (sources) => [
      ...linesOf(sources).flatMap(({ line: { text, where } }) =>
        /\bflask\b.*\srun\b|\bmanage\.py\s+runserver\b|\buvicorn\b.*\s--reload\b|\bnodemon\b|\bwerkzeug\.serving\b/.test(text)
          ? [{ where, what: `starts a server for development: ${shown(text)}` }]
          : [],
      ),
      ...sources.images.flatMap(({ dockerfile }) =>
        (dockerfile?.steps ?? []).flatMap(({ word, rest, line, ships }) =>
          ships && word === 'ENV' && debugOn.test(rest)
            ? [{ where: { file: dockerfile?.path ?? '', line }, what: `switches debugging on: ENV ${shown(rest)}` }]
            : [],
        ),
      ),
      ...sources.compose
        .filter(({ isDevelopment }) => !isDevelopment)
        .flatMap(({ services }) => services.flatMap(({ environment }) => environment))
        .flatMap(({ name, value, at }) =>
          debugOn.test(`${name}=${value}`) ? [{ where: at, what: `switches debugging on: ${name}=${value}` }] : [],
        ),
      ...startedIn(sources).flatMap(({ service, at }) => {
        const on = Object.entries(service.env).find(([name, value]) => debugOn.test(`${name}=${value}`))
        return on === undefined ? [] : [{ where: at('env'), what: `switches debugging on: ${on.join('=')}` }]
      }),
    ],
  },
  {
    id: 'signals-lost',
    topic: 'image',
    severity: 'warning',
    looks: 'start-up scripts that neither exec their last command nor pass signals on',
    why: 'A shell as the first process passes no signal on: each stop waits the whole stop-timeout and kills the program in the middle of its requests.',
    fix: 'Begin the last line of the script with `exec`, or give the service `options: [--init]`.',
    find: (sources) =>
      startsOf(sources).flatMap(({ start: { script, words, lines }, image, service }): Found[] => {
        const isInit = service?.options.includes('--init') === true || /\b(tini|dumb-init|s6-svscan|supervisord)\b/.test(words.join(' '))
        const file = script === undefined ? undefined : image.texts.get(script)
        if (file === undefined || isInit) return []
        const own = lines.filter((line) => line.script === script)
        const last = own.at(-1)
        // A script that only prepares ends by handing over to the command that it was given.
        if (last === undefined || own.some(({ text }) => /^(exec|trap)\s|[;&|]\s*exec\s/.test(text))) return []
        return [{ where: last.where, what: `${script} ends with a command that is not exec'd: ${shown(last.text)}` }]
      }),
  },
]

const debugOn = /\b(FLASK_DEBUG|DJANGO_DEBUG|DEBUG)[= ]["']?(1|true|on|yes)\b|\bFLASK_ENV[= ]["']?development\b/i

/** A gunicorn finds the file of this name by itself. */
function usesSettings(image: ImageSource | undefined, text: string): boolean {
  return /\bgunicorn\b/.test(text) && [...(image?.texts.keys() ?? [])].some((path) => path.endsWith('gunicorn.conf.py'))
}

/** What people read of a command, without what it may tell of a login. */
function shown(text: string): string {
  const line = withoutLogins(text).replaceAll(/\s+/g, ' ').trim()
  return line.length > 80 ? `${line.slice(0, 79)}…` : line
}
