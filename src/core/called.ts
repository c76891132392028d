/**
 * What is made once: a number or a date, whole or before its release (`v1.2`, `2026-11-21`, `1.2.3-rc.1`), and a version of three
 * parts with whatever tells its variants apart. Of `2.x` and `4-fix` there are many.
 */
const ofOne =
  /^v?(?:\d+(?:(?:\.\d+)+|(?:-\d+)+)?(?:[-_.]?(?:(?:alpha|beta|preview|pre|rc|dev|post|rev)(?:[-_.]?\d+)?|[abcr]\d+))*|\d+(?:\.\d+){2,}[-_].+)$/

/**
 * What people call a release. A version stands for one; the name of a branch stands for many, so the commit stands
 * behind it: `1.2.3`, `main@4f2a9c1`.
 * @param of its commit, or its id, which ends with that
 */
export function called(version: string, of: string): string {
  const commit = of.split('-').at(-1)?.slice(0, 7) ?? ''
  return ofOne.test(version) || version.includes(commit) ? version : `${version}@${commit}`
}

/**
 * A version that somebody asks for, as it is looked for: of `main@4f2a9c1` the commit. Summaries on GitHub have a space
 * without width behind the @, so that nobody is called by it.
 */
export function soughtVersion(asked: string): string {
  return /^[^/:@]+@\u{200B}?([0-9a-f]{7})$/u.exec(asked)?.[1] ?? asked
}
