import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { digestOf } from '../../src/core/contents.ts'
import type { Accessory } from '../../src/core/deployment.ts'
import type { Ports } from '../../src/core/ports.ts'
import { Secret } from '../../src/core/secret.ts'
import { withComposed, writtenTexts } from '../../src/deploy/composed.ts'
import { containerArgs } from '../../src/deploy/container.ts'
import { placedBy } from '../../src/deploy/mounts.ts'
import { anewCall } from '../../src/deploy/operate/exec.ts'
import { planHost } from '../../src/deploy/plan.ts'
import { secretsFile } from '../../src/deploy/program.ts'
import { requiredSecrets } from '../../src/deploy/secrets.ts'
import { unfit } from '../../src/deploy/unfit.ts'
import { digest, environment, failureIn, first, host, second, service, wanted } from './support/deploy.ts'

const secretIn =
  (values: Record<string, string>) =>
  (name: string): Secret | undefined =>
    values[name] === undefined ? undefined : new Secret(values[name])
const ports = (values: Record<string, string>): Ports =>
  ({ root: '/app', secret: secretIn(values), conceal: (value: string) => new Secret(value) }) as unknown as Ports

const hashes = new Map([
  ['conf', 'a'.repeat(64)],
  ['single.txt', 'b'.repeat(64)],
  ['conf/deep', 'c'.repeat(64)],
])
const mounting = service({
  files: [
    { source: './conf/', target: '/etc/conf', readOnly: true },
    { source: 'single.txt', target: '/single', readOnly: false },
  ],
  texts: [
    { target: '/plain', text: 'a', mode: '0444' },
    { target: '/key', text: '${KEY}', mode: '0400', uid: '101' },
  ],
})
const folder = `/var/lib/launchway/addie/production/releases/${second}`
const mounts = [
  `${folder}/files/conf:/etc/conf:ro,z`,
  `${folder}/files/single.txt:/single:z`,
  `${folder}/texts/web.0:/plain:ro,z`,
  `${folder}/texts/web.1:/key:ro,z`,
]
const volumesIn = (call: readonly string[] = []): string[] => call.filter((_, index) => call[index - 1] === '--volume')
const files = new Set([...host().tools, 'tar', 'base64'])

