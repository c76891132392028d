import { LaunchwayError } from './error.ts'
import type { Secret } from './secret.ts'

/**
 * A program call as a value: built by the pure functions in tools/, run by one adapter, compared in tests. `args` go
 * to the program as they are; nothing here is ever read by a shell.
 */
export interface Command {
  file: string
  args: readonly string[]
  /** Written to the program's standard input, which is then closed. Without it the input is empty. */
  stdin?: string | Secret
  /** Added to the environment. The place for what must not be seen in the process list. */
  env?: Readonly<Record<string, string | Secret>>
  /** What of the environment it does not get, by the beginning of the name; `env` is added after that. */
  drops?: { prefix: string; but: readonly string[] }
  cwd?: string
  /** Milliseconds after which the program is ended, first kindly, then not. */
  timeoutMs?: number
  /** Milliseconds that it has to end kindly when it is ended. Default: 5000. */
  graceMs?: number
  /** The output may hold secrets: it is not shown live, nor in an error. */
  secret?: boolean
}

type Arg = string | false | undefined | readonly Arg[]

/** `command('git', ['rev-parse', 'HEAD'])`; nested lists are flattened, `false` and `undefined` left out. */
export function command(file: string, args: readonly Arg[], rest: Omit<Command, 'file' | 'args'> = {}): Command {
  return { file, args: flat(args), ...rest }
}

/** `each('--tag', ['a:1', 'b:1'])` is `['--tag', 'a:1', '--tag', 'b:1']`. */
export function each(flag: string, values: readonly string[] = []): string[] {
  return values.flatMap((value) => [flag, value])
}

/** `option('--target', x)` is nothing when `x` is undefined. */
export function option(flag: string, value: string | number | undefined): string[] {
  return value === undefined ? [] : [flag, String(value)]
}

function flat(args: readonly Arg[]): string[] {
  return args.flatMap((arg) => {
    if (arg === false || arg === undefined) return []
    return typeof arg === 'string' ? [arg] : flat(arg)
  })
}

const plain = /^[\w@%+=:,./-]+$/

/**
 * One word for a POSIX shell, safe whatever it holds. The only quoting there is: for the SSH edge, for the data that
 * the host program reads, and for showing a command to a person.
 * @see https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_02_02
 * @throws LaunchwayError USAGE for a NUL character, which no program can be given
 */
export function quote(word: string): string {
  if (word.includes('\0')) throw new LaunchwayError('USAGE', 'a value holds a NUL character, which no program can be given')
  // A word of plain characters reads better bare; everything else stands between single quotes.
  return plain.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

/** The command as a line that a person can paste into a shell. */
export function display({ file, args }: Command): string {
  return [file, ...args].map(quote).join(' ')
}

/** Where every exit code is an answer. */
export const anyCode: readonly number[] = Array.from({ length: 256 }, (_, code) => code)
