import { basename } from 'node:path'
import { looksSecret } from '../core/secret-names.ts'
import { isOfOther } from './values.ts'

/** Which files of a repository hold secrets: by their name, and by what they say. */

/** What shows the names alone, for whoever is to fill them in. */
const isExample = /(^|[._-])(example|sample|template|tmpl|dist|defaults?)([._-]|$)/i
/** Beside the application, with values for its tests alone. */
const isForTests = /^(.*[._-])?(tests?|ci|smoke)\.env$/i
const isEnvFile = /^\.env($|\.)|\.env$|^\.envrc$/
/** `secrets.yml`, `credentials.json`, `.secrets.toml`. */
const isSecretsFile = /^\.?(secrets?|credentials?)([._-][\w-]+)*\.(ya?ml|json|toml|ini|properties)$/i
/** Files of text in which somebody may have put a key. */
const mayHoldKey = /\.(json|ya?ml|toml|ini|conf|cfg|properties|txt|p8|ppk|asc|crt|cert)$/i

/** A key takes some kilobytes; what is larger is something else. */
export const mostKeyBytes = 32_000

/** Whether what a file says tells if it is a secret. */
export function tellsSecret(name: string): boolean {
  return isEnvFile.test(name) || isSecretsFile.test(name) || /\.(pem|key)$|^\.(npmrc|netrc|pypirc|git-credentials)$/i.test(name)
}

/** Whether a small file of this name is read for a key in it. */
export const mayHold = (name: string): boolean => mayHoldKey.test(name)

const keyBegins = /-----BEGIN [A-Z ]*PRIVATE KEY-----/
/** The key itself behind its first line, also as JSON and YAML have it: what only speaks of one has none. */
const keyItself =
  /-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----(?:\\[nr]|\s|(?:Proc-Type|DEK-Info|Version):[^\\\n]*(?:\\n|\n))*[A-Za-z0-9+/]{40}/

/** What a file or folder holds; undefined where it is no secret. */
export function secretIn(path: string, kind: string, text: string | undefined): string | undefined {
  const name = basename(path)
  if (kind === 'directory') {
    if (name === '.ssh' || name === '.aws' || name === '.gnupg') return 'the keys of an account'
    return name === 'instance' && !path.includes('/') ? "the application's own settings, which Flask keeps out of git" : undefined
  }
  if (isEnvFile.test(name)) return isExample.test(name) || isForTests.test(name) ? undefined : listed(namesIn(text ?? '', '='))
  if (/^id_(rsa|dsa|ecdsa|ed25519)$/.test(name)) return 'a private key'
  if (/\.(p12|pfx|jks|kdbx)$/i.test(name)) return 'private keys'
  if (name === '.npmrc') return text === undefined || /_authToken|_password/.test(text) ? 'a login' : undefined
  if (['.netrc', '.pypirc', '.git-credentials', '.htpasswd', '.vault_pass'].includes(name)) return 'a login'
  if (path.endsWith('.docker/config.json')) return 'a login'
  if (text === undefined) return undefined
  if (/\.(pem|key)$/i.test(name)) {
    if (keyBegins.test(text)) return 'a private key'
    // Rails' own: config/master.key, config/credentials/production.key.
    return /^\s*[\da-f]{32,64}\s*$/i.test(text) ? 'the key that credentials are encrypted with' : undefined
  }
  if (keyItself.test(text) || text.startsWith('PuTTY-User-Key-File')) return 'a private key'
  return isSecretsFile.test(name) && !isExample.test(name) ? listed(namesIn(text, '[:=]')) : undefined
}

function listed(names: readonly string[]): string | undefined {
  return names.length === 0 ? undefined : [...new Set(names)].join(', ')
}

/** Names of secrets that have a value here: not one that is filled in or decrypted elsewhere, nor one of developers. */
function namesIn(text: string, sign: string): string[] {
  const pattern = new RegExp(String.raw`^\s*(?:-\s+)?(?:export\s+)?["']?([\w.-]+)["']?\s*${sign}(.+)$`)
  const found: string[] = []
  let section = ''
  for (const line of text.split(/\r?\n|[{}]|(?<=["']),/)) {
    section = /^["'[]?([\w-]+)["'\]]?:?\s*$/.exec(line)?.[1] ?? section
    const [, name = '', rest = ''] = pattern.exec(line) ?? []
    const value = rest
      .trim()
      .replace(/,$/, '')
      .replace(/^(["'])(.*)\1$/, '$2')
    const isSaid = value !== '' && !/^(["']{2}|\$|<|\/|\||>|!|ENC\[|(true|false|null|~)$)/i.test(value)
    if (isSaid && looksSecret(name) && !isOfOther(name) && !/(name|ref|file|path)s?$/i.test(name) && !/^(dev|test)/i.test(section))
      found.push(name)
  }
  return found
}
