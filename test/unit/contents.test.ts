import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { localFiles } from '../../src/adapters/files.ts'
import { type Contents, digestOf, readContents, sourcesOf } from '../../src/core/contents.ts'
import { mountedBy, requireMounted } from '../../src/deploy/bring.ts'
import { mountedHashes } from '../../src/plan/mounted.ts'
import type { Ports } from '../../src/core/ports.ts'
import { fakeFiles } from '../fakes/files.ts'
import { environment, host, service } from './support/deploy.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

function repository(files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), 'launchway-contents-'))
  folders.push(root)
  for (const [path, text] of Object.entries(files)) put(root, path, text)
  return root
}

function put(root: string, path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text)
}

const read = (root: string, ...sources: string[]): Promise<Map<string, Contents>> =>
  readContents(sources, { root, files: localFiles(root) })
const refusal = async (root: string, ...sources: string[]): Promise<string> => {
  const error: unknown = await read(root, ...sources).catch((reason: unknown) => reason)
  expect(error).toMatchObject({ code: 'FILES_UNFIT' })
  return error instanceof Error ? error.message : ''
}

describe('what is mounted of the repository', () => {
  it('has the same hash whatever the umask and the times of the checkout, and another one for any change', async () => {
    const root = repository({ 'conf/a': 'one', 'conf/b/c': 'two' })
    const hash = async (): Promise<string> => (await read(root, 'conf')).get('conf')?.hash ?? ''
    const before = await hash()
    expect(before).toMatch(/^[0-9a-f]{64}$/)
    chmodSync(join(root, 'conf/a'), 0o600)
    chmodSync(join(root, 'conf/b'), 0o700)
    expect(await hash()).toBe(before)
    const seen = new Set([before])
    chmodSync(join(root, 'conf/a'), 0o700)
    seen.add(await hash())
    put(root, 'conf/b/c', 'TWO')
    seen.add(await hash())
    put(root, 'conf/b/d', '')
    seen.add(await hash())
    mkdirSync(join(root, 'conf/empty'))
    seen.add(await hash())
    symlinkSync('a', join(root, 'conf/link'))
    seen.add(await hash())
    expect(seen.size).toBe(6)
  })

  it('leaves out what git keeps for itself, with the token that a checkout puts there', async () => {
    const root = repository({ 'sub/.git/config': 'token', 'sub/a': '1', 'sub/deep/.git': 'gitdir: elsewhere' })
    expect((await read(root, 'sub')).get('sub')?.entries.map(({ path }) => path)).toEqual(['', 'a', 'deep'])
  })

  it('follows a link that is named, where it stays in the repository', async () => {
    const root = repository({ 'v2/a': '1' })
    symlinkSync('v2', join(root, 'current'))
    const found = await read(root, 'current', 'v2')
    expect(found.get('current')?.hash).toBe(found.get('v2')?.hash)
  })

  it('is refused with everything at once', async () => {
    const root = repository({ 'in/a': '1', 'links/a': '1', 'odd/a': '1' })
    symlinkSync('../../outside', join(root, 'links/away'))
    symlinkSync('/etc/passwd', join(root, 'passwd'))
    const server = createServer().listen(join(root, 'odd/socket'))
    try {
      const message = await refusal(root, 'gone', '../other', '/etc', '.', 'a:b', 'links', 'passwd', 'odd', 'in')
      for (const part of [
        'gone is not there',
        '../other is not in the repository',
        '/etc is not in the repository',
        '. is the whole repository',
        '"a:b" has a character',
        'links/away is a link that leads out of the repository, to ../../outside',
        'passwd leads out of the repository, to /etc/passwd',
        'odd/socket is neither a file nor a folder',
      ])
        expect(message).toContain(part)
    } finally {
      await new Promise((resolve) => server.close(resolve))
    }
  })

  it('a link to a folder beside it that has the name of the repository first is one that leads out', async () => {
    const root = repository({ 'conf/a': '1' })
    symlinkSync(`${root}-other/file`, join(root, 'conf/link'))
    expect(await refusal(root, 'conf')).toContain('leads out of the repository')
  })

  it('is refused where it is found by way of a link that comes along as a link', async () => {
    const root = repository({ 'shared/x': '1' })
    mkdirSync(join(root, 'conf'))
    symlinkSync('../shared', join(root, 'conf/shared'))
    expect(await refusal(root, 'conf', 'conf/shared/x')).toContain('conf/shared/x goes by way of a link within conf')
  })

  it('is refused where it is too large, with the folder that has it', async () => {
    const root = repository({ 'web/a.js': '1', 'web/node_modules/large/index.js': '' })
    truncateSync(join(root, 'web/node_modules/large/index.js'), 101e6)
    expect(await refusal(root, 'web')).toContain('web/node_modules/large alone has 101 MB in 1 files')
  })

  it('is refused where it has too many files, with the folder that has them', async () => {
    // In memory: to write that many takes longer than all else here.
    const many = Array.from({ length: 21_000 }, (_, index): [string, string] => [`/r/web/node_modules/${index % 21}/${index}`, ''])
    const files = fakeFiles({ '/r/web/a.js': '1', ...Object.fromEntries(many) })
    const refused = readContents(['web'], { root: '/r', files })
    await expect(refused).rejects.toThrow(/: web\/node_modules alone has 0.0 MB in 21000 files$/)
    await expect(refused).rejects.toMatchObject({ code: 'FILES_UNFIT' })
  })
})

