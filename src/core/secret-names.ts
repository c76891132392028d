/**
 * On the host a secret travels to its container through the environment of a shell and of the docker client. A name
 * that one of these reads for itself would change what they do, with a value that nobody reviewed.
 */

const shell = ['PATH', 'HOME', 'IFS', 'ENV', 'SHELL', 'SHELLOPTS', 'PWD', 'OLDPWD', 'CDPATH', 'PS4', 'UID', 'EUID', 'PPID']
/** What docker's client reads, with what clients before it read: an image may have a name of its own that begins so (DOCKER_INFLUXDB_…). */
const ofDocker =
  /^DOCKER_(API_VERSION|AUTH_CONFIG|BUILDKIT|CERT_PATH|CLI_.*|COMPLETION_.*|CONFIG|CONTENT_TRUST.*|CONTEXT|CUSTOM_HEADERS|DEFAULT_PLATFORM|HIDE_LEGACY_COMMANDS|HOST|(STACK_)?ORCHESTRATOR|TLS(_VERIFY)?|TMPDIR)$/
const prefixes = [
  { prefix: 'BASH', reads: 'the shell' },
  { prefix: 'LD_', reads: 'the loader' },
  { prefix: 'LW_', reads: 'the program that deploys' },
] as const

/** Why a secret must not have this name; undefined when it may. */
export function refusedSecret(name: string): string | undefined {
  const reader = shell.includes(name)
    ? 'the shell'
    : name === 'GODEBUG' || ofDocker.test(name)
      ? 'the docker client'
      : prefixes.find(({ prefix }) => name.startsWith(prefix))?.reads
  return reader === undefined ? undefined : `${reader} on the host would read it; call it otherwise, or set it in env if it is not secret`
}

const telling = /pass(word|wd|phrase)?|secret|token|api_?key|private|credential/i
/** `MYSQL_PWD`, but not the folder that a shell is in; `ENCRYPTION_KEY`, but not what is for everybody. */
const tellingEnd = /(?<=[a-z\d]_?)(?<!^old_?)pwd$|(?<!public|publishable|primary|foreign)_key$|(^|_)dsn$/i
/** Whether a name is that of a secret. */
export const looksSecret = (name: string): boolean => telling.test(name) || tellingEnd.test(name)

/** An address with a password in it: `redis://:s3cret@redis:6379/0`. */
export const hasLogin = (value: string): boolean => /:\/\/[^/@\s]*:[^/@\s]+@/.test(value)
