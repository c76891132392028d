import { describe, expect, it } from 'vitest'
import { keysOf } from '../../src/core/objects.ts'
import { flags, flagsOf, verbs } from '../../src/verbs.ts'
import { type Ended, open, scratch } from './support/doors.ts'

const launchway = (...args: string[]): Ended => open('cli', args, scratch)

describe('the help of the command line', () => {
  it.each([[['--help']], [['-h']], [[]]])('%j names every verb and every option', (args) => {
    const { code, out, err } = launchway(...args)
    expect([code, err]).toEqual([0, ''])
    for (const verb of Object.keys(verbs)) expect(out).toMatch(new RegExp(String.raw`(^| )${verb}(,| |$)`, 'm'))
    for (const flag of Object.keys(flags)) expect(out).toContain(`--${flag}`)
    for (const verb of keysOf(verbs))
      expect(out).toMatch(
        new RegExp(
          `^ +${verb} .*\n +${flagsOf(verb)
            .map((flag) => `--${flag}`)
            .join(' ')}$`,
          'm',
        ),
      )
  })

  it.each([[['logs', '--help']], [['--help', 'logs']], [['logs', 'web', '-h', '--follow']]])(
    '%j is about that verb, and no other',
    (args) => {
      const { code, out, err } = launchway(...args)
      expect([code, err]).toEqual([0, ''])
      expect(out).toContain('launchway logs [SERVICE] [OPTION…]')
      expect(out).not.toContain('doctor')
    },
  )

  it('help of what is no verb says what was probably meant', () => {
    expect(launchway('paln', '--help')).toMatchObject({ code: 2, err: expect.stringContaining('Did you mean "launchway plan"?') })
  })
})
