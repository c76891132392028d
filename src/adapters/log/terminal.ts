import { styleText } from 'node:util'
import { redact, type Secret } from '../../core/secret.ts'
import type { Entry, Sink } from './stages.ts'

const nameWidth = 6

/**
 * Lines for a person at a terminal, live, each with the stage it belongs to. They go to the error stream: the output
 * is for the answer alone (`--json`).
 * @param secrets masked in whatever other programs say
 */
export function terminalSink(stream: NodeJS.WritableStream, options: { debug: boolean; secrets: () => Iterable<Secret> }): Sink {
  return (entry, stage) => {
    if (entry.kind === 'debug' && !options.debug) return
    const margin = stage === undefined ? '' : `${styleText('dim', `${stage.padEnd(nameWidth)} │`)} `
    const lines = redact(render(entry), options.secrets()).split('\n')
    stream.write(lines.map((line) => `${margin}${line}\n`).join(''))
  }
}

function render(entry: Entry): string {
  switch (entry.kind) {
    case 'line':
      return entry.text
    case 'debug':
      return styleText('dim', entry.text)
    case 'notice':
      return styleText('cyan', entry.text)
    case 'warning':
      return styleText('yellow', `warning: ${entry.text}`)
    case 'error': {
      const { code, message, hint, place } = entry.error
      const where = place === undefined ? '' : `${[place.file, place.line, place.column].filter((part) => part !== undefined).join(':')}: `
      return [styleText('red', `${code}: ${where}${message}`), hint].filter((part) => part !== undefined).join('\n')
    }
    case 'open':
      return styleText('bold', `── ${entry.stage}`)
    case 'close':
      return styleText('bold', entry.outcome)
    default:
      return entry satisfies never
  }
}
