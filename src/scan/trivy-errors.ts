import { LaunchwayError } from '../core/error.ts'
import { reasonOf } from '../tools/trivy.ts'

/** @throws LaunchwayError TOOL_MISSING for a Trivy that does not know what it is asked */
export function tooOld(stderr: string): void {
  if (!/unknown (flag|command|shorthand flag)/.test(stderr)) return
  throw new LaunchwayError('TOOL_MISSING', 'the Trivy in PATH is too old', {
    hint: `It says: ${reasonOf(stderr)}\nUpdate it, or take it out of PATH: launchway then fetches the release that it is tested with.`,
  })
}

/** Whether a registry may serve in a moment: too many requests, or an error of its own. */
export function isBusy(stderr: string): boolean {
  return /TOOMANYREQUESTS|Too Many Requests|\b429\b|\b50[0234] |status code 5\d\d|INTERNAL|UNAVAILABLE/.test(stderr)
}

/** Why Trivy ended, in one line. @param code above 128 a signal, as a shell has it */
export function whyEnded(code: number, stderr: string): string {
  const said = reasonOf(stderr)
  if (code > 128) return `something ended it from outside (signal ${code - 128})${said === '' ? '' : `; before that it said: ${said}`}`
  return said === '' ? `it ended with ${code} and without a word` : said
}

/** @param reference its name in the engine */
export function imageGone(image: string, reference: string): LaunchwayError {
  return new LaunchwayError('BUILD_FAILED', `${image} was built, but the engine does not have ${reference} any more`, {
    hint: 'Something removed it, or this is another machine than the one that built it, and nothing was uploaded: run the build again, in the same job.',
  })
}

/** What the engine could not write out. @param stderr what it said */
export function notWritten(image: string, reference: string, stderr: string): LaunchwayError {
  if (/No such image|reference does not exist/.test(stderr)) return imageGone(image, reference)
  return new LaunchwayError('COMMAND_FAILED', `the engine did not write out ${image}, so it was not scanned`, { hint: stderr.trim() })
}

/** What a scan that failed means to a user. @param image its name @param given what Trivy was given: files of the repository, its name in the engine */
export function scanFailed(
  image: string,
  { ignoreFile, vex = [], reference = image }: { ignoreFile?: string | undefined; vex?: readonly string[]; reference?: string },
  { code, stderr }: { code: number; stderr: string },
): LaunchwayError {
  tooOld(stderr)
  const said = whyEnded(code, stderr)
  if (code > 128 || /out of memory|cannot allocate memory|failed to reserve page summary memory/.test(stderr)) {
    return new LaunchwayError('COMMAND_FAILED', `Trivy was ended before it had looked through ${image}, so nothing passed`, {
      hint: `${said}\nSignal 9 is most often the system's, out of memory: give this machine more of it, or nothing else to do at the same time.`,
    })
  }
  if (/unable to find the specified image/.test(stderr) && /No such image/.test(stderr)) return imageGone(image, reference)
  // It stands at the end of all the ways that it went inside.
  const full = /\S+: (?:no space left on device|disk quota exceeded)/.exec(stderr)?.[0]
  if (full !== undefined) {
    return new LaunchwayError('COMMAND_FAILED', `the disk was full before Trivy had looked through ${image}, so nothing passed`, {
      hint: `${full}\nThe engine writes out an image for Trivy, which takes as much room as the image has, in TMPDIR or RUNNER_TEMP.`,
    })
  }
  if (/VEX/.test(stderr) && vex.length > 0) {
    return new LaunchwayError('CONFIG_INVALID', `${vex.join(', ')}: not a VEX document that Trivy reads`, { hint: said })
  }
  if (/filter(ing)? error/.test(stderr) && ignoreFile !== undefined) {
    return new LaunchwayError('CONFIG_INVALID', `${ignoreFile} is not a list of exceptions that Trivy reads`, {
      hint: said,
      place: { file: ignoreFile },
    })
  }
  if (/java (db|index)|DB error|vulnerability DB/i.test(stderr)) {
    return new LaunchwayError('SCAN_DB_UNAVAILABLE', `${image} could not be scanned: a database that Trivy needs cannot be had`, {
      hint: `${said}\nFor .jar files Trivy looks in a database of its own, which is not among scan.databases: scan.java-databases names mirrors of it.`,
    })
  }
  return new LaunchwayError('COMMAND_FAILED', `Trivy could not scan ${image}`, { hint: said })
}

/** The image has `.jar` files, and there is no database that says which libraries they are. */
export function needsJava(stderr: string): boolean {
  return /Java DB[^]*cannot be specified on the first run/.test(stderr)
}

/** What Trivy kept of layers is no database (bbolt) any more: it says so, or dies of it. */
export function isDamaged(stderr: string): boolean {
  return /unable to open cache DB|go\.etcd\.io\/bbolt/.test(stderr)
}
