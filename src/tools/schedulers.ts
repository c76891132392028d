/** Programs of which two at once are one too many, as a command line shows them. */

/** The scheduler that a command starts, if it is one that is known. A word may hold several: `sh -c "celery beat"`. */
function schedulerIn(words: readonly string[]): string | undefined {
  const flat = words.flatMap((word) => word.split(/\s+/)).map((word) => word.slice(word.lastIndexOf('/') + 1))
  if (flat.includes('celery') && (flat.includes('beat') || flat.includes('--beat') || flat.includes('-B'))) return 'celery beat'
  return flat.find((word) => /(^|[_-]|rq)scheduler$|^celerybeat$|^(super)?cron(d|ic)?$/.test(word))
}

/** The name that a worker gives itself, where it is the same in each container: `%h` and `$HOSTNAME` are not. */
function fixedName(text: string): string | undefined {
  const [, celery] = /\bcelery\b.*\sworker\b.*\s(?:-n|--hostname)[\s=]+(\S+)/.exec(text) ?? []
  const [, rq] = /\b(?:rqworker|rq\s+worker(?:-pool)?)\b.*?\s(?:-n|--name)[\s=]+(\S+)/.exec(text) ?? []
  const name = (celery ?? rq)?.replaceAll(/["']/g, '')
  return name === undefined || /[%$]/.test(name) ? undefined : name
}

/** Of which two must not run at once, in words, and what happens where they do; undefined of any other command. */
export function loneIn(words: readonly string[]): { what: string; harm: string } | undefined {
  const scheduler = schedulerIn(words)
  if (scheduler !== undefined) return { what: scheduler, harm: 'jobs would run twice' }
  const name = fixedName(words.join(' '))
  return name === undefined ? undefined : { what: `a worker whose name is always ${name}`, harm: 'a name that is taken is refused' }
}
