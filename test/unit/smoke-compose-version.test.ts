import { describe, expect, it } from 'vitest'
import type { Ports } from '../../src/core/ports.ts'
import { Secret } from '../../src/core/secret.ts'
import { versionOfCompose } from '../../src/smoke/compose-version.ts'
import { type FakeExec, fakeExec } from '../fakes/exec.ts'
import { type FakeFiles, fakeFiles } from '../fakes/files.ts'

const plugin = '/usr/libexec/docker/cli-plugins/docker-compose'
const installed = { [plugin]: 'one' }

/** A machine whose compose says this version, and how often it was asked. */
function machine(files: FakeFiles, version = '2.26.1'): { exec: FakeExec; ask: () => Promise<string> } {
  const exec = fakeExec({ 'docker compose version': version === '' ? { code: 1 } : { stdout: `${version}\n` } })
  const environment = new Map([['HOME', new Secret('/home/ada')]])
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- of the tools only the folder is asked for
  const tools = { folder: '/cache' } as Ports['tools']
  return { exec, ask: () => versionOfCompose({ exec, files, environment, tools }) }
}

describe('the version of compose', () => {
  it('is asked for once, while its plugin stays the same file', async () => {
    const files = fakeFiles(installed)
    const first = machine(files)
    expect([await first.ask(), await first.ask()]).toEqual(['2.26.1', '2.26.1'])
    expect(first.exec.calls).toHaveLength(1)
  })

  it.each<[string, Record<string, string>]>([
    ['another file there', { [plugin]: 'another' }],
    ['a plugin of the user, which goes before it', { '/home/ada/.docker/cli-plugins/docker-compose': 'of the user' }],
    ['plugins in folders that a configuration names', { '/home/ada/.docker/config.json': '{"cliPluginsExtraDirs":["/opt/plugins"]}' }],
  ])('is asked for again with %s', async (_name, changed) => {
    const files = fakeFiles(installed)
    await machine(files).ask()
    for (const [path, text] of Object.entries(changed)) await files.write(path, text)
    expect(await machine(files, '2.40.0').ask()).toBe('2.40.0')
  })

  it('is asked for each time where nobody knows which file it is, and not kept where it says nothing', async () => {
    const nowhere = machine(fakeFiles())
    await nowhere.ask()
    await nowhere.ask()
    expect(nowhere.exec.calls).toHaveLength(2)
    const files = fakeFiles(installed)
    expect(await machine(files, '').ask()).toBe('')
    expect(await machine(files).ask()).toBe('2.26.1')
  })
})