describe('what a service is given', () => {
  const mount = (source: string, readOnly = true) => ({ source, target: '/x', readOnly })
  const text = { target: '/y', text: '${KEY}', mode: '0400' }
  const hashes = new Map([
    ['conf', 'a'],
    ['other', 'b'],
  ])
  it.each([
    ['nothing', service()],
    ['a folder', service({ files: [mount('conf')] })],
    ['it to write in', service({ files: [mount('conf', false)] })],
    ['another folder', service({ files: [mount('other')] })],
    ['a text', service({ texts: [text] })],
    ['it for another user', service({ texts: [{ ...text, uid: '1' }] })],
    ['it with another mode', service({ texts: [{ ...text, mode: '0440' }] })],
    ['both', service({ files: [mount('conf')], texts: [text] })],
  ])('%s has a digest of its own', (_, of) => {
    const all = [
      service(),
      service({ files: [mount('./conf/')] }),
      service({ files: [mount('conf', false)] }),
      service({ files: [mount('other')] }),
      service({ texts: [text] }),
      service({ texts: [{ ...text, uid: '1' }] }),
      service({ texts: [{ ...text, mode: '0440' }] }),
      service({ files: [mount('conf')], texts: [text] }),
    ].map((one) => digestOf(one, hashes))
    expect(all.filter((one) => one === digestOf(of, hashes))).toHaveLength(1)
  })

  it('has another digest when the folder has another hash, in whatever order the mounts are written', () => {
    const two = { files: [mount('conf'), { ...mount('other'), target: '/z' }] }
    expect(digestOf(service(two), hashes)).toBe(digestOf(service({ files: two.files.toReversed() }), hashes))
    expect(digestOf(service(two), hashes)).not.toBe(digestOf(service(two), new Map([...hashes, ['conf', 'c']])))
  })

  it('is named once, however it is written', () => {
    expect(sourcesOf([mount('./b/'), mount('b'), mount('a//c'), mount('x/../a/c')])).toEqual(['a/c', 'b'])
  })
})

describe('a deploy elsewhere than the plan', () => {
  const portsAt = (root: string): Ports => ({ root, files: localFiles(root) }) as unknown as Ports
  const mounting = (...sources: string[]) =>
    environment([service({ files: sources.map((source) => ({ source, target: '/x', readOnly: true })) })])

  it('takes what a step has made since, and refuses what is another file by now, unless the host has it', async () => {
    const planned = repository({ 'conf/a': 'one', single: 'x' })
    const of = mounting('conf', './single', 'made')
    const { hashes = {} } = await mountedHashes(of, portsAt(planned))
    expect(Object.keys(hashes)).toEqual(['conf', 'single'])

    const here = repository({ 'conf/a': 'two', single: 'x', made: 'in a step' })
    const mounted = await mountedBy(of, portsAt(here), hashes)
    expect([...mounted.hashes.keys()].toSorted()).toEqual(['conf', 'made', 'single'])
    expect([...mounted.here.values()].map(({ source }) => source).toSorted()).toEqual(['made', 'single'])
    const where = { host: 'a.example.org', sha: '4f2a9c1ffff' }
    expect(() => requireMounted(mounted, host(), where)).toThrow(
      'conf is here not what was planned, and a.example.org does not have it either',
    )
    expect(() => requireMounted(mounted, host({ stored: new Set([hashes['conf'] ?? '']) }), where)).not.toThrow()
    await expect(mountedBy(of, portsAt(planned), hashes)).rejects.toThrow('made is not there')
  })

  it('an earlier version goes live with the files of then; what it did not mount is as it is now', async () => {
    const now = repository({ 'conf/a': 'now', 'new/a': 'now' })
    const { hashes = {} } = await mountedHashes(mounting('conf', 'new'), portsAt(now), { conf: 'then', gone: 'then' })
    expect(hashes).toEqual({ conf: 'then', new: (await read(now, 'new')).get('new')?.hash })
  })

  it('an environment that mounts nothing asks for nothing', async () => {
    expect(await mountedHashes(environment([service()]), portsAt('/nowhere'))).toEqual({})
    expect(await mountedHashes(undefined, portsAt('/nowhere'))).toEqual({})
  })
})
