import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { thisLaunchway } from '../../lab/act.ts'
import { clearSystem } from '../../lab/examples/open.ts'
import { beginRepository, change, pullFrom } from '../../lab/examples/repository.ts'
import { nightwatch } from '../../lab/examples/nightwatch.ts'
import { sshAddress } from '../../lab/lab.ts'
import { root } from '../../lab/paths.ts'
import { call } from '../../lab/run.ts'
import { bringImages } from '../../lab/setup/stand-ins.ts'
import { newInitRunner } from './support/act.ts'
import { fingerprintsOf, onHost } from './support/host.ts'
import { launchway } from './support/programs.ts'
import { newName } from './support/repository.ts'

const lab = inject('lab')
const host = lab.hosts['trixie']
if (host === undefined) throw new Error('the lab has no host trixie')

interface Case {
  name: string
  branch: string
  /** The port of the host at which it answers, and the path that does. */
  at: ['80' | '6000', string]
  says: RegExp
  /** What init cannot see, beside the host, the image and launchway. */
  options: readonly string[]
  /** What somebody sets as secrets: those that init has named, and no others. */
  secrets?: Readonly<Record<string, string>>
  /** Images of others that its compose file names; hosts of the lab pull them from its registry. */
  pulled?: readonly string[]
  bases?: readonly string[]
  /** Texts of its files that are otherwise in a lab. */
  texts?: readonly (readonly [file: string, from: string | RegExp, to: string])[]
  /** What has to be there on the host before. */
  prepares?: true
}

const url = 'http://never-seen.example.org'

const allocation: Case = {
  name: 'project-allocation',
  branch: 'master',
  at: ['80', '/health'],
  says: /"workers":1/,
  options: ['--url', url],
  pulled: ['redis:7'],
}

const others: readonly Case[] = [
  { name: 'hello', branch: 'main', at: ['6000', '/'], says: /^Hello from version 1$/m, options: ['--publish', '6000'] },
  {
    name: 'addie',
    branch: 'master',
    at: ['6000', '/healthz'],
    says: /"worker":"ok"/,
    options: ['--publish', '6000'],
    secrets: { SECRET_KEY: 'of-a-lab' },
  },
  {
    name: 'nightwatch',
    branch: 'main',
    at: ['6000', '/ping'],
    says: /"uid":38305/,
    options: ['--publish', '6000'],
    bases: ['nginx:1-bookworm'],
    // What nginx:1 is where it cannot be pulled is of a Debian that no vulnerability database knows yet, and an older nginx does not know this directive.
    texts: [
      ['images/web/Dockerfile', 'FROM nginx:1\n', 'FROM nginx:1-bookworm\n'],
      ['web/nginx-proxy.conf', /^ *keepalive_min_timeout .*$/m, ''],
    ],
    prepares: true,
  },
]

/** The examples, as they were before anybody had heard of launchway. The others are of the campaign. */
const cases = process.env['LAUNCHWAY_CAMPAIGN'] === undefined ? [allocation] : [...others, allocation]

describe.each(cases)('$name, which has never seen launchway', { timeout: 400_000 }, (of) => {
  const { name, branch, options, secrets = {}, pulled = [], bases = [], texts = [] } = of
  const app = newName(name)
  const scratch = mkdtempSync(join(tmpdir(), 'launchway-never-seen-'))
  const folder = join(scratch, 'repository')
  const runner = newInitRunner(join(scratch, 'runner'), secrets)
  const site = { lab, host, app, folder, onHost: (...words: string[]) => onHost(host, ...words) }

  beforeAll(async () => {
    const from = join(root, 'examples', name)
    cpSync(from, folder, { recursive: true, filter: (path) => !/__pycache__|\/launchway\.yml$|\/\.github$/.test(path) })
    for (const [file, text, to] of texts) edit(file, text, to)
    await bringImages(bases)
    await pullFrom(lab.registry.address, folder, pulled)
    if (of.prepares === true) await nightwatch.prepare(site)
    await beginRepository(folder, branch)
    await call('git', ['-C', folder, 'remote', 'add', 'origin', `https://github.com/team/${app}.git`])
    await change(folder, 'As it was', {})
    await runner.keepDatabase()
  })
  afterAll(async () => {
    await clearSystem(site)
    if (of.prepares === true) await nightwatch.clear(site)
    rmSync(scratch, { recursive: true, force: true })
  })

  it('init, a commit, a push: it answers on the host, and no file was edited', async () => {
    const ended = await launchway(folder, [
      ...['init', '--yes', '--host', sshAddress(host, 'ops'), '--image', `${lab.registry.address}/${app}`, '--launchway', thisLaunchway],
      ...fingerprintsOf(host).flatMap((one) => ['--trust', one]),
      ...options,
    ])
    expect(ended, ended.stderr).toMatchObject({ code: 0 })
    const asked = [...ended.stdout.matchAll(/gh secret set (\w+)/g)].map(([, secret]) => secret)
    expect(asked).toEqual(['SSH_KEY', ...Object.keys(secrets)])
    await change(folder, 'Release with launchway', {})

    const pushed = await runner.act(folder, 'push', 'push.yml')
    expect(pushed.code, pushed.stdout + pushed.stderr).toBe(0)
    const [port, path] = of.at
    const { stdout } = await call('curl', [
      ...['--silent', '--fail', '--max-time', '20', '--header', `Host: ${new URL(url).host}`],
      `http://127.0.0.1:${host.ports[port]}${path}`,
    ])
    expect(stdout).toMatch(of.says)
  })

  function edit(file: string, from: string | RegExp, to: string): void {
    const text = readFileSync(join(folder, file), 'utf8')
    writeFileSync(join(folder, file), text.replaceAll(typeof from === 'string' ? from : new RegExp(from, 'gm'), to))
  }
})
