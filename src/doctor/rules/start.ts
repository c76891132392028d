import type { Found, Rule } from '../finding.ts'
import type { ImageSource } from '../image-source.ts'
import { linesOf, shown } from '../lines.ts'
import { type Sources, type Started, startedIn, unstarted } from '../sources.ts'
import { type Start, startOf } from '../starts.ts'

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
  [
    /\b(npm\s+(ci|i|install)|yarn\s+(install|add)|pnpm\s+(i|install|add)|bun\s+(i|install|add))\b|(^|[;&|"']|\s-c|\bexec)\s*yarn(\s+--?[\w-]+)*\s*($|[;&|"'])/,
    'a package manager of Node',
  ],
  // `bundle check ||` asks first whether all is there.
  [/^(?!.*\bbundle\s+check\b).*\b(bundle\s+(install|update)|gem\s+install)\b(?!.*\s--local\b)/, 'a package manager of Ruby'],
  [/\bcomposer(\.phar)?\s+(-\S+\s+)*(install|update|require)\b/, 'a package manager of PHP'],
  [/\b(go\s+(get|install)|cargo\s+install)\b/, 'a package manager of Go or Rust'],
  [/\b(apt|apt-get|apk|yum|dnf)\s+(-\S+\s+)*(install|add|upgrade)\b/, 'a package manager of the system'],
  [/\b(curl|wget)\b[^|]*\|\s*(sudo\s+)?(ba|z|da)?sh\b/, 'a script from the network'],
  // Of somebody else's host, and not of the stack itself: `http://minio/…`.
  [
    /\b(curl|wget)\b.{0,500}\bhttps?:\/\/(?!localhost|127\.)(?:[\w-]+@)?[\w-]+(?:\.[\w-]+)+(?::\d+)?\/\S{0,500}\.(tgz|tar(\.\w+)?|zip|whl|jar|deb|rpm|phar|sh|py)\b/,
    'a file from the network',
  ],
] as const

export const startRules: readonly Rule<Sources>[] = [
  {
    id: 'fetch-at-start',
    topic: 'image',
    severity: 'warning',
    looks:
      'code or packages that are fetched when a container starts: git pull, pip install, npm install, yarn, bundle install, composer install, archives and scripts by curl or wget',
    why: 'What runs is then not what was tested and scanned, a rollback brings back the new code, and a restart at night depends on somebody else being up.',
    fix: 'Do it in the Dockerfile: COPY the code, RUN the installation.',
    find: (sources) =>
      linesOf(sources).flatMap(({ line: { text, where } }) => {
        const by = fetches.find(([pattern]) => pattern.test(text))
        return by === undefined ? [] : [{ where, what: `is fetched at each start, by ${by[1]}: ${shown(text)}` }]
      }),
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
