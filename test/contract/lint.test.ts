import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'

const root = join(import.meta.dirname, '../..')

describe('the linter holds imports to one direction', () => {
  const copy = mkdtempSync(join(tmpdir(), 'launchway-house-'))
  afterAll(() => rmSync(copy, { recursive: true, force: true }))
  const Report = z.object({ diagnostics: z.array(z.object({ code: z.string(), message: z.string(), filename: z.string() })) })

  /** What the linter, with this house's configuration and rule, says of other files in the same rooms. */
  function lint(house: Record<string, string>): string[] {
    for (const path of ['.oxlintrc.json', 'tsconfig.json', 'package.json', 'scripts/lint'])
      cpSync(join(root, path), join(copy, path), { recursive: true })
    if (!existsSync(join(copy, 'node_modules'))) symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
    rmSync(join(copy, 'src'), { recursive: true, force: true })
    for (const [path, text] of Object.entries(house)) {
      mkdirSync(dirname(join(copy, path)), { recursive: true })
      writeFileSync(join(copy, path), text)
    }
    const { stdout, stderr } = spawnSync(join(root, 'node_modules/.bin/oxlint'), ['--format', 'json', 'src'], {
      cwd: copy,
      encoding: 'utf8',
    })
    if (stdout === '') throw new Error(stderr)
    return Report.parse(JSON.parse(stdout)).diagnostics.flatMap(({ code, message, filename }) =>
      code.includes('import-direction') ? [`${filename}: ${message}`] : [],
    )
  }

  const core = 'export const one = 1\nexport type One = number\n'

  it('a house in order has no findings', () => {
    expect(lint({ 'src/core/one.ts': core, 'src/deploy/run.ts': "export { one } from '../core/one.ts'\n" })).toEqual([])
  })

  const wrong = [
    ['an import', "import { one } from '../push/one.ts'\nexport const two = one + 1\n"],
    ['an import of a type', "import type { One } from '../push/one.ts'\nexport const two: One = 2\n"],
    ['a type by its path', "export const two: import('../push/one.ts').One = 2\n"],
    ['a re-export', "export { one } from '../push/one.ts'\n"],
    ['a re-export of everything', "export * from '../push/one.ts'\n"],
    ['an import at the time of use', "export const two = async () => (await import('../push/one.ts')).one\n"],
  ] as const
  const fileOf = (index: number): string => `src/deploy/${index}.ts`
  let found: string[] = []
  beforeAll(() => {
    found = lint({ 'src/push/one.ts': core, ...Object.fromEntries(wrong.map(([, text], index) => [fileOf(index), text])) })
  })

  it.each(wrong.map(([name], index) => [name, index] as const))('%s of another stage is found', (_, index) => {
    expect(found.filter((line) => line.startsWith(fileOf(index)))).toEqual([
      `${fileOf(index)}: deploy may import core, config, tools, not push`,
    ])
  })
})
