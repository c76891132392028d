import { basename } from 'node:path'
import { looksSecret } from '../../core/secret-names.ts'
import type { Found, Rule } from '../finding.ts'
import { secretIn } from '../secret-files.ts'
import { codeOf } from '../starts.ts'
import { isPlace, loginIn } from '../values.ts'
import type { Step } from '../../tools/dockerfile.ts'
import { usualIgnores } from '../../tools/dockerignore-lines.ts'
import { copiesOf, type ImageSource, isScript, pairsOf } from '../image-source.ts'
import type { Sources } from '../sources.ts'

/** A step that takes the whole context. */
function takesAll({ dockerfile }: ImageSource): Step | undefined {
  return (dockerfile?.steps ?? []).find((step) => copiesOf({ dockerfile: { path: '', steps: [step] } }, '\0').length > 0)
}

export const contextRules: readonly Rule<Sources>[] = [
  {
    id: 'dockerignore-missing',
    topic: 'image',
    severity: 'warning',
    looks: 'images that copy the whole folder, without a .dockerignore',
    why: 'Everything that lies in the folder gets into the image and to whoever may pull it, and every commit changes it: nothing is ever found as built already.',
    fix: `Write a .dockerignore, with at least: ${usualIgnores.join(' ')}`,
    find: ({ images }) =>
      images.flatMap((image): Found[] => {
        const step = takesAll(image)
        if (step === undefined || image.ignore.text !== undefined) return []
        const where = { file: image.dockerfile?.path ?? '', line: step.line }
        const mend = { kind: 'ignore', file: image.ignore.path, lines: usualIgnores } as const
        return [{ where, what: `${step.word} ${step.rest} takes everything, and there is no ${basename(image.ignore.path)}`, mend }]
      }),
  },
  {
    id: 'secret-in-image',
    topic: 'image',
    severity: 'error',
    looks:
      'files with secrets that .dockerignore lets into an image: files of variables (.env, app.env, .envrc), private keys in whatever small file, secrets.yml and the like, master.key, logins of tools, an instance folder',
    why: 'Whoever may pull the image can read them, and they stay in its layers when a later line deletes them.',
    fix: 'Hide it from the build with a line in .dockerignore, give the value with `secrets:` when it is deployed, and change it if the image was pushed.',
    find: ({ images }) => images.flatMap(exposed),
  },
  {
    id: 'secret-in-dockerfile',
    topic: 'image',
    severity: 'error',
    looks: 'passwords and keys that ENV or ARG lines of a Dockerfile have a value for',
    why: 'Whoever may pull the image reads them in its history.',
    fix: 'Take the value out, and give it with `secrets:` when it is deployed; change it if the image was pushed.',
    find: ({ images }) =>
      images.flatMap(({ dockerfile }) =>
        (dockerfile?.steps ?? []).flatMap(({ word, rest, line }): Found[] => {
          if (word !== 'ENV' && word !== 'ARG') return []
          return pairsOf(rest)
            .filter(([name, value]) => looksSecret(name) && !/^["']?(\$|\/|["']?$)/.test(value) && !isPlace(name, value))
            .map(([name]) => ({ where: { file: dockerfile?.path ?? '', line }, what: `${word} gives ${name} a value` }))
        }),
      ),
  },
  {
    id: 'login-in-url',
    topic: 'image',
    severity: 'error',
    looks: 'logins in URLs of Dockerfiles and of scripts that are copied into an image (https://name:token@…)',
    why: 'Whoever may pull the image reads it, in its history or in the script.',
    fix: 'Change the token. In a build take it from a secret mount (RUN --mount=type=secret), at the start from the environment.',
    find: ({ images }) =>
      images.flatMap((image): Found[] => {
        const { path: file = '', steps = [] } = image.dockerfile ?? {}
        const inSteps = steps.map(({ rest, line }) => ({ text: rest, where: { file, line } }))
        const inScripts = [...image.texts].flatMap(([path, script]) =>
          isScript(path, script) && copiesOf(image, path).length > 0 ? codeOf(script, path) : [],
        )
        return [...inSteps, ...inScripts].flatMap(({ text, where }) => {
          const host = loginIn(text)
          return host === undefined ? [] : [{ where, what: `a login for ${host} is written here` }]
        })
      }),
  },
  {
    id: 'git-in-image',
    topic: 'image',
    severity: 'warning',
    looks: 'the folder .git in an image',
    why: 'It holds every file that was ever committed, and every commit makes another image of the same code. A `git pull` in the container would run what nobody has tested.',
    fix: 'Add .git to .dockerignore.',
    find: ({ images }) =>
      images.flatMap((image): Found[] => {
        const git = image.entries.get('.git')
        const step = copiesOf(image, '.git').find(({ ships }) => ships)
        // Where there is no ignore file at all, that is what is said.
        if (git === undefined || step === undefined || image.ignore.text === undefined) return []
        const where = { file: image.dockerfile?.path ?? '', line: step.line }
        return [
          { where, what: `${step.word} ${step.rest} takes .git along`, mend: { kind: 'ignore', file: image.ignore.path, lines: ['.git'] } },
        ]
      }),
  },
]

function exposed(image: ImageSource): Found[] {
  const found: Found[] = []
  const folders: string[] = []
  for (const { path, kind } of image.entries.values()) {
    if (folders.some((folder) => path.startsWith(`${folder}/`))) continue
    const secret = secretIn(path, kind, image.texts.get(path)?.text)
    const steps = secret === undefined ? [] : copiesOf(image, path)
    const step = steps.find(({ ships }) => ships) ?? steps[0]
    if (secret === undefined || step === undefined) continue
    if (kind === 'directory') folders.push(path)
    found.push({
      where: { file: image.dockerfile?.path ?? '', line: step.line },
      what: `${step.word} takes ${path} along, which holds ${secret}`,
      // What only a stage has that is left behind is in no image, but in the cache of the builder.
      severity: step.ships ? 'error' : 'warning',
      mend: { kind: 'ignore', file: image.ignore.path, lines: [path] },
    })
  }
  return found
}
