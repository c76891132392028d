import type { Initialised } from './run.ts'

/** What was written, and what to do next; with the files themselves where nothing was. */
export function showInitialised({ files, notes, next }: Initialised, dryRun: boolean): string {
  const width = Math.max(...files.map(({ path }) => path.length))
  return [
    ...(dryRun ? files.flatMap(({ path, text, state }) => (state === 'unchanged' ? [] : [`--- ${path}`, text.trimEnd(), ''])) : []),
    ...files.map(({ path, state }) => `${path.padEnd(width)}  ${state}`),
    ...(notes.length === 0 ? [] : ['', 'Left out, or not decided:', ...notes.map((note) => `  - ${note}`)]),
    '',
    'Next:',
    ...next.map((step, index) => `  ${index + 1}. ${step}`),
    '',
  ].join('\n')
}