describe('files and texts of a release', () => {
  it('are put in place before anything is made, and mounted in each container that is made for it', () => {
    const job = { ...mounting, name: 'job', cron: '1 2 * * *' }
    const step = { service: 'web', command: ['migrate'], timeoutMs: 1000 }
    const of = wanted([mounting, job], { hashes, beforeSwitch: [step] })
    const { calls } = planHost(of, host({ tools: files, cron: { lacks: [], said: '', of: undefined, lines: new Map() } }), 'a')
    const names = calls.map(([name]) => name)
    expect(calls.find(([name]) => name === 'put_files')).toEqual([
      'put_files',
      folder,
      'a'.repeat(64),
      'conf',
      'link',
      'b'.repeat(64),
      'single.txt',
      'copy',
    ])
    expect(calls.find(([name]) => name === 'write_texts')).toEqual([
      ...['write_texts', folder, 'texts', `registry.example.org/addie@${digest}`, `addie.production.texts.${second}`],
    ])
    for (const later of ['before_switch', 'create', 'start']) expect(names.indexOf('write_texts')).toBeLessThan(names.indexOf(later))
    expect(names.indexOf('pull')).toBeLessThan(names.indexOf('write_texts'))
    const made = calls.filter(([name]) => name === 'create' || name === 'before_switch')
    expect(made.map(([name, whose]) => `${name} ${whose}`)).toEqual(['before_switch web', 'create web', 'create job'])
    expect(made.map(volumesIn)).toEqual([mounts, mounts, mounts.map((one) => one.replace('texts/web', 'texts/job'))])
  })

  it('are those of the release that a host returns to, and nothing is written anew', () => {
    const { calls } = planHost(wanted([mounting], { hashes, release: first, isReturn: true }), host({ current: second, tools: files }), 'a')
    expect(calls.find(([name]) => name === 'put_files')?.[1]).toBe(folder.replace(second, first))
    expect(calls.some(([name]) => name === 'write_texts')).toBe(false)
  })

  it('are mounted in a one-off container of the release that runs', () => {
    const kept = {
      version: 1 as const,
      release: second,
      app: 'addie',
      label: 'v1',
      images: { app: 'x@y' },
      repositories: ['x'] as [string],
      environment: environment([mounting]),
    }
    const seen = host({ current: second, releases: new Map([[second, kept]]) })
    const target = { app: 'addie', environment: environment([]) }
    const call = anewCall(target, { host: 'a', seen }, 'web', ['sh'], 'ffff')
    expect(volumesIn(call)).toEqual(mounts)
  })

  it('a path within another one comes with that, as a copy where a container may write to either', () => {
    const mount = (source: string, readOnly: boolean) => ({ source, target: `/${source}`, readOnly })
    const of = (...mounted: ReturnType<typeof mount>[]) =>
      planHost(wanted([service({ files: mounted })], { hashes }), host({ tools: files }), 'a').calls
    const put = (calls: readonly (readonly string[])[]) => calls.find(([name]) => name === 'put_files')?.slice(2)
    expect(put(of(mount('conf', true), mount('conf/deep', false)))).toEqual(['a'.repeat(64), 'conf', 'copy'])
    expect(put(of(mount('conf', true), mount('conf/deep', true)))).toEqual(['a'.repeat(64), 'conf', 'link'])
    expect(placedBy(of(mount('conf', true), mount('single.txt', true)))).toEqual(['a'.repeat(64), 'b'.repeat(64)])
  })

  it('whoever makes a container and does not say of which release has a bug', () => {
    const owner = { app: 'a', environment: 'b', release: second, slot: 'a' as const }
    expect(() => containerArgs(mounting, owner, 'x')).toThrow(TypeError)
    expect(volumesIn(containerArgs(service(), owner, 'x'))).toEqual([])
  })

  it('an accessory has its own, from the release that makes it', () => {
    const cache = { ...mounting, name: 'cache', image: 'redis:7', health: { timeoutMs: 1, settleMs: 0 } } as unknown as Accessory
    const of = wanted([service()], { hashes, environment: environment([service()], { accessories: [cache] }) })
    const { calls } = planHost(of, host({ tools: files }), 'a')
    const own = `/var/lib/launchway/addie/production/accessories/cache/${second}`
    expect(calls.find(([name]) => name === 'put_files')?.[1]).toBe(own)
    expect(calls.find(([name]) => name === 'write_texts')).toEqual([
      'write_texts',
      own,
      'texts.cache',
      'redis:7',
      `addie.production.cache.texts.${second}`,
      'anew',
    ])
    const made = calls.find(([name, whose]) => name === 'create' && whose === 'cache')
    expect(volumesIn(made)).toEqual(mounts.map((one) => one.replace(folder, own).replace('texts/web', 'texts/cache')))
    expect(made).toContain(`launchway.contents=${digestOf(cache, hashes)}`)
    const there = { container: 'addie.production.cache', name: 'cache', state: 'running', status: 'Up', configuration: cache, volumes: [] }
    expect(planHost(of, host({ tools: files, accessories: [there] }), 'a').calls.some(([name]) => name === 'put_files')).toBe(false)
  })

  it('need programs that others do not', () => {
    const words = unfit(wanted([mounting], { hashes }), host()).map(({ what }) => what)
    expect(words).toEqual(['tar is not installed', 'base64 is not installed'])
    expect(unfit(wanted([service()]), host())).toEqual([])
    expect(unfit(wanted([mounting], { hashes, isReturn: true }), host())).toEqual([])
  })
})

describe('an accessory of a project', () => {
  const cache = { ...mounting, name: 'cache', image: 'redis:7', health: { timeoutMs: 1, settleMs: 0 } } as unknown as Accessory
  const project = { name: 'p', pulled: {}, networks: {}, volumes: {}, external: { networks: [], volumes: [], paths: [] } }
  const there = { container: 'addie.production.cache', name: 'cache', state: 'running', status: 'Up', configuration: cache, volumes: [] }
  const planned = (contents: string | undefined) =>
    planHost(
      wanted([service()], { hashes, environment: environment([service()], { accessories: [cache], project }) }),
      host({ tools: files, accessories: [{ ...there, ...(contents === undefined ? {} : { contents }) }] }),
      'a',
    )

  it('is recreated once a file that it mounts is another', () => {
    expect(planned(digestOf(cache, new Map([...hashes, ['conf', 'd'.repeat(64)]]))).notes).toContain(
      'cache: recreated, since what is in its files changed; its volumes stay',
    )
    const { calls, notes } = planned(digestOf(cache, hashes))
    expect(notes.join()).not.toContain('recreated')
    expect(calls.some(([name]) => name === 'put_files')).toBe(false)
  })
})

