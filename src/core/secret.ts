import { inspect } from 'node:util'

const shown = '***'

/**
 * A value that cannot be printed by accident: string conversion, JSON, template literals and `console.log` all show
 * `***`. Only `reveal` gives it, and only the edge that hands it to a program calls that.
 */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  reveal(): string {
    return this.#value
  }

  /**
   * Every text under which the value could appear in somebody else's output, so that each can be masked: the value,
   * each of its lines, and their base64, URL-encoded and JSON forms. Texts under four characters are left out: masking
   * "1" would blank the log.
   */
  forms(): string[] {
    const texts = [this.#value, this.#value.trim(), ...this.#value.split(/\r?\n/).map((line) => line.trim())]
    const inJson = (text: string): string => JSON.stringify(text).slice(1, -1)
    const forms = texts.flatMap((text) => [text, Buffer.from(text).toString('base64'), encodeURIComponent(text), inJson(text)])
    return [...new Set(forms)].filter((form) => form.length >= 4).toSorted((a, b) => b.length - a.length)
  }

  toString(): string {
    return shown
  }

  toJSON(): string {
    return shown
  }

  [inspect.custom](): string {
    return shown
  }
}

/** The text with every form of every secret replaced: for evidence that other programs wrote. */
export function redact(text: string, secrets: Iterable<Secret>): string {
  // The longest first, whosever it is: of two secrets one may be the beginning of the other.
  const forms = [...secrets].flatMap((secret) => secret.forms()).toSorted((a, b) => b.length - a.length)
  return forms.reduce((redacted, form) => redacted.replaceAll(form, shown), text)
}
