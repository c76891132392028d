import { describe, expect, it } from 'vitest'
import { starters } from '../../src/init/starters.ts'
import { findingsIn, told } from './support/doctor.ts'

const job = (uses: string): string => `on: push\njobs:\n  release:\n    steps:\n      - uses: ${uses}\n`
const commit = 'a'.repeat(40)

async function said(files: Readonly<Record<string, string>>): Promise<string[]> {
  return (await findingsIn(files)).filter(({ rule }) => rule === 'launchway-unfilled').map(told)
}

describe('the name of launchway in workflows', () => {
  it('that is still to be filled in is found in every workflow to copy, at its line', async () => {
    const files = Object.fromEntries(starters().map(({ name, text }) => [`.github/workflows/${name}`, text]))
    const lines = Object.entries(files).flatMap(([path, text]) =>
      text.split('\n').flatMap((line, index) => (/^\s*(- )?uses: OWNER/.test(line) ? [`${path}:${index + 1}`] : [])),
    )
    expect(lines.length).toBeGreaterThan(5)
    expect((await said(files)).map((line) => line.split(' ')[2]?.replace(/:$/, '')).toSorted()).toEqual(lines.toSorted())
  })

  it.each([
    ['OWNER/launchway@COMMIT'],
    [`OWNER/launchway@${commit}`],
    ['acme/launchway@COMMIT # v1.0.0'],
    ['"OWNER/launchway/actions/deploy@COMMIT"'],
  ])('%s is found, by name', async (uses) => {
    const name = uses.replaceAll(/"| #.*/g, '')
    expect(await said({ '.github/workflows/push.yml': job(uses) })).toEqual([
      `error launchway-unfilled .github/workflows/push.yml:5: uses ${name}, which is still to be filled in`,
    ])
  })

  it.each([
    [`acme/launchway@${commit}`],
    ['acme/launchway-tools@COMMIT'],
    ['OWNER/other@COMMIT'],
    [`a/b@${commit} # OWNER/launchway@COMMIT`],
  ])('%s is not', async (uses) => {
    expect(await said({ '.github/workflows/push.yml': job(uses) })).toEqual([])
  })

  it('what is only a comment is not either', async () => {
    expect(await said({ '.github/workflows/push.yml': `${job('./x')}      # - uses: OWNER/launchway@COMMIT\n` })).toEqual([])
  })
})
