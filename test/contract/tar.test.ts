import { execFileSync } from 'node:child_process'
import { lstatSync, mkdtempSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { escapeText, placeOf } from '../../src/core/composed.ts'
import { Secret } from '../../src/core/secret.ts'
import { textParcels, writtenTexts } from '../../src/deploy/composed.ts'
import { tarOf } from '../../src/tools/tar.ts'
import { anyText } from '../support/text.ts'
import { environment, service } from '../unit/support/deploy.ts'
import { runs } from '../unit/support/runs.ts'

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
      { numRuns: runs(10) },
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

describe('the archive of texts', () => {
  it('any text and any value are in the archive as they are, by the mode and the owner that they have', () => {
    const value = anyText({ minLength: 1 })
    fc.assert(
      fc.property(value, value, (text, secret) => {
        const owner = service({ texts: [{ target: '/x', text: `${escapeText(text)}${placeOf('KEY')}`, mode: '0400', uid: '7', gid: '8' }] })
        const [parcel] = textParcels(
          environment([owner]),
          writtenTexts([owner], () => new Secret(secret)),
        )
        expect(parcel).toMatchObject({ name: 'texts', mode: '0600' })
        const archive = Buffer.from(parcel?.body instanceof Secret ? parcel.body.reveal() : '', 'base64')
        const said = execFileSync('tar', ['-x', '-O', '-f', '-', 'web.0'], { input: archive })
        expect(said.equals(Buffer.from(`${text}${secret}`))).toBe(true)
        expect(execFileSync('tar', ['-t', '-v', '--numeric-owner', '-f', '-'], { input: archive, encoding: 'utf8' })).toMatch(
          /^-r-------- 7\/8 /,
        )
      }),
      { numRuns: runs(10) },
    )
  })
})