describe('secrets in part', () => {
  const web = service({
    secrets: ['WHOLE'],
    composed: { URL: 'postgres://u:${PASSWORD}@db/$$1', BOTH: '${PASSWORD}${WHOLE}' },
    texts: [{ target: '/x', text: '${PASSWORD}', mode: '0440', uid: '1', gid: '2' }],
  })
  const values = { WHOLE: 'w', PASSWORD: "p$'\n" }

  it('are given to the container of their service alone, whole, and what is only a part is no variable', async () => {
    const { environment: read, secrets, own, texts } = await requiredSecrets(environment([web, service({ name: 'other' })]), ports(values))
    expect(read.services.map((one) => one.secrets)).toEqual([['WHOLE', 'URL', 'BOTH'], []])
    expect([...secrets.keys()]).toEqual(['WHOLE'])
    const file = secretsFile(secrets, own)
    const given = (name: string): string =>
      `(LW_SERVICE=${name}\n${file.reveal()}\nprintf '%s|%s|%s|%s\\0' "\${WHOLE-}" "\${URL-}" "\${BOTH-}" "\${PASSWORD-}")\n`
    const said = execFileSync('sh', ['-c', `${given('web')}${given('other')}`], { encoding: 'utf8', env: {} })
    expect(said.split('\0')).toEqual(["w|postgres://u:p$'\n@db/$1|p$'\nw|", 'w|||', ''])
    expect(texts.get('web')?.map(({ mode, uid, gid, body }) => [mode, uid, gid, body.reveal()])).toEqual([[0o440, 1, 2, "p$'\n"]])
    expect(`${JSON.stringify(read)}${JSON.stringify([...own])}${JSON.stringify([...texts])}`).not.toContain("p$'")
  })

  it('are all missed at once, with those that are whole', async () => {
    const more = service({ name: 'more', texts: [{ target: '/y', text: '${TOKEN} ${WHOLE}', mode: '0444' }] })
    await expect(requiredSecrets(environment([web, more]), ports({}))).rejects.toMatchObject({
      code: 'SECRET_MISSING',
      message: 'production needs WHOLE, PASSWORD, TOKEN',
    })
  })

  it('have no value while a part is not known', () => {
    const { environment: read, own } = withComposed(
      { environment: environment([web]), own: new Map() },
      secretIn({ WHOLE: 'w' }),
      (value) => new Secret(value),
    )
    expect(read.services[0]?.secrets).toEqual(['WHOLE', 'URL', 'BOTH'])
    expect([...(own.get('web') ?? [])]).toEqual([])
  })

  it('win over what an env file says', () => {
    const before = new Map([
      [
        'web',
        new Map([
          ['URL', new Secret('of a file')],
          ['OTHER', new Secret('x')],
        ]),
      ],
    ])
    const { own } = withComposed({ environment: environment([web]), own: before }, secretIn(values), (value) => new Secret(value))
    expect([...(own.get('web') ?? [])].map(([name, value]) => [name, value.reveal().slice(0, 8)])).toEqual([
      ['OTHER', 'x'],
      ['URL', 'postgres'],
      ['BOTH', "p$'\nw"],
    ])
    expect(before.get('web')?.get('URL')?.reveal()).toBe('of a file')
  })

  it('a name that the host would read is refused, and so is a user by name', () => {
    const bad = (of: Parameters<typeof service>[0]) => environment([service(of)])
    const conceal = (value: string): Secret => new Secret(value)
    expect(
      failureIn(() =>
        withComposed({ environment: bad({ composed: { LD_PRELOAD: '${PASSWORD}' } }), own: new Map() }, secretIn(values), conceal),
      ),
    ).toMatchObject({
      code: 'CONFIG_INVALID',
      message: 'web: the variable LD_PRELOAD cannot hold a secret',
    })
    const named = bad({ texts: [{ target: '/x', text: 'a', mode: '0444', uid: 'postgres' }] })
    expect(failureIn(() => writtenTexts(named.services, secretIn(values)))).toMatchObject({
      code: 'RECORD_INVALID',
      message: expect.stringContaining('web: /x: postgres is no user'),
    })
  })
})
