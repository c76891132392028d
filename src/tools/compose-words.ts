import { LaunchwayError, type Place } from '../core/error.ts'
import { placeOfRefusal } from './compose-place.ts'
import { placeOf, type Source } from './compose-sources.ts'

/** What compose says of a project that it cannot render, in words that name the place and the way out. */

interface Asked {
  /** The files as somebody named them. */
  files: readonly string[]
  /** The same and those that they lead to. */
  sources: readonly Source[]
  root: string
  /** Where a variable without a value is given. */
  givenBy(this: void, variable: string): string
}

/** @param said what it wrote to its standard error, without secrets */
export function refusedByCompose(said: string, { files, sources, root, givenBy }: Asked): LaunchwayError {
  const names = files.join(', ')
  if (/is not a docker command|unknown (shorthand )?flag/.test(said)) {
    return new LaunchwayError('TOOL_MISSING', 'docker has no compose on this machine', {
      hint: `Install its plugin: https://docs.docker.com/compose/install/linux/\n${said}`,
    })
  }
  const [, circle] = /dependency cycle detected: (.+)/.exec(said) ?? []
  if (circle !== undefined) {
    return new LaunchwayError('CONFIG_INVALID', `the services of ${names} wait for each other: ${circle}`, {
      hint: 'None of them could start first: take one of them out of the depends_on of another.',
      ...placeIn(circle, sources, root),
    })
  }
  const [, variable] = /required variable (\w+) is missing a value/.exec(said) ?? []
  if (variable === undefined) {
    const place = placeOfRefusal(withoutWarnings(said), sources, root)
    return new LaunchwayError('CONFIG_INVALID', `docker compose cannot read ${names}`, {
      hint: withoutWarnings(said),
      ...(place === undefined ? {} : { place }),
    })
  }
  const place = placeOf(variable, sources, root)
  return new LaunchwayError('CONFIG_INVALID', `${place?.file ?? names} asks for the variable ${variable}, which has no value`, {
    hint: `${withoutWarnings(said)}\n${givenBy(variable)}`,
    ...(place === undefined ? {} : { place }),
  })
}

function placeIn(circle: string, sources: readonly Source[], root: string): { place?: Place } {
  const place = placeOfRefusal(`service "${circle.split(' ')[0] ?? ''}" depends on undefined service`, sources, root)
  return place === undefined ? {} : { place }
}

export function unknownForm(why = ''): LaunchwayError {
  return new LaunchwayError('TOOL_MISSING', 'docker compose renders the project in a form that launchway does not know', {
    hint: `launchway is tested with compose 2.26: \`docker compose version\` shows yours.${why === '' ? '' : `\n${why}`}`,
  })
}

/** What compose warns of, without its format of log lines; that `version` is of no use any more is no news. */
export function warningsIn(stderr: string): string[] {
  const found = [...stderr.matchAll(/level=warning msg="((?:[^"\\]|\\.)*)"/g)].map(([, text = '']) => text.replaceAll(/\\(.)/g, '$1'))
  return [...new Set(found)].filter((text) => !text.includes('`version` is obsolete'))
}

/** The variable that a warning is about: one that has no value, for which compose takes an empty one. */
export function unsetIn(warning: string): string | undefined {
  return /^The "(\w+)" variable is not set/.exec(warning)?.[1]
}

/** The words of a refusal: what compose warned of before it says nothing about that. */
function withoutWarnings(said: string): string {
  const lines = said.split('\n').filter((line) => !/^time="[^"]*" level=warning /.test(line))
  return lines.length === 0 ? said : lines.join('\n')
}
