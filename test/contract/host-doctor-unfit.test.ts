import { hash } from 'node:crypto'
import { mkdirSync, realpathSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { digest, record } from '../unit/support/deploy.ts'
import { type Account, accountWith } from './support/account.ts'
import { useHosts } from './support/hosts.ts'
import type { Operated } from './support/operated.ts'
import { Answer, shop, web } from './support/shop.ts'
import { configured, siteHost } from './support/site.ts'

const { image } = useHosts()

interface Said {
  code: number | null
  /** Of the host that was asked: the rule and what it says, each with its fix. */
  found: [what: string, fix: string][]
}

async function ask(there: Operated, address: string, env: Record<string, string> = {}): Promise<Said> {
  const { code, out } = await there.launchway(['doctor', '--json', '--host', address], { env })
  const { findings } = Answer.parse(JSON.parse(out))
  const own = findings.filter(({ where }) => where['host'] === address)
  return { code, found: own.map(({ rule, severity, what, fix }) => [`${severity} ${rule}: ${what}`, fix]) }
}

/** What doctor says of a host to whoever logs in as this account. */
async function askAs({ address, state }: Account): Promise<Said> {
  await using there = await shop(image, [['trixie', 'deploy']])
  there.configure({ web }, { hosts: [address], state })
  return await ask(there, address)
}

describe('doctor finds on a host, before a deploy stops at it,', () => {
  test('nothing in what its account sees, where that is all that the host has', async () => {
    await using account = await accountWith('trixie', {})
    expect(await askAs(account)).toEqual({ code: 0, found: [] })
  })

  test.each<[what: string, differs: Parameters<typeof accountWith>[1], found: [RegExp, RegExp], code: number]>([
    ['no engine', { without: ['docker'] }, [/^error host-unfit: docker is not installed$/, /docs\.docker\.com\/engine\/install/], 1],
    // And nothing of rights, of which nobody knows then.
    [
      'an engine that is stopped, in its own words',
      { env: { DOCKER_HOST: 'unix:///run/none.sock' } },
      [/^error host-unfit: the Docker engine does not answer$/, /connect to the Docker daemon at unix:\/\/\/run\/none\.sock/],
      1,
    ],
    [
      'no tool to probe with',
      { without: ['curl', 'wget'] },
      [/^error host-unfit: neither curl nor wget is installed$/, /to ask the health page/],
      1,
    ],
    // All hosts of the lab have the clock of this machine.
    [
      'a clock that is five minutes ahead',
      { instead: { date: 'exec /bin/date --date="+300 seconds" "$@"' } },
      [/^warning host-clock: its clock is [45] min.* ahead$/, /set-ntp true/],
      0,
    ],
    [
      'hardly any room, where nobody knows how large the images are',
      { instead: { df: String.raw`printf 'Filesystem 1024-blocks Used Available Capacity Mounted\n/dev/x 100 1 800000 1%% /\n'` } },
      [/^warning host-disk: 8\d\d(\.\d)? MB of disk are free$/, /launchway prune/],
      0,
    ],
  ])('%s', async (_, differs, [what, fix], code) => {
    await using account = await accountWith('trixie', differs)
    const said = await askAs(account)
    expect(said).toEqual({ code, found: [[expect.stringMatching(what), expect.stringMatching(fix)]] })
  })

  test('less room than the images of the last release take', async () => {
    await using there = await shop(image, [['trixie', 'deploy']])
    const [address = ''] = there.addresses
    const built = {
      name: 'app',
      key: '0'.repeat(32),
      how: 'built' as const,
      config: { 'linux/amd64': digest },
      registries: {},
      layers: 1,
      ms: 1,
    }
    // Where the command line keeps the record of what it has released from a folder.
    const name = `${basename(there.folder)}-${hash('sha256', realpathSync(there.folder)).slice(0, 8)}`
    const path = join(there.folder, 'state/launchway', name, 'release.json')
    mkdirSync(dirname(path), { recursive: true })
    const [machine] = there.machines
    // More than any disk has.
    const release = record({ app: machine?.app ?? '', build: { builder: 'b', images: [{ ...built, size: 9e15 }] } })
    writeFileSync(path, JSON.stringify(release))
    expect(await ask(there, address, { XDG_STATE_HOME: join(there.folder, 'state') })).toEqual({
      code: 1,
      found: [[expect.stringMatching(/^error host-unfit: \S+ \S+ of disk are free$/), expect.stringContaining('the images take up to')]],
    })
  })

  test('a configuration of nginx that is broken already, with the words of nginx', async () => {
    await using host = siteHost('bookworm')
    await using _ = await configured(host, `/etc/nginx/conf.d/${host.app}.conf`, 'server { listen 80; nonsense on; }')
    await using there = await shop(image, [['bookworm', 'root']], { url: `http://${host.name}` }, { publish: undefined })
    const [address = ''] = there.addresses
    expect(await ask(there, address)).toEqual({
      code: 1,
      found: [[expect.stringContaining('broken, before this deploy'), expect.stringContaining('unknown directive "nonsense"')]],
    })
  })
})
