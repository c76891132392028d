import { appendFileSync } from 'node:fs'
import type { Place } from '../../core/error.ts'
import type { Secret } from '../../core/secret.ts'
import { printNow } from './output.ts'
import type { Sink } from './stages.ts'

/** GitHub shows about this much of an annotation. */
const annotationChars = 4_000
const cut = '\n…\n'

/** Workflow commands: groups, annotations. @see https://docs.github.com/actions/reference/workflow-commands-for-github-actions */
export const runnerSink: Sink = (entry) => {
  switch (entry.kind) {
    case 'line':
      return print(entry.text)
    case 'debug':
      return command('debug', {}, entry.text)
    case 'notice':
    case 'warning':
      return annotate(entry.kind, excerpt(entry.text, annotationChars), {}, entry.place)
    case 'error': {
      const { code, message, hint = '', place } = entry.error
      // An annotation has room for a part of the evidence only, and the log is where people look for all of it.
      if (hint !== '') print(hint)
      const said = excerpt(message, annotationChars / 2)
      const text = hint === '' ? said : `${said}\n${excerpt(hint, annotationChars - said.length - 1)}`
      return annotate('error', text, { title: code }, place)
    }
    case 'open':
      return command('group', {}, entry.stage)
    case 'close':
      command('endgroup', {}, '')
      return print(`${entry.stage}: ${entry.outcome}`)
    default:
      return entry satisfies never
  }
}

/** What is not one of our errors is a bug. */
export function reportBug(stack: string): void {
  annotate('error', excerpt(stack, annotationChars), { title: 'a bug in launchway' }, undefined)
}

/**
 * A line of somebody else's output must not be taken for a command. The runner looks for `::` at the start of a line
 * and for `##[` anywhere in it, ends lines at a lone CR too, and compares by the rules of a language, which overlook
 * invisible characters: only a visible one between the marks keeps them apart.
 * @see https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs
 */
function print(text: string): void {
  const lines = text
    .split(/\r\n?|\n/)
    .map((line) => line.replace(/^[^!-~]*:(?=[^!-~]*:)/, '$&\\').replaceAll(/#(?=[^ -~]*#[^ -~]*\[)/g, '#\\'))
  printNow(`${lines.join('\n')}\n`)
}

function annotate(kind: 'notice' | 'warning' | 'error', text: string, properties: Record<string, string>, place: Place | undefined): void {
  const where = place === undefined ? {} : { file: place.file, line: place.line, col: place.column }
  command(kind, { ...properties, ...where }, text)
}

/** The beginning of a text and its end, where the cause stands, as far as there is room: in whole lines, if it has some. */
function excerpt(text: string, room: number): string {
  if (text.length <= room) return text
  const head = text.slice(0, room / 4)
  const tail = text.slice(head.length + cut.length - room)
  return `${head.slice(0, head.lastIndexOf('\n') + 1 || undefined).trimEnd()}${cut}${tail.slice(tail.indexOf('\n') + 1)}`
}

/**
 * One command, as @actions/core writes it (a test compares them). Not through it: it writes to process.stdout, and to
 * set that up takes as long as all the rest of a short action (docs/adr/0006-start-up.md).
 */
function command(name: string, properties: Record<string, string | number | undefined>, message: string): void {
  const given = Object.entries(properties).filter(([, value]) => value !== undefined && value !== '' && value !== 0)
  const list = given.map(([key, value]) => `${key}=${escaped(String(value)).replaceAll(':', '%3A').replaceAll(',', '%2C')}`).join(',')
  printNow(`::${name}${list === '' ? '' : ` ${list}`}::${escaped(message)}\n`)
}

function escaped(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}

export function maskOnRunner(secret: Secret): void {
  for (const form of secret.forms()) command('add-mask', {}, form)
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
