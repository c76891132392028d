import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseDocument } from 'yaml'
import { filledIn } from '../act.ts'
import { sshAddress } from '../lab.ts'
import { root } from '../paths.ts'
import { call } from '../run.ts'
import { account, type Place } from './place.ts'

const versionFile = 'pdfitc/__init__.py'

/** What of the example's launchway.yml is otherwise in a lab: addresses, and where the vulnerability database is. */
function differences({ lab, host, front }: Place): [path: string[], value: unknown][] {
  const production = (key: string): string[] => ['environments', 'production', key]
  return [
    [['image'], `${lab.registry.address}/apw247/flask_addie`],
    [production('host'), sshAddress(host, account)],
    [['environments', 'development', 'host'], sshAddress(host, account)],
    [production('url'), front.url],
    [['environments', 'development', 'url'], `http://127.0.0.1:${host.ports['6000']}`],
    [['scan', 'databases'], [lab.vulnerabilities]],
  ]
}

/** Makes a user's repository of examples/addie. Returns the lines that differ from it, for people. */
export async function makeRepository(place: Place): Promise<string[]> {
  const { repository, lab } = place
  cpSync(join(root, 'examples/addie'), repository, { recursive: true })
  const file = join(repository, 'launchway.yml')
  const config = parseDocument(readFileSync(file, 'utf8'))
  const changes = differences(place)
  for (const [path, value] of changes) config.setIn(path, value)
  writeFileSync(file, config.toString())
  const github = join(repository, '.github')
  cpSync(lab.knownHosts, join(github, 'known_hosts'))
  for (const name of readdirSync(join(github, 'workflows'))) {
    const workflow = join(github, 'workflows', name)
    writeFileSync(workflow, filledIn(readFileSync(workflow, 'utf8')))
  }
  await call('git', ['-C', repository, 'init', '--quiet', '--initial-branch', 'master'])
  await call('git', ['-C', repository, 'config', 'user.name', 'Demo'])
  await call('git', ['-C', repository, 'config', 'user.email', 'demo@example.org'])
  await commit(place, 'The first version')
  return changes.map(([path, value]) => `${path.join('.')}: ${String(value)}`)
}

export async function commit({ repository }: Place, message: string): Promise<void> {
  await call('git', ['-C', repository, 'add', '--all'])
  await call('git', ['-C', repository, 'commit', '--quiet', '--no-verify', '--message', message])
}

/** Changes the one line that says the version. Returns it as it is now. */
export function nextVersion({ repository }: Place): string {
  const file = join(repository, versionFile)
  const text = readFileSync(file, 'utf8').replace(/"1\.(\d+)\.0"/, (_, minor: string) => `"1.${Number(minor) + 1}.0"`)
  writeFileSync(file, text)
  return `${versionFile}: ${text.trim()}`
}
