import { appendFileSync } from 'node:fs'
// The module of @actions/core that writes workflow commands, and not its index: that one loads an HTTP client for OIDC
// at once, which doubles the start of every action (docs/adr/0006-start-up.md).
import { issue, issueCommand } from '../../../node_modules/@actions/core/lib/command.js'
import type { Place } from '../../core/error.ts'
import type { Secret } from '../../core/secret.ts'
import type { Sink } from './stages.ts'

/** GitHub shows about this much of an annotation. */
const annotationChars = 4_000

/** Workflow commands: groups, annotations. @see https://docs.github.com/actions/reference/workflow-commands-for-github-actions */
export const runnerSink: Sink = (entry) => {
  switch (entry.kind) {
    case 'line':
      return print(entry.text)
    case 'debug':
      return issueCommand('debug', {}, entry.text)
    case 'notice':
    case 'warning':
      return annotate(entry.kind, entry.text, {}, entry.place)
    case 'error': {
      const { code, message, hint, place } = entry.error
      return annotate('error', [message, hint].filter((part) => part !== undefined).join('\n'), { title: code }, place)
    }
    case 'open':
      return issue('group', entry.stage)
    case 'close':
      issue('endgroup')
      return print(`${entry.stage}: ${entry.outcome}`)
    default:
      return entry satisfies never
  }
}

/**
 * A line of somebody else's output must not be taken for a command. The runner looks for `::` at the start of a line
 * and for `##[` anywhere in it, ends lines at a lone CR too, and compares by the rules of a language, which overlook
 * invisible characters: only a visible one between the marks keeps them apart.
 * @see https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs
 */
function print(text: string): void {
  for (const line of text.split(/\r\n?|\n/)) {
    process.stdout.write(`${line.replace(/^[^!-~]*:(?=[^!-~]*:)/, '$&\\').replaceAll(/#(?=[^ -~]*#[^ -~]*\[)/g, '#\\')}\n`)
  }
}

function annotate(kind: 'notice' | 'warning' | 'error', text: string, properties: Record<string, string>, place: Place | undefined): void {
  const where = place === undefined ? {} : { file: place.file, line: place.line, col: place.column }
  issueCommand(kind, { ...properties, ...where }, text.slice(0, annotationChars))
}

export function maskOnRunner(secret: Secret): void {
  for (const form of secret.forms()) issueCommand('add-mask', {}, form)
}

/** Values of several lines go through @actions/core, for its random delimiter; it loads all of node:crypto for that. */
export async function setOutput(name: string, value: string): Promise<void> {
  if (/[\r\n]/.test(value)) {
    const { issueFileCommand, prepareKeyValueMessage } = await import('../../../node_modules/@actions/core/lib/file-command.js')
    return issueFileCommand('OUTPUT', prepareKeyValueMessage(name, value))
  }
  append('GITHUB_OUTPUT', `${name}=${value}\n`)
}

/** Adds Markdown to the summary of this step. */
export function addSummary(markdown: string): void {
  append('GITHUB_STEP_SUMMARY', markdown)
}

/** Somewhere without such a file there is nobody to read it. */
function append(variable: string, text: string): void {
  const file = process.env[variable]
  if (file !== undefined && file !== '') appendFileSync(file, text)
}
