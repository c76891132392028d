/** Lines at the end of a log that a failure shows, whatever they say. */
const ending = 60
/** Of the errors that stand before them: how many, and of each where it was raised and what it says on further lines. */
const errors = 8
const raisedIn = 2
const further = 3

/** "2 errors" is a count. */
const saysError = /(error|exception)\b|\b(fatal|panic|critical|caused by)\b/i
/** Between two exceptions of Python, one of which came of the other. */
const isLink = /^(The above exception was|During handling of the above exception)/
const beginsTrace = /Traceback \(most recent call last\)/
/** A frame, or a line of code. */
const isIndented = (line: string): boolean => /^\s/.test(line)

/**
 * What of a log tells why its program failed: its end, and the errors before it. The stack of an exception, and of all
 * that came of it, push the line that says the cause far up.
 */
export function excerpt(text: string): string {
  const lines = text.split('\n')
  const end = Math.max(0, lines.length - ending)
  const shown = new Set(errorsIn(lines.slice(0, end)).flatMap((at) => around(at, lines)))
  for (let at = 0; at < lines.length; at += 1) if (at >= end || (shown.has(at - 1) && shown.has(at + 1))) shown.add(at)
  return withGaps(lines, shown).join('\n')
}

/** Where the last of them stand; of what is said several times the last alone counts. */
function errorsIn(lines: readonly string[]): number[] {
  const found = new Map<string, number>()
  let inTrace = false
  for (const [at, line] of lines.entries()) {
    if (beginsTrace.test(line)) inTrace = true
    else if (!isIndented(line) && line !== '') {
      // What ends a stack of Python is its exception, whatever its name.
      if ((inTrace || saysError.test(line)) && !isLink.test(line)) {
        found.delete(line)
        found.set(line, at)
      }
      inTrace = false
    }
  }
  return [...found.values()].slice(-errors)
}

function around(at: number, lines: readonly string[]): number[] {
  const numbers = [at]
  for (let before = at - 1; before >= at - raisedIn && isIndented(lines[before] ?? ''); before -= 1) numbers.push(before)
  for (let after = at + 1; after <= at + further && (lines[after] ?? '') !== ''; after += 1) numbers.push(after)
  return numbers
}

function withGaps(lines: readonly string[], shown: ReadonlySet<number>): string[] {
  let left = 0
  return lines.flatMap((line, at) => {
    if (!shown.has(at)) {
      left += 1
      return []
    }
    const gap = left === 0 ? [] : [`… (${left} ${left === 1 ? 'line' : 'lines'})`]
    left = 0
    return [...gap, line]
  })
}
