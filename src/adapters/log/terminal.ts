import { styleText } from 'node:util'
import { redact, type Secret } from '../../core/secret.ts'
import type { Entry, Sink } from './stages.ts'

const nameWidth = 6

type Paint = (format: 'dim' | 'cyan' | 'yellow' | 'red' | 'bold', text: string) => string

/**
 * Lines for a person at a terminal, live, each with the stage it belongs to. They go to the error stream: the output
 * is for the answer alone (`--json`).
 * @param secrets masked in whatever other programs say
 */
export function terminalSink(stream: NodeJS.WritableStream, options: { debug: boolean; secrets: () => Iterable<Secret> }): Sink {
  // Colours are for the stream that is written to, which may be a file where the output is a terminal.
  const paint: Paint = (format, text) => styleText(format, text, { stream })
  return (entry, stage) => {
    if (entry.kind === 'debug' && !options.debug) return
    const margin = stage === undefined ? '' : `${paint('dim', `${stage.padEnd(nameWidth)} │`)} `
    const lines = redact(render(entry, paint), options.secrets()).split('\n')
    stream.write(lines.map((line) => `${margin}${line}\n`).join(''))
  }
}

function render(entry: Entry, paint: Paint): string {
  switch (entry.kind) {
    case 'line':
      return entry.text
    case 'debug':
      return paint('dim', entry.text)
    case 'notice':
      return paint('cyan', entry.text)
    case 'warning':
      return paint('yellow', `warning: ${entry.text}`)
    case 'error': {
      const { code, message, hint, place } = entry.error
      const where = place === undefined ? '' : `${[place.file, place.line, place.column].filter((part) => part !== undefined).join(':')}: `
      return [paint('red', `${code}: ${where}${message}`), hint].filter((part) => part !== undefined).join('\n')
    }
    case 'open':
      return paint('bold', `── ${entry.stage}`)
    case 'close':
      return paint('bold', entry.outcome)
    default:
      return entry satisfies never
  }
}
