import { execFileSync } from 'node:child_process'
import { lstatSync, mkdtempSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { tarOf } from '../../src/tools/tar.ts'

const file = (name: string, body: string, more: { mode?: number; uid?: number; gid?: number } = {}) => ({
  name,
  kind: 'file' as const,
  mode: 0o644,
  body: Buffer.from(body),
  ...more,
})
const none = Buffer.alloc(0)

describe.each([
  ['tar', ['tar']],
  ['the tar of busybox', ['busybox', 'tar']],
])('an archive, read by %s', (_, [program = '', ...before]) => {
  const unpacked = (archive: Buffer, look: (folder: string) => void): void => {
    const folder = mkdtempSync(join(tmpdir(), 'launchway-tar-'))
    try {
      execFileSync(program, [...before, '-x', '-f', '-', '-C', folder], { input: archive })
      look(folder)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }

  it('has files, folders and links with their modes, also by names that are too long for the format', () => {
    const deep = `${'folder-é/'.repeat(30)}file`
    const archive = tarOf([
      { name: 'empty', kind: 'directory', mode: 0o755, body: none },
      file('run.sh', 'echo\n', { mode: 0o755 }),
      file('none', ''),
      file('block', 'x'.repeat(512)),
      file(deep, 'deep'),
      { name: 'link', kind: 'link', mode: 0o644, target: 'run.sh', body: none },
      { name: 'far', kind: 'link', mode: 0o644, target: deep, body: none },
    ])
    unpacked(archive, (folder) => {
      expect(lstatSync(join(folder, 'empty')).isDirectory()).toBe(true)
      expect(lstatSync(join(folder, 'run.sh')).mode & 0o777).toBe(0o755)
      expect(lstatSync(join(folder, 'none')).size).toBe(0)
      expect(readFileSync(join(folder, 'block'), 'utf8')).toBe('x'.repeat(512))
      expect(readFileSync(join(folder, deep), 'utf8')).toBe('deep')
      expect(readlinkSync(join(folder, 'link'))).toBe('run.sh')
      expect(readlinkSync(join(folder, 'far'))).toBe(deep)
    })
  })

  it('has any bytes as they are', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 1500 }), { minLength: 1, maxLength: 4 }), (bodies) => {
        const entries = bodies.map((body, index) => ({ ...file(`f${index}`, ''), body: Buffer.from(body) }))
        unpacked(tarOf(entries), (folder) => {
          for (const [index, body] of bodies.entries()) expect(readFileSync(join(folder, `f${index}`)).equals(Buffer.from(body))).toBe(true)
        })
      }),
      { numRuns: 15 },
    )
  })
})

describe('an archive', () => {
  it('names the owner of each file, also one of a high number', () => {
    const archive = tarOf([file('a', '1', { uid: 101, gid: 102, mode: 0o400 }), file('b', '2', { uid: 3_000_000_000, gid: 0 })])
    const said = execFileSync('tar', ['-t', '-v', '--numeric-owner', '-f', '-'], { input: archive, encoding: 'utf8' })
    expect(said).toMatch(/^-r-------- 101\/102 .* a\n-rw-r--r-- 3000000000\/0 .* b\n$/)
  })

  it('is the same for the same entries', () => {
    expect(tarOf([file('a', '1')]).equals(tarOf([file('a', '1')]))).toBe(true)
  })
})
