import { describe, expect, test } from 'vitest'
import { LaunchwayError } from '../../src/core/error.ts'
import type { Ports } from '../../src/core/ports.ts'
import { readSources } from '../../src/doctor/sources.ts'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startRelease } from '../../src/plan/index.ts'
import { repository, run } from './support/init.ts'
import { localPorts } from './support/ports.ts'

const readers: [string, (folder: string, ports: Ports) => Promise<unknown>][] = [
  ['a plan', (_, ports) => startRelease('launchway.yml', { event: 'push', sha: 'a'.repeat(40), ref: 'refs/heads/main' }, ports)],
  ['init', (folder) => run(folder)],
  ['doctor', (_, ports) => readSources('launchway.yml', undefined, ports)],
]

describe('launchway.yml is read alike by', () => {
  test.each(readers)('%s: what is no text, and what is far too large, is refused', async (_, read) => {
    const said = async (body: Buffer): Promise<unknown> => {
      const folder = repository({ Dockerfile: 'FROM scratch\n' })
      writeFileSync(join(folder, 'launchway.yml'), body)
      return read(folder, localPorts(folder).ports).then(
        () => 'it was taken',
        (error: unknown) => (error instanceof LaunchwayError ? [error.code, error.hint ?? ''] : error),
      )
    }
    const latin = Buffer.from('image: ghcr.io/team/app # \u00e9\nbranches: { main: {} }\n', 'latin1')
    expect(await said(latin)).toEqual(['CONFIG_INVALID', 'launchway.yml:1:27: the byte 0xe9 is no UTF-8: save the file as UTF-8'])
    expect(await said(Buffer.from('\uFEFFimage: a/b', 'utf16le'))).toEqual([
      'CONFIG_INVALID',
      'launchway.yml:1:1: the file is UTF-16: save it as UTF-8',
    ])
    expect(await said(Buffer.alloc(4_000_001, '#'))).toEqual(['CONFIG_INVALID', expect.stringContaining('Is this the right file?')])
  })

  const refusals: [string, (folder: string) => void, string, string][] = [
    ['a folder', (folder) => mkdirSync(join(folder, 'launchway.yml')), 'launchway.yml is a folder', 'launchway.yml is a file'],
    [
      'links in a circle',
      (folder) => {
        symlinkSync('launchway.yml', join(folder, 'other.yml'))
        symlinkSync('other.yml', join(folder, 'launchway.yml'))
      },
      'launchway.yml is a link that leads to itself',
      'ls -l launchway.yml',
    ],
    // Nobody writes into it: whoever opened it would wait for ever.
    [
      'a socket or a pipe',
      (folder) => symlinkSync('/dev/null', join(folder, 'launchway.yml')),
      'launchway.yml is no file',
      'ls -l launchway.yml',
    ],
    [
      'another ending',
      (folder) => writeFileSync(join(folder, 'launchway.yaml'), 'image: a/b\n'),
      'there is no launchway.yml here, and there is launchway.yaml',
      'mv launchway.yaml launchway.yml; or name it with --config launchway.yaml',
    ],
  ]
  test.each(readers.flatMap(([name, read]) => refusals.map((one) => [name, one[0], read, one] as const)))(
    '%s: %s in its place is told',
    async (_, __, read, [, make, message, hint]) => {
      const folder = repository({ Dockerfile: 'FROM scratch\n' })
      make(folder)
      const error: unknown = await read(folder, localPorts(folder).ports).catch((thrown: unknown) => thrown)
      if (!(error instanceof LaunchwayError)) throw new Error('nothing was refused', { cause: error })
      expect(error).toMatchObject({ code: 'CONFIG_INVALID', message })
      expect(error.hint).toContain(hint)
    },
  )
})
