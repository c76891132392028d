import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { tarHeader, tarOf, tarPadding } from '../../src/tools/tar.ts'
import { smallFiles } from '../../src/tools/tar-reader.ts'
import { runs } from './support/runs.ts'

/** Reads an archive that comes in pieces. */
async function read(archive: Buffer, most: number, piece: number): Promise<Map<string, Buffer>> {
  const { into, files } = smallFiles(most)
  for (let at = 0; at < archive.length; at += piece) into.write(archive.subarray(at, at + piece))
  await new Promise<void>((resolve) => into.end(resolve))
  return files
}

const path = fc.stringMatching(/^[a-z]{1,20}(\/[a-z0-9]{1,90}){0,3}$/)

test('the small files of an archive are what went in, however it comes', async () => {
  const entries = fc.uniqueArray(fc.record({ name: path, body: fc.uint8Array({ maxLength: 1500 }) }), {
    selector: ({ name }) => name,
    maxLength: 8,
  })
  await fc.assert(
    fc.asyncProperty(entries, fc.integer({ min: 1, max: 3000 }), fc.nat(1500), async (all, piece, most) => {
      const archive = tarOf(all.map(({ name, body }) => ({ name, kind: 'file', mode: 0o644, body: Buffer.from(body) })))
      const kept = new Map(all.flatMap(({ name, body }) => (body.length <= most ? [[name, Buffer.from(body)]] : [])))
      expect(await read(archive, most, piece)).toEqual(kept)
    }),
    { numRuns: runs(50) },
  )
})

test('a name and a size in the words of pax are those of the next entry alone', async () => {
  const about = 'x'.repeat(300)
  const record = (text: string): string => {
    const length = text.length + 2
    return `${length + String(length + 2).length} ${text}\n`
  }
  const body = Buffer.from(record(`path=${about}`))
  const header = tarHeader({ name: 'PaxHeaders/x', kind: 'file', mode: 0o644, size: body.length })
  header.write('x', 156)
  const archive = Buffer.concat([
    header,
    body,
    tarPadding(body.length),
    tarOf([
      { name: 'short', kind: 'file', mode: 0o644, body: Buffer.from('one') },
      { name: 'next', kind: 'file', mode: 0o644, body: Buffer.from('two') },
    ]),
  ])
  expect(Object.fromEntries(await read(archive, 1000, 100))).toEqual({ [about]: Buffer.from('one'), next: Buffer.from('two') })
})

test('folders and links are no files', async () => {
  const archive = Buffer.concat([
    tarHeader({ name: 'folder', kind: 'directory', mode: 0o755, size: 0 }),
    tarHeader({ name: 'link', kind: 'link', target: 'folder', mode: 0o777, size: 0 }),
    tarOf([{ name: 'folder/file', kind: 'file', mode: 0o644, body: Buffer.from('x') }]),
  ])
  expect([...(await read(archive, 1000, 512)).keys()]).toEqual(['folder/file'])
})
