import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { call } from '../../lab/run.ts'
import { fetchArchive } from '../../src/adapters/archive.ts'
import { fakeClock } from '../fakes/clock.ts'

/** The way a pinned release comes, against a server of our own: the archive and its sum are made here. */
describe('a program from an archive', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'launchway-archive-'))
  let folder: string
  let archive: Buffer
  let server: Server
  let base: string
  const silent = (): void => undefined
  const way = { clock: fakeClock(), signal: undefined, log: { info: silent, warning: silent } }
  const sum = (body: Buffer): string => createHash('sha256').update(body).digest('hex')

  beforeAll(async () => {
    writeFileSync(join(scratch, 'tool'), '#!/bin/sh\necho ready\n')
    await call('tar', ['-C', scratch, '-czf', join(scratch, 'tool.tar.gz'), 'tool'])
    archive = readFileSync(join(scratch, 'tool.tar.gz'))
    server = createServer((request, response) => {
      if (request.url === '/tool.tar.gz') response.end(archive)
      else response.writeHead(404).end()
    })
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  beforeEach(() => {
    folder = mkdtempSync(join(scratch, 'bin-'))
  })
  afterAll(() => {
    server.close()
    rmSync(scratch, { recursive: true, force: true })
  })

  it('is there and runs when the checksum is the pinned one', async () => {
    expect(await fetchArchive(`${base}/tool.tar.gz`, sum(archive), 'tool', folder, way)).toBeUndefined()
    expect((await call(join(folder, 'tool'), [])).stdout).toBe('ready\n')
    expect(readdirSync(folder)).toEqual(['tool'])
  })

  it('is refused when the checksum is another, and nothing of it stays', async () => {
    const other = sum(Buffer.from('something else'))
    await expect(fetchArchive(`${base}/tool.tar.gz`, other, 'tool', folder, way)).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
      hint: `Expected SHA-256 ${other}, got ${sum(archive)}. It is not used.`,
    })
    expect(readdirSync(folder)).toEqual([])
  })

  it.each([
    ['a server that does not have it', () => `${base}/other.tar.gz`, 'answered 404'],
    ['a server that cannot be reached', () => 'http://127.0.0.1:9/tool.tar.gz', 'cannot be reached'],
  ])('%s is a reason to try another way', async (_, url, why) => {
    expect(await fetchArchive(url(), sum(archive), 'tool', folder, way)).toContain(why)
    expect(readdirSync(folder)).toEqual([])
  })

  it('that does not hold the program leaves nothing', async () => {
    await expect(fetchArchive(`${base}/tool.tar.gz`, sum(archive), 'absent', folder, way)).rejects.toMatchObject({ code: 'COMMAND_FAILED' })
    expect(readdirSync(folder)).toEqual([])
  })
})
