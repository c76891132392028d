import { describe, expect, test } from 'vitest'
import { LaunchwayError } from '../../src/core/error.ts'
import type { Ports } from '../../src/core/ports.ts'
import { readSources } from '../../src/doctor/sources.ts'
import { writeFileSync } from 'node:fs'
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
})
