import { looksSecret } from '../core/secret-names.ts'
import { isOfOther } from './values.ts'

/** Passwords that are no secret: those that everybody tries first, and those that can be read off beside them. */

/** What everybody tries first: words, and what products come with. */
const words: ReadonlySet<string> = new Set(
  'admin administrator airflow change-me change_me changeit changeme default dev elastic example guest grafana keycloak letmein mariadb minio minioadmin mongo mysql neo4j pass passw0rd password postgres postgresql qwerty rabbitmq redis root secret super-secret supersecret test toor user welcome'.split(
    ' ',
  ),
)
const digits = /^(0?123(4(5(6(7(89?0?)?)?)?)?)?|0{3,8}|1{3,8})$/

/** What says by itself that it is none. */
const toChange = /change.?(me|this|it)|to.?be.?changed|replace.?me|your.?(own.?)?(password|secret|key)|insert.?(password|secret)/i

/** A password, and not an identifier beside one: `API_TOKEN`, but not `TOKEN_ISSUER`. */
const isPassword = /(pass(word|wd|phrase)?|pwd|secret|token|(?<!access)_key)\d*$/i

/** Whether a password is one of those, also with a number behind it; `names` are those that it can be read off. */
function isKnown(value: string, names: ReadonlySet<string>): boolean {
  const plain = value.toLowerCase()
  // What is put behind a word to please a rule: admin123, Password1!
  const stem = plain.replace(/(?<=\D)[\d!@#$%&*._-]{1,6}$/, '')
  return [plain, stem].some((one) => words.has(one) || names.has(one)) || digits.test(plain)
}

/** The value that stands for a variable that nobody gives: of `${NAME:-admin}`. */
function withFallbacks(value: string): string {
  return value.replaceAll(/\$\{\w+:?-([^{}]*)\}/g, '$1')
}

/**
 * The password that a value is, where everybody knows it: by itself, as the default of a variable, or in a URL.
 * @param names of users, services and products beside it: a password that is one of them is none
 */
export function knownPassword(name: string, value: string, names: ReadonlySet<string> = new Set()): string | undefined {
  const plain = withFallbacks(value.trim()).replaceAll(/^["']|["']$/g, '')
  if (looksSecret(name) && !isOfOther(name)) {
    if (isKnown(plain, isPassword.test(name) ? names : new Set()) || toChange.test(plain)) return plain
  }
  const [, user = '', inUrl = ''] = /^[a-z][a-z\d+.-]*:\/\/([^\s:/@]*):([^\s/@]+)@/i.exec(plain) ?? []
  return inUrl !== '' && isKnown(inUrl, new Set([...names, user.toLowerCase()])) ? inUrl : undefined
}

/** The password that everybody knows on a command line: `--requirepass redis`. */
export function knownArgument(words: readonly string[], names: ReadonlySet<string>): string | undefined {
  const text = withFallbacks(words.join(' '))
  for (const [, value = ''] of text.matchAll(/\s--?(?!-|no-|skip-)(?:requirepass|(?:[\w-]*[-_])?pass(?:word|wd)?)[\s=]+["']?([^\s"']+)/gi))
    if (isKnown(value, names) || toChange.test(value)) return value
  return undefined
}

/** Variables by which the image of a database lets everybody in. */
const switches: Readonly<Record<string, RegExp>> = {
  POSTGRES_HOST_AUTH_METHOD: /^trust$/i,
  MYSQL_ALLOW_EMPTY_PASSWORD: /./,
  MARIADB_ALLOW_EMPTY_PASSWORD: /./,
  MARIADB_ALLOW_EMPTY_ROOT_PASSWORD: /./,
  ALLOW_EMPTY_PASSWORD: /./,
}

/** Whether a variable has a database ask nobody for a password. */
export function letsIn(name: string, value: string): boolean {
  const plain = withFallbacks(value).trim()
  return Object.hasOwn(switches, name) && switches[name]?.test(plain) === true && !/^(no|false|0)$|\$/i.test(plain)
}

/** Names that somebody would try as a password: of users and databases that these variables say. */
export function namesOf(variables: readonly { name: string; value: string }[]): string[] {
  return variables.flatMap(({ name, value }) => {
    const plain = withFallbacks(value).trim().toLowerCase()
    const inUrl = /^[a-z][a-z\d+.-]*:\/\/([^\s:/@]+):[^\s/@]+@[^\s/]+(?:\/([\w-]+))?/.exec(plain)?.slice(1) ?? []
    const own = /(^|_)(user(name)?|db|database|dbname)$/i.test(name) ? [plain] : []
    return [...own, ...inUrl].filter((one) => one !== undefined && one.length > 1 && !one.includes('$'))
  })
}
