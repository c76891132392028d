import { basename, posix } from 'node:path'
import { fullName, isNamedContext, isSameRepository, parseReference } from '../../core/reference.ts'
import type { Found, Rule, Where } from '../finding.ts'
import { byteOrderMark, copiesOf, filled, type ImageSource, isScript, sourcesOf, takes, type TextFile } from '../image-source.ts'
import { isFloating } from '../values.ts'
import { type Sources, startedIn, unstarted } from '../sources.ts'
import { startOf } from '../starts.ts'

/** Of an image, how its services start it, and itself where none does. */
function startsOf(sources: Sources, image: ImageSource) {
  const started = startedIn(sources)
  const used = started.filter((one) => one.image === image).map(({ start }) => start)
  const starts = unstarted(sources, started).includes(image) ? [startOf(image)] : used
  return starts.filter((start) => start !== undefined)
}

/** What FROM names, and where: images of registries, and not stages, named contexts or what only the build can tell. */
function basesOf({ dockerfile, image }: ImageSource): { from: string; where: Where }[] {
  return (dockerfile?.steps ?? []).flatMap(({ base: from, line }) => {
    if (from === undefined || from.includes('$') || from === 'scratch' || isNamedContext(from, image.contexts)) return []
    return [{ from, where: { file: dockerfile?.path ?? '', line } }]
  })
}

/** The scripts of a context that get into the image. */
function scriptsOf(image: ImageSource): [string, TextFile][] {
  return [...image.texts].filter(([path, file]) => isScript(path, file) && copiesOf(image, path).length > 0)
}

const tail = (path: string): string => path.split('/').at(-1) ?? path

