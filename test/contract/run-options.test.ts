import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { refusedOptions } from '../../src/config/run-options.ts'

/** `  -d, --detach   Run …` and `      --name string   Assign …`: a type after the name says that it takes a value. */
const line = /^ {2}(?:-(\w), | {4})--([\w-]+)(?: (\S+))? {2,}/gm

const options = [...execFileSync('docker', ['run', '--help'], { encoding: 'utf8' }).matchAll(line)].map(([, short, long = '', type]) => ({
  short,
  long: `--${long}`,
  takesValue: type !== undefined,
}))

const shortForms = options.flatMap(({ short, long, takesValue }) => (short === undefined ? [] : [{ short: `-${short}`, long, takesValue }]))
const words = [
  ...options.map(({ long, takesValue }) => ({ word: long, takesValue })),
  ...shortForms.map(({ short, takesValue }) => ({ word: short, takesValue })),
]

test('the help of docker run is understood', () => {
  expect(options.length).toBeGreaterThan(80)
  expect(options).toContainEqual({ short: 'd', long: '--detach', takesValue: false })
  expect(options).toContainEqual({ short: 'v', long: '--volume', takesValue: true })
})

test.each(words)('docker and launchway agree whether $word takes a value: $takesValue', ({ word, takesValue }) => {
  expect(refusedOptions([word]).some(({ message }) => message.includes('lacks its value'))).toBe(takesValue)
})

test.each(shortForms)('$short is judged as $long', ({ short, long }) => {
  const inFull = refusedOptions([`${long}=x`])
  expect(refusedOptions([`${short}=x`])).toEqual(inFull.map((one) => ({ ...one, message: one.message.replace(long, short) })))
})
