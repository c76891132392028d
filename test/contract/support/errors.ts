import { LaunchwayError } from '../../../src/core/error.ts'

/** The failure of a call that has to fail, as a user would read it. */
export async function failureOf(call: Promise<unknown>): Promise<LaunchwayError> {
  try {
    await call
  } catch (error) {
    if (error instanceof LaunchwayError) return error
    throw error
  }
  throw new Error('the call did not fail')
}
