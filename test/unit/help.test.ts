import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { describe, expect, it } from 'vitest'
import { keysOf } from '../../src/core/objects.ts'
import { examples, helpOf } from '../../src/help.ts'
import { common, flags, flagsOf, verbs } from '../../src/verbs.ts'
import { versionLine } from '../../src/version.ts'

const here = keysOf(verbs)

it.each([
  ['1.2.3', undefined, '1.2.3'],
  ['1.2.3', '4f2a9c1', '1.2.3 (commit 4f2a9c1)'],
  ['1.2.3', '4f2a9c1-dirty', '1.2.3 (commit 4f2a9c1, with changes)'],
  ['0.0.0', undefined, '0.0.0 (not released)'],
  ['0.0.0', '4f2a9c1', '0.0.0 (not released, commit 4f2a9c1)'],
])('the version %s at %s is shown as %s', (of, commit, shown) => {
  expect(versionLine(of, commit)).toBe(shown)
})

describe('the help of one verb', () => {
  it.each(here)('%s: how it is called, what it does, what it takes and nothing else', (verb) => {
    const text = helpOf(verb)
    const [usage = '', says] = text.split('\n\n')
    expect(usage).toMatch(new RegExp(`^launchway ${verb}( |$)`))
    expect(says).toBe(`  ${verbs[verb].says}`)
    const shown = [...text.matchAll(/^ {2}--([a-z-]+)/gm)].map(([, flag]) => flag)
    expect(shown).toEqual([...flagsOf(verb), ...common])
  })

  it.each(here)('%s: an example that it would take, and a page that is there', (verb) => {
    const [line, page] = examples[verb]
    expect(helpOf(verb)).toContain(`Example: ${line}\n`)
    const args = line.split(' -- ')[0]?.match(/"[^"]*"|\S+/g) ?? []
    const { values, positionals } = parseArgs({ args, options: flags, allowPositionals: true })
    expect(positionals.slice(0, 2)).toEqual(['launchway', verb])
    const entry = verbs[verb]
    const argument = 'argument' in entry ? entry.argument : undefined
    const least = argument === undefined || argument.startsWith('[') ? 2 : 3
    expect([least, argument === undefined ? 2 : 3]).toContain(positionals.length)
    for (const flag of keysOf(values)) expect(flagsOf(verb)).toContain(flag)
    expect(helpOf(verb)).toContain(`More: ${page};`)
    expect(existsSync(join(import.meta.dirname, '../..', page))).toBe(true)
  })
})
