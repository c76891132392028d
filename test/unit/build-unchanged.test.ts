import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { keysOf, requireUnchanged } from '../../src/build/keys.ts'
import type { PlannedBase } from '../../src/core/planned-image.ts'
import type { Ports } from '../../src/core/ports.ts'
import { record } from './support/deploy.ts'
import { localPorts, temporaryFolder } from './support/ports.ts'

const image = (name: string, of: Partial<PlannedBase> = {}): PlannedBase => ({
  name,
  context: name,
  dockerfile: 'Dockerfile',
  platforms: ['linux/amd64'],
  args: {},
  ...of,
})

/** An image on another, on a base of nobody's, with a folder beside them; and one that nothing has to do with. */
const images = [
  image('app', { contexts: { below: 'target:middle', pages: 'pages' } }),
  image('middle', { contexts: { below: 'target:lowest' } }),
  image('lowest'),
  image('other'),
]
const dockerfile = 'FROM scratch\nCOPY . /\n'
const tree = {
  ...Object.fromEntries(images.flatMap(({ name }) => [[`${name}/Dockerfile`, dockerfile] as const, [`${name}/a.txt`, 'a'] as const])),
  'pages/index.html': 'hello',
}

/** Whether the image app is refused when this happens while it is built. */
async function built(change: (root: string) => void, more: Record<string, string> = {}): Promise<void> {
  const root = temporaryFolder()
  const put = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  for (const [path, text] of Object.entries({ ...tree, ...more })) put(path, text)
  const { ports: here } = localPorts(root)
  // Git has nothing to say of these folders: nobody need start it for each of them.
  const ports: Ports = { ...here, exec: { ...here.exec, run: () => Promise.reject(new Error('git was not found')) } }
  const workshop = { platform: Promise.resolve('linux/amd64'), usesEngine: async () => true }
  const all = await keysOf(images, workshop, record(), ports)
  change(root)
  await requireUnchanged(
    all.filter(({ image: { name } }) => name === 'app'),
    all,
    ports,
  )
}

const write =
  (path: string) =>
  (root: string): void =>
    writeFileSync(join(root, path), 'FROM scratch\nCOPY a.txt /\n')

describe('an image is refused when, while it is built, there changes', () => {
  it.each<[string, (root: string) => void, string, Record<string, string>?]>([
    ['a file of its own', write('app/a.txt'), 'files of app changed while it was built'],
    ['its Dockerfile', write('app/Dockerfile'), 'files of app changed while it was built'],
    ['its Dockerfile, where .git is sent too', write('app/Dockerfile'), 'files of app changed', { 'app/.git/HEAD': 'x' }],
    ['the folder of a named context', write('pages/index.html'), 'files of app changed while it was built'],
    ['a new file there', write('pages/new.html'), 'files of app changed while it was built'],
    ['what it is built on', write('middle/a.txt'), 'files of middle changed while it was built'],
    ['what that is built on', (root) => rmSync(join(root, 'lowest/a.txt')), 'files of lowest changed while it was built'],
  ])('%s', async (_, change, message, more) => {
    await expect(built(change, more)).rejects.toMatchObject({ code: 'BUILD_FAILED', message: expect.stringContaining(message) })
  })

  it('the folder, which the hint names', async () => {
    await expect(built(write('pages/index.html'))).rejects.toMatchObject({ hint: expect.stringContaining('leave pages alone') })
  })
})

describe('an image is not refused for', () => {
  it.each<[string, (root: string) => void, Record<string, string>?]>([
    ['nothing', () => undefined],
    ['what it is not built on', write('other/a.txt')],
    ['what git writes where it is sent too', write('app/.git/index'), { 'app/.git/HEAD': 'x' }],
    ['what git writes in a named context', write('pages/.git/index'), { 'pages/.git/HEAD': 'x' }],
  ])('%s', async (_, change, more) => {
    await expect(built(change, more)).resolves.toBeUndefined()
  })
})
