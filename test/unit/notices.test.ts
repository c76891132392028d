import { expect, it } from 'vitest'
import { bodyOf } from '../../src/report/body.ts'
import { record } from './support/deploy.ts'

const page = 'https://github.example.org/team/app/actions/runs/7'

it('what people are told ends with the page of the run', () => {
  expect(bodyOf(record(), page).endsWith(`\n\n[This run](${page})`)).toBe(true)
  expect(bodyOf(record(), undefined)).not.toContain('This run')
})

it('what is longer than a comment may be is left out in whole parts, and that is said', () => {
  const evidence = Array.from({ length: 2_000 }, (_, nth) => `line ${nth} of what the service said last\n`).join('\n')
  const body = bodyOf({ ...record(), outcome: { state: 'failed', code: 'BUILD_FAILED', message: 'no such file', evidence } }, page)
  expect(body.length).toBeLessThan(65_536)
  expect(body).toContain('**`BUILD_FAILED`**: no such file')
  expect(body).not.toContain('<details>')
  expect(body).toContain('| stage |')
  expect(body).toContain('there is more in the summary of the run')
})
