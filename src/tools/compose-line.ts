/** A command of a compose file that is one text, and no list. */

interface Read {
  words: string[]
  /** Outside of quotes stands what only a shell reads, such as `&&`; compose itself ends the command there. */
  needsShell: boolean
}

/**
 * Its words, as compose takes them: quotes and backslashes as in a shell, a line break is a space. What is more than words
 * goes through a shell, unless it is one that is started anyway.
 */
export function lineWords(line: string): string[] {
  const text = line.trim()
  const { words, needsShell } = split(text)
  if (needsShell) return ['sh', '-c', text]
  // The value of a variable is in the environment of the container: somebody has to read it there.
  return text.includes('$') && !startsShell(words) ? ['sh', '-c', text] : words
}

/** `sh -c "…"`: what follows is for that shell. */
function startsShell([program = '', flags = '', script]: readonly string[]): boolean {
  return /^(\/\S*\/)?(ba|da|a|z)?sh$/.test(program) && /^-[a-z]*c$/.test(flags) && script !== undefined
}

function split(text: string): Read {
  const words: string[] = []
  let word: string | undefined
  let quote = ''
  for (let at = 0; at < text.length; at += 1) {
    const sign = text.charAt(at)
    if (sign === '\\' && quote !== "'" && at + 1 < text.length) {
      at += 1
      word = `${word ?? ''}${text.charAt(at)}`
    } else if (sign === quote) quote = ''
    else if (quote !== '') word += sign
    else if (sign === '"' || sign === "'") {
      quote = sign
      word ??= ''
    } else if (/\s/.test(sign)) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else if (/[;&|<>`()]/.test(sign)) return { words, needsShell: true }
    else word = `${word ?? ''}${sign}`
  }
  return { words: word === undefined ? words : [...words, word], needsShell: false }
}
