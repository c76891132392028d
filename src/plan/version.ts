/** The parts of a version that the pattern of a tag may name. */
export interface Version {
  raw: string
  version: string
  major: string
  minor: string
  patch: string
  /** It moves no tag that stands for several versions. */
  special: boolean
}

/** @see https://semver.org/#is-there-a-suggested-regular-expression-regex-to-check-a-semver-string */
const semverPattern =
  /^v?((0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?)(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?$/

/** As the package semver has it, so that nothing takes what others refuse. */
const longestVersion = 256

export function semver(text: string): Version | undefined {
  const found = text.length > longestVersion ? null : semverPattern.exec(text)
  const [raw, version = '', major = '', minor = '', patch = '', prerelease] = found ?? []
  if (raw === undefined || [major, minor, patch].some((part) => !Number.isSafeInteger(Number(part)))) return undefined
  return { raw, version, major, minor, patch, special: prerelease !== undefined }
}

/** @see https://peps.python.org/pep-0440/#appendix-b-parsing-version-strings-with-regular-expressions */
const pep440Pattern =
  /^v?(?:(\d+)!)?(\d+(?:\.\d+)*)(?:[-_.]?(alpha|a|beta|b|preview|pre|c|rc)[-_.]?(\d+)?)?(?:-(\d+)|[-_.]?(post|rev|r)[-_.]?(\d+)?)?(?:[-_.]?(dev)[-_.]?(\d+)?)?(?:\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?$/i

const letters: Record<string, string> = { alpha: 'a', beta: 'b', c: 'rc', pre: 'rc', preview: 'rc' }

/** A version of Python's packages, in its normal form: `1.0-Beta2` is `1.0b2`. */
export function pep440(text: string): Version | undefined {
  const found = text.length > longestVersion ? null : pep440Pattern.exec(text)
  if (found === null) return undefined
  const [raw, epoch = '0', release = '', pre, preNumber, implicitPost, post, postNumber, dev, devNumber, local] = found
  const parts = release.split('.').map(decimal)
  const letter = pre?.toLowerCase() ?? ''
  const version = [
    decimal(epoch) === '0' ? '' : `${decimal(epoch)}!`,
    parts.join('.'),
    pre === undefined ? '' : `${letters[letter] ?? letter}${decimal(preNumber)}`,
    implicitPost === undefined && post === undefined ? '' : `.post${decimal(implicitPost ?? postNumber)}`,
    dev === undefined ? '' : `.dev${decimal(devNumber)}`,
    local === undefined
      ? ''
      : `+${local
          .toLowerCase()
          .split(/[-_.]/)
          .map((part) => (/^\d+$/.test(part) ? decimal(part) : part))
          .join('.')}`,
  ].join('')
  const [major = '0', minor = '0', patch = '0'] = parts
  const special = [pre, implicitPost, post, dev].some((part) => part !== undefined)
  return { raw, version, major, minor, patch, special }
}

/** Without the zeros in front. */
function decimal(digits = '0'): string {
  return digits.replace(/^0+(?=\d)/, '')
}
