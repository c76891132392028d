import { type ErrorCode, errorCodes } from '../../src/core/error.ts'
import { keysOf } from '../../src/core/objects.ts'
import { common, type Flag, flags, verbs } from '../../src/verbs.ts'
import { code, fenced, type GeneratedFile, page, prose, table } from './page.ts'

const codes: readonly ErrorCode[] = keysOf(errorCodes)

/** What a script would do next, by exit code. */
const exits: Readonly<Record<number, string>> = {
  0: 'done, or nothing to do',
  1: 'a program that launchway called failed, `doctor` has found an error, or a bug in launchway (it shows its stack)',
  2: 'mend the input: command line, configuration, secrets, tools',
  3: 'look at the evidence: smoke or scan stopped the release',
  4: 'mend the build',
  5: 'look at the registry, or at GitHub',
  6: 'look at the host; it runs what it ran before',
  7: 'nothing to do at once: the old version serves, if there was one',
  8: 'act now: perhaps no version serves',
  130: 'ended from outside (Ctrl-C, a cancelled job)',
}

export function cliPage(): GeneratedFile {
  const named = (list: readonly Flag[]): string => list.map((flag) => code(`--${flag}`)).join(' ')
  const now = Object.entries(verbs).map(([verb, entry]) => [code(`launchway ${verb}`), prose(entry.says), named(entry.takes)])
  const options = Object.entries(flags).map(([name, flag]) => {
    const value = 'value' in flag ? ` ${flag.value}` : ''
    return [`${code(`--${name}${value}`)}${'short' in flag ? `, ${code(`-${flag.short}`)}` : ''}`, prose(flag.says)]
  })
  return page('docs/reference/cli.md', 'Command line', 'src/verbs.ts', [
    fenced(
      'sh',
      'launchway plan                        # what would happen here, and why\nlaunchway run --environment staging    # all of it\nlaunchway status -e production --json',
    ),
    'The answer goes to standard output; progress, warnings and errors go to standard error. With `--json` a failure is an answer too: the record, with its `outcome`, or where there is none `{"error": {"code", "message", "hint"}}`.',
    '## Verbs',
    table(['verb', 'does', 'options'], now),
    `Every verb takes ${named(common)}. An option that a verb does not take is refused, with the verbs that take it.`,
    '## Options',
    table(['option', 'meaning'], options),
    '## Environment',
    'Secrets and logins are read from variables: `SSH_KEY`, `REGISTRY_USERNAME`, `REGISTRY_PASSWORD`, and every name that `secrets:` in launchway.yml lists. Without them your SSH agent, `~/.ssh` and `docker login` are used. `NO_COLOR` turns colours off.',
    '## Exit codes',
    table(
      ['code', 'what next', 'errors'],
      Object.entries(exits).map(([exit, next]) => [
        exit,
        next,
        codes
          .filter((one) => String(errorCodes[one].exit) === exit)
          .map(link('../errors'))
          .join(', '),
      ]),
    ),
  ])
}

export function errorsPage(): GeneratedFile {
  return page('docs/reference/errors.md', 'Errors', 'src/core/error.ts', [
    'Every failure a user can meet has a code and a page: what it means, why it happens, what to do, and what launchway has and has not done. Anything else is a bug in launchway and shows its stack.',
    table(
      ['code', 'exit', 'meaning'],
      codes.map((one) => [link('../errors')(one), String(errorCodes[one].exit), errorCodes[one].says]),
    ),
    'What the exit codes mean to a script: [Command line](cli.md#exit-codes).',
  ])
}

function link(folder: string): (one: ErrorCode) => string {
  return (one) => `[${one}](${folder}/${one}.md)`
}