export const imageRules: readonly Rule<Sources>[] = [
  {
    id: 'dockerfile-missing',
    topic: 'image',
    severity: 'error',
    looks: 'images without a Dockerfile',
    why: 'The build has nothing to build from.',
    fix: 'Write one, or name it: images.<name>.dockerfile, a path inside images.<name>.context.',
    find: ({ images }) =>
      images.flatMap(({ dockerfile, image, isBaked }) =>
        dockerfile === undefined && !isBaked
          ? [
              {
                where: { file: `${image.context === '.' ? '' : `${image.context}/`}${image.dockerfile}` },
                what: `the image ${image.name} has no Dockerfile`,
              },
            ]
          : [],
      ),
  },
  {
    id: 'copy-missing',
    topic: 'image',
    severity: 'error',
    looks: 'COPY and ADD of what is not in the build context, or is kept from it by .dockerignore',
    why: 'The build stops at that line.',
    fix: 'Name what is there, or take the line out of .dockerignore that hides it.',
    find: ({ images }) =>
      images.flatMap(({ dockerfile, entries }) =>
        (dockerfile?.steps ?? []).flatMap((step) =>
          sourcesOf(step)
            .filter((source) => source !== '.' && !source.split('/').some((part) => filled.has(part)))
            .filter((source) => ![...entries.keys()].some((path) => takes(source, path)))
            .map((source): Found => {
              // What a step before makes is not there in a fresh checkout.
              const isMade = /^(dist|build|target|out|output|bin|release|public|wheels|vendor)(\/|$)/.test(source)
              const what = `${step.word} takes ${source}, which ${isMade ? 'has to be made before the build' : 'the build does not see'}`
              return { where: { file: dockerfile?.path ?? '', line: step.line }, what, severity: isMade ? 'warning' : 'error' }
            }),
        ),
      ),
  },
  {
    id: 'script-line-ends',
    topic: 'image',
    severity: 'error',
    looks: 'scripts with Windows line ends (CRLF), or a byte order mark, that are copied into an image or mounted by a compose file',
    why: 'Linux takes the carriage return for a part of the name of the program: "required file not found", and the container ends with 127 although the file is there.',
    fix: 'Write it with LF, and keep it so with a line `*.sh text eol=lf` in .gitattributes.',
    find: ({ images, mounted }) =>
      [...images.flatMap((image) => scriptsOf(image).map(([, script]) => script)), ...mounted.values()].flatMap(
        ({ path, text }): Found[] => {
          const line = text.split('\n').findIndex((one) => one.endsWith('\r')) + 1
          const hasMark = text.startsWith(byteOrderMark)
          if (line === 0 && !hasMark) return []
          const what = line === 0 ? 'begins with a byte order mark' : 'has Windows line ends (CRLF)'
          return [{ where: { file: path, line: hasMark ? 1 : line }, what: `${tail(path)} ${what}`, mend: { kind: 'text', file: path } }]
        },
      ),
  },
  {
    id: 'script-mode',
    topic: 'image',
    severity: 'error',
    looks: 'start-up scripts that are called directly and are not executable',
    why: 'The container ends with 126, "permission denied", before a line of it has run.',
    fix: 'chmod +x the file and commit that, or COPY --chmod=755.',
    find: (sources) =>
      sources.images.flatMap((image) =>
        startsOf(sources, image).flatMap(({ words: [first = ''], where }): Found[] => {
          const found = scriptsOf(image).find(([path]) => first.includes('/') && basename(path) === basename(first))
          if (found === undefined) return []
          const [path, file] = found
          const steps = image.dockerfile?.steps ?? []
          const isSet = steps.some(({ word, rest }) => (word === 'RUN' && /\bchmod\b|\binstall\b/.test(rest)) || /--chmod=/.test(rest))
          if ((file.mode & 0o111) !== 0 || isSet || copiesOf(image, path).length === 0) return []
          return [
            { where, what: `starts ${first}, and ${file.path} is not executable`, mend: { kind: 'mode', file: file.path, add: 0o555 } },
          ]
        }),
      ),
  },
  {
    id: 'from-own-image',
    topic: 'image',
    severity: 'warning',
    looks: 'FROM the repository that the image itself is pushed to, or an image that was made by hand on one machine',
    why: 'Each build is laid on the one before: layers pile up until the engine takes no more, nobody can build it anew, and on another machine the base is another or not there at all.',
    fix: 'Begin FROM a published base, and write what was done by hand as RUN lines.',
    find: ({ images }) => {
      const own = new Map(images.flatMap(({ image }) => image.repositories.map((one) => [fullName(one), image.name] as const)))
      return images.flatMap((source) =>
        basesOf(source).flatMap(({ from, where }): Found[] => {
          const { image } = source
          const { repository: bare } = parseReference(from)
          const pushed = image.repositories.some((one) => isSameRepository(one, bare)) ? image.name : own.get(fullName(bare))
          if (pushed !== undefined) {
            const who = pushed === image.name ? 'it' : pushed
            return [{ where, what: `${image.name} is built on ${from}, which is what ${who} is pushed as` }]
          }
          const last = image.repositories.map((repository) => repository.split('/').at(-1))
          // One without a user's name would be an official image of Docker Hub.
          if (bare.includes('/') || !last.includes(bare) || official.has(bare)) return []
          return [{ where, what: `${from} is in no registry: it is an image of the machine that it was made on`, severity: 'error' }]
        }),
      )
    },
  },
  {
    id: 'bake-unread',
    topic: 'image',
    severity: 'hint',
    looks: 'a bake file (docker-bake.hcl or .json) that launchway.yml does not name',
    why: 'launchway reads a bake file only where launchway.yml says so: what stands in it about stages, arguments or platforms is not in the images of a release.',
    fix: 'Take the images from it, each as the target of its name (bake: docker-bake.hcl); or say in launchway.yml what they need, and leave the bake file to those who build by hand. docs/guide/build.md tells both.',
    find: ({ bakeFiles, config, file }) => {
      const named = [config.bake ?? []].flat().map((path) => posix.normalize(path))
      return bakeFiles.flatMap((path): Found[] => {
        if (named.includes(path)) return []
        // buildx takes this one beside the other by itself, and only where it is told of none.
        const isBeside = path.includes('.override.') && named.length > 0
        const fix = `Name both, or leave it out on purpose: bake: [${[...named, path].join(', ')}]`
        return [{ where: { file: path }, what: `${file} does not name it, and nothing of it is built`, ...(isBeside ? { fix } : {}) }]
      })
    },
  },
  {
    id: 'base-floating',
    topic: 'image',
    severity: 'hint',
    looks: 'FROM without a tag, or with :latest',
    why: 'A build next year gets another system under the same name, on a day when nothing was changed.',
    fix: 'Name a version, such as python:3.12-slim.',
    find: ({ images }) =>
      images.flatMap((image) =>
        basesOf(image).flatMap(({ from, where }) => (isFloating(from) ? [{ where, what: `${from} is whatever is newest` }] : [])),
      ),
  },
]

/** Names of which the last part of a repository may well be one: `ghcr.io/team/nginx` FROM nginx. */
const official: ReadonlySet<string> = new Set(
  'alpine amazonlinux busybox caddy centos debian docker eclipse-temurin elasticsearch fedora golang grafana haproxy httpd mariadb maven memcached mongo mysql nginx node openjdk php postgres python rabbitmq redis registry ruby rust traefik ubuntu wordpress'.split(
    ' ',
  ),
)
