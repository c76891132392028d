import type { Row } from './description.ts'
import type { Misfit } from './fit.ts'

const documentation_url = 'https://docs.github.com/rest'

/** An answer that is an error, in the shape that GitHub gives it. */
export class Refusal extends Error {
  readonly status: number
  readonly headers: Record<string, string>
  readonly #more: Row

  constructor(status: number, message: string, { headers = {}, ...more }: { headers?: Record<string, string>; errors?: Row[] } = {}) {
    super(message)
    this.status = status
    this.headers = headers
    this.#more = more
  }

  get body(): Row {
    return { message: this.message, ...this.#more, documentation_url, status: String(this.status) }
  }
}

export function notFound(): Refusal {
  return new Refusal(404, 'Not Found')
}

export function invalid(misfits: readonly Misfit[]): Refusal {
  const lines = misfits.map(({ where, what }) => (where === '' ? what : `For '${where}', ${what}`))
  return new Refusal(422, `Invalid request.\n\n${lines.join('\n')}`, {
    errors: misfits.map(({ where, what }) => ({ code: 'custom', field: where, message: what })),
  })
}

export function validationFailed(
  resource: string,
  field: string,
  code: 'already_exists' | 'missing' | 'invalid' | 'custom',
  message?: string,
): Refusal {
  return new Refusal(422, 'Validation Failed', { errors: [{ resource, field, code, ...(message === undefined ? {} : { message }) }] })
}
