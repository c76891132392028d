import { LaunchwayError } from '../core/error.ts'
import { reasonOf } from '../tools/trivy.ts'

/** @throws LaunchwayError TOOL_MISSING for a Trivy that does not know what it is asked */
export function tooOld(stderr: string): void {
  if (!/unknown (flag|command|shorthand flag)/.test(stderr)) return
  throw new LaunchwayError('TOOL_MISSING', 'the Trivy in PATH is too old', {
    hint: `It says: ${reasonOf(stderr)}\nUpdate it, or take it out of PATH: launchway then fetches the release that it is tested with.`,
  })
}

/** What a scan that failed means to a user. @param image its name @param ignoreFile from the root of the repository */
export function scanFailed(image: string, ignoreFile: string | undefined, stderr: string): LaunchwayError {
  tooOld(stderr)
  const said = reasonOf(stderr)
  if (/filter(ing)? error/.test(stderr) && ignoreFile !== undefined) {
    return new LaunchwayError('CONFIG_INVALID', `${ignoreFile} is not a list of exceptions that Trivy reads`, {
      hint: said,
      place: { file: ignoreFile },
    })
  }
  if (/java (db|index)|DB error|vulnerability DB/i.test(stderr)) {
    return new LaunchwayError('SCAN_DB_UNAVAILABLE', `${image} could not be scanned: a database that Trivy needs cannot be had`, {
      hint: `${said}\nFor .jar files Trivy looks in a database of its own, which is not among scan.databases: TRIVY_JAVA_DB_REPOSITORY in the environment of the step names a mirror.`,
    })
  }
  return new LaunchwayError('COMMAND_FAILED', `Trivy could not scan ${image}`, { hint: said })
}

/** Another Trivy has the cache folder open, and does not share it. */
export function isLocked(stderr: string): boolean {
  return stderr.includes('cache may be in use by another process')
}
