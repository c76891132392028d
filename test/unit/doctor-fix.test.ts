import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Finding, Mend } from '../../src/doctor/finding.ts'
import { mendAll } from '../../src/doctor/fix.ts'
import { parseCompose } from '../../src/doctor/compose-source.ts'
import { withoutLogins } from '../../src/doctor/values.ts'
import { fakeFiles } from '../fakes/files.ts'

const finding = (mend: Mend): Finding => ({
  rule: 'script-mode',
  topic: 'image',
  severity: 'error',
  where: { file: mend.file },
  what: '',
  why: '',
  fix: '',
  fixable: true,
  mend,
})

async function mended(files: ReturnType<typeof fakeFiles>, ...mends: Mend[]): Promise<string[]> {
  return (await mendAll(mends.map(finding), { files, root: '/repo' })).changes
}

describe('--fix', () => {
  it('takes the carriage returns before line ends and the byte order mark away, and leaves every other byte', async () => {
    const bytes = fc.uint8Array({ maxLength: 60 }).map((array) => Buffer.from(array).toString('latin1'))
    const script = fc.array(fc.oneof(bytes, fc.constantFrom('\r\n', '\r\r\n', '\n', '\r', '#!/bin/sh'))).map((parts) => parts.join(''))
    await fc.assert(
      fc.asyncProperty(script, fc.boolean(), async (text, hasMark) => {
        const files = fakeFiles()
        const mark = Buffer.from(hasMark ? '\uFEFF' : '')
        await files.write('/repo/start.sh', Buffer.concat([mark, Buffer.from(text, 'latin1')]), 0o755)
        await mended(files, { kind: 'text', file: 'start.sh' })
        const after = (await files.read('/repo/start.sh'))?.toString('latin1') ?? ''
        expect(after).not.toMatch(/\r(\n|$)/)
        const bare = (of: string): string => of.replaceAll(/\r+(\n|$)/g, '$1')
        // A text may itself begin with those bytes.
        expect(after).toBe(bare(hasMark ? text : text.replace(/^\u00EF\u00BB\u00BF/, '')))
        expect((await files.look('/repo/start.sh'))?.mode).toBe(0o755)
      }),
    )
  })

  it('adds the lines that an ignore file does not have, once, and begins a line of its own', async () => {
    const files = fakeFiles({ '/repo/.dockerignore': '*.md\r\n.git\r\n# last' })
    const ignore = (...lines: string[]): Mend => ({ kind: 'ignore', file: '.dockerignore', lines })
    expect(await mended(files, ignore('.env', '.git'), ignore('.git'), ignore('id_rsa'))).toEqual([
      '.dockerignore: added .env',
      '.dockerignore: added id_rsa',
    ])
    expect(files.texts['/repo/.dockerignore']).toBe('*.md\r\n.git\r\n# last\n.env\nid_rsa\n')
    expect(await mended(files, ignore('.env', '.git'))).toEqual([])
    expect(await mended(files, { kind: 'ignore', file: 'api/.dockerignore', lines: ['.git'] })).toEqual(['api/.dockerignore: added .git'])
  })

  it('adds permission bits, and takes none away', async () => {
    const files = fakeFiles()
    await files.write('/repo/start.sh', '')
    await files.chmod('/repo/start.sh', 0o2640)
    expect(await mended(files, { kind: 'mode', file: 'start.sh', add: 0o555 })).toEqual(['start.sh: mode 2640 is now 2755'])
    expect(await mended(files, { kind: 'mode', file: 'gone.sh', add: 0o555 })).toEqual([])
  })
})

describe('what doctor reads', () => {
  it('may be any text: a compose file that is none is read without an error', () => {
    const value = fc.oneof(
      fc.string(),
      fc.constantFrom('services:', '  a:', '  a: {ports: [x], volumes: 1}', '    ports: [', '{}', '&a *a', '- x', '\t'),
    )
    fc.assert(
      fc.property(fc.array(value), (parts) => {
        const { services } = parseCompose(parts.join('\n'), '/repo/compose.yaml', '/repo', [])
        for (const { at, name } of services) expect({ name, ...at() }).toMatchObject({ file: 'compose.yaml', line: expect.any(Number) })
      }),
    )
  })

  it('is shown without logins', () => {
    for (const [text, shown] of [
      ['git clone https://ada:hunter2@x.example.org/a', 'git clone https://***@x.example.org/a'],
      ['run --db-password hunter2 --port 80', 'run --db-password *** --port 80'],
      ['API_TOKEN=hunter2 app', 'API_TOKEN=*** app'],
      ['app --password --verbose', 'app --password --verbose'],
    ] as const)
      expect(withoutLogins(text)).toBe(shown)
  })
})
