import { utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { startRelease, type Trigger, warnOfChanges } from '../../src/plan/index.ts'
import { localPorts, temporaryFolder } from './support/ports.ts'

const trigger: Trigger = { event: 'push', sha: 'a'.repeat(40), ref: 'refs/heads/main' }

/** What the plan warns of in a repository with these files. */
async function warned(files: Readonly<Record<string, string>>, scan = ''): Promise<string[]> {
  const root = temporaryFolder()
  writeFileSync(join(root, 'launchway.yml'), `image: ghcr.io/team/shop\nbranches: { main: {} }\n${scan}`)
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, name), text)
  const { ports, warnings } = localPorts(root)
  await startRelease('launchway.yml', trigger, ports)
  return warnings
}

describe('two lists of exceptions', () => {
  const both = { '.trivyignore.yaml': 'vulnerabilities: []\n', '.trivyignore': '# old\nCVE-2021-41945\n' }

  it('are told of: one of them counts', async () => {
    expect(await warned(both)).toEqual([
      '.trivyignore.yaml alone counts: .trivyignore beside it is overlooked. Move what stands in it to .trivyignore.yaml and remove it, or name one of them: scan.ignore-file.',
    ])
  })

  it.each<[string, Readonly<Record<string, string>>, string]>([
    ['launchway.yml names one', both, 'scan: { ignore-file: .trivyignore.yaml }\n'],
    ['nothing is scanned', both, 'scan: false\n'],
    ['the other one holds nothing', { ...both, '.trivyignore': '# moved\n\n' }, ''],
    ['there is one alone', { '.trivyignore': 'CVE-2021-41945\n' }, ''],
  ])('are no matter where %s', async (_, files, scan) => {
    expect(await warned(files, scan)).toEqual([])
  })
})

describe('a scan by a plan of before', () => {
  const created = '2026-11-23T04:49:30.000Z'
  const changed = async (at: string, event: 'local' | 'push'): Promise<string[]> => {
    const root = temporaryFolder()
    const file = join(root, 'launchway.yml')
    writeFileSync(file, '')
    utimesSync(file, new Date(at), new Date(at))
    const { ports, warnings } = localPorts(root)
    await warnOfChanges('launchway.yml', { created, plan: { event } }, ports)
    return warnings
  }

  it('says that the rules of the plan count where launchway.yml was changed since', async () => {
    expect(await changed('2026-11-23T04:50:00Z', 'local')).toEqual([
      "launchway.yml has changed since launchway plan of 2026-11-23 04:49 UTC, and the plan's rules count: run launchway plan again for those of now.",
    ])
  })

  it('says nothing where it is older, or a runner has just checked it out', async () => {
    expect(await changed('2026-11-23T04:49:00Z', 'local')).toEqual([])
    expect(await changed('2026-11-23T04:50:00Z', 'push')).toEqual([])
  })
})
