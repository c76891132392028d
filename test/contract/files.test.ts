import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { localFiles } from '../../src/adapters/files.ts'
import type { FileEntry, Files } from '../../src/core/ports.ts'
import { fakeFiles } from '../fakes/files.ts'
import { openFolder } from './support/folder.ts'

let folder: Awaited<ReturnType<typeof openFolder>>
beforeEach(async () => {
  folder = await openFolder()
})
afterEach(() => folder[Symbol.asyncDispose]())

const at = (path: string): string => join(folder.path, path)
const onDisk = (): Files => localFiles(at('scratch'))

const worlds: { name: string; open: () => Files }[] = [
  { name: 'on disk', open: onDisk },
  { name: 'the fake', open: () => fakeFiles() },
]

describe.each(worlds)('files: $name', ({ open }) => {
  it('has nothing where nothing was written, also below a file', async () => {
    const files = open()
    await files.write(at('file'), '')
    expect([await files.read(at('gone')), await files.read(at('gone/deeper')), await files.read(at('file/deeper'))]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
  })

  it('writes text and bytes, over what was there, and makes the folders above', async () => {
    const files = open()
    await files.write(at('a/b/c.txt'), 'old')
    await files.write(at('a/b/c.txt'), 'né\r\n')
    await files.write(at('a/b/bytes'), Buffer.from([0, 255, 13, 10]))
    expect([(await files.read(at('a/b/c.txt')))?.toString(), await files.read(at('a/b/bytes'))]).toEqual([
      'né\r\n',
      Buffer.from([0, 255, 13, 10]),
    ])
  })

  it('writes a file that only this account can read, also over one that all could', async () => {
    const files = open()
    await files.write(at('tree/secret'), 'old')
    await files.write(at('tree/secret'), 'new', 0o600)
    const [found] = await files.walk(at('tree'), () => 'keep')
    expect(found).toMatchObject({ path: 'secret', mode: 0o600 })
  })

  it('gives a file another name, over what was there, and makes the folders above', async () => {
    const files = open()
    await files.write(at('new/db'), 'new')
    await files.write(at('kept/db'), 'old')
    await files.move(at('new/db'), at('kept/db'))
    expect([(await files.read(at('kept/db')))?.toString(), await files.read(at('new/db'))]).toEqual(['new', undefined])
    await files.move(at('kept/db'), at('a/b/db'))
    expect((await files.read(at('a/b/db')))?.toString()).toBe('new')
    await expect(files.move(at('gone'), at('kept/db'))).rejects.toThrow('ENOENT')
  })

  it('gives a file the mode that it is told, whatever it had', async () => {
    const files = open()
    await files.write(at('run.sh'), 'exit\n')
    for (const mode of [0o755, 0o640, 0o666]) {
      await files.chmod(at('run.sh'), mode)
      expect((await files.look(at('run.sh')))?.mode).toBe(mode)
    }
  })

  it('tells what a path leads to', async () => {
    const files = open()
    await files.write(at('some/file'), 'abc', 0o600)
    expect(await files.look(at('some/file'))).toMatchObject({ kind: 'file', mode: 0o600, size: 3 })
    expect(await files.look(at('some'))).toMatchObject({ kind: 'directory', mode: 0o755 })
    expect(await files.look(at('some/other'))).toBeUndefined()
    expect(await files.look(at('some/file/below'))).toBeUndefined()
  })

  it('removes a file, and nothing where there is none', async () => {
    const files = open()
    await files.write(at('file'), 'x')
    await files.remove(at('file'))
    await files.remove(at('file'))
    expect(await files.read(at('file'))).toBeUndefined()
  })

  it('walks in the order of names, a folder before what is in it', async () => {
    const files = open()
    for (const path of ['tree/b/z', 'tree/b.txt', 'tree/Z', 'tree/a', 'tree/é', 'tree/b/a/deep', 'beside'])
      await files.write(at(path), path)
    const walked = await files.walk(at('tree'), () => 'keep')
    expect(walked.map(({ path, kind }) => `${kind} ${path}`)).toEqual([
      ...['file Z', 'file a', 'directory b', 'directory b/a', 'file b/a/deep', 'file b/z', 'file b.txt', 'file é'],
    ])
    expect(walked[0]).toMatchObject({ path: 'Z', size: 'tree/Z'.length })
  })

  it('keeps, skips and prunes as it is told: a skipped folder is entered, a pruned one is not', async () => {
    const files = open()
    for (const path of ['tree/skipped/kept', 'tree/pruned/never', 'tree/pruned.txt', 'tree/dropped']) await files.write(at(path), '')
    const asked: string[] = []
    const choices = new Map<string, 'skip' | 'prune'>([
      ['skipped', 'skip'],
      ['pruned', 'prune'],
      ['dropped', 'skip'],
    ])
    const walked = await files.walk(at('tree'), (path) => (asked.push(path), choices.get(path) ?? 'keep'))
    expect(walked.map(({ path }) => path)).toEqual(['pruned.txt', 'skipped/kept'])
    expect(asked).not.toContain('pruned/never')
  })

  it('says how large a file is, and nothing of one that is not there, also below a file', async () => {
    const files = open()
    await files.write(at('abc'), 'abc')
    expect((await files.stat(at('abc')))?.size).toBe(3)
    expect([await files.stat(at('gone')), await files.stat(at('abc/deeper'))]).toEqual([undefined, undefined])
  })

  it('says what the disk still takes, at least what this test needs of it', async () => {
    const files = open()
    await files.write(at('abc'), 'abc')
    expect(await files.free(dirname(at('abc')))).toBeGreaterThan(1_000_000)
  })

  it("hashes a file's bytes", async () => {
    const files = open()
    await files.write(at('abc'), 'abc')
    expect(await files.hash(at('abc'))).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
    await expect(files.hash(at('gone'))).rejects.toThrow('ENOENT')
  })

  it('gives out folders that are all different', async () => {
    const files = open()
    const [one, two] = [await files.temporary('docker-config'), await files.temporary('docker-config')]
    expect(one).not.toBe(two)
    await files.write(`${one}/config.json`, '{}')
    expect([(await files.read(`${one}/config.json`))?.toString(), await files.read(`${two}/config.json`)]).toEqual(['{}', undefined])
  })
})

describe('files on disk', () => {
  it('are read by others whole: the old one or the new one', async () => {
    const [path, sizes] = [at('record.json'), [1_000_000, 1_000_001]]
    await onDisk().write(path, 'x'.repeat(sizes[0] ?? 0))
    const reader = new Worker(
      `const { readFileSync } = require('node:fs'); const { parentPort, workerData } = require('node:worker_threads')
       const seen = new Set(); let go = true; parentPort.on('message', () => { go = false })
       const look = () => { seen.add(readFileSync(workerData).length); go ? setImmediate(look) : (parentPort.postMessage([...seen]), parentPort.close()) }
       parentPort.postMessage('ready'); look()`,
      { eval: true, workerData: path },
    )
    const next = (): Promise<unknown> => new Promise((resolve, reject) => reader.once('message', resolve).once('error', reject))
    await next()
    for (let n = 0; n < 60; n += 1) await onDisk().write(path, 'x'.repeat(sizes[n % 2] ?? 0))
    const seen = next()
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker, not a window
    reader.postMessage('stop')
    expect(sizes).toEqual(expect.arrayContaining((await seen) as number[]))
    expect(readdirSync(folder.path)).toEqual(['record.json'])
  })

  it('leave no draft beside what cannot be written', async () => {
    mkdirSync(at('taken/by-a-folder'), { recursive: true })
    await expect(onDisk().write(at('taken'), 'text')).rejects.toThrow(/EISDIR|ENOTEMPTY|EEXIST/)
    expect(readdirSync(folder.path)).toEqual(['taken'])
  })

  it('of one run alone are in a folder that nobody else can enter', async () => {
    const files = localFiles(at('shared'))
    const path = await files.temporary('secrets')
    expect([statSync(dirname(path)).mode & 0o777, statSync(path).mode & 0o777]).toEqual([0o700, 0o700])
    expect(dirname(await files.temporary('more'))).toBe(dirname(path))
    expect(dirname(await localFiles(at('shared')).temporary('secrets'))).not.toBe(dirname(path))
    files.close()
    expect(existsSync(dirname(path))).toBe(false)
  })

  it('are walked with their modes, and links are not followed', async () => {
    mkdirSync(at('tree/real'), { recursive: true })
    writeFileSync(at('tree/run.sh'), '#!/bin/sh\n')
    chmodSync(at('tree/run.sh'), 0o755)
    writeFileSync(at('tree/real/file'), '')
    symlinkSync('real', at('tree/to-folder'))
    symlinkSync('nowhere', at('tree/broken'))
    const walked = await onDisk().walk(at('tree'), () => 'keep')
    const short = ({ path, kind, mode }: FileEntry): string => `${kind} ${path}${kind === 'file' ? ` ${mode.toString(8)}` : ''}`
    expect(walked.map(short)).toEqual([
      'link broken',
      'directory real',
      expect.stringMatching(/^file real\/file 6\d\d$/),
      'file run.sh 755',
      'link to-folder',
    ])
  })

  it('that are links are known by where they point, whether or not that is there', async () => {
    symlinkSync('abc', at('link'))
    expect(await onDisk().hash(at('link'))).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  })

  it('hash as sha256sum does, also large ones', async () => {
    writeFileSync(at('large'), Buffer.alloc(5_000_000, 'launchway'))
    const [expected] = execFileSync('sha256sum', [at('large')])
      .toString()
      .split(' ')
    expect(await onDisk().hash(at('large'))).toBe(expected)
  })

  it('move to another disk as they move on one', async () => {
    const elsewhere = mkdtempSync('/dev/shm/launchway-')
    onTestFinished(() => rmSync(elsewhere, { recursive: true, force: true }))
    expect(statSync(elsewhere).dev).not.toBe(statSync(folder.path).dev)
    writeFileSync(join(elsewhere, 'db'), 'new')
    await onDisk().move(join(elsewhere, 'db'), at('kept/db'))
    expect([readFileSync(at('kept/db'), 'utf8'), existsSync(join(elsewhere, 'db')), readdirSync(at('kept'))]).toEqual([
      'new',
      false,
      ['db'],
    ])
  })

  it('that cannot be read are an error, and not taken for absent', async () => {
    mkdirSync(at('folder'))
    await expect(onDisk().read(at('folder'))).rejects.toThrow('EISDIR')
  })
})
