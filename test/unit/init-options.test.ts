import { describe, expect, it } from 'vitest'
import { init } from '../../src/init/index.ts'
import { type Asked, config, dockerfile, host, options, pin, read, refusal, repository, run, shop } from './support/init.ts'
import { localPorts } from './support/ports.ts'

const plain = { Dockerfile: dockerfile }

/** With somebody who says no, and what init says on the way. */
async function answered(folder: string, more: Asked = {}): Promise<{ next: string[]; notices: string[] }> {
  const { ports } = localPorts(folder)
  const notices: string[] = []
  const log = { ...ports.log, notice: (message: string) => void notices.push(message) }
  const given = { ...options.given, ...more.given }
  const { next } = await init({ ...options, yes: false, ...more, given }, { ...ports, log, prompt: async () => '' })
  return { next, notices }
}

describe('options that do not go together', () => {
  it.each<[NonNullable<Asked['given']>, string | undefined, RegExp]>([
    [{ url: 'https://a.example.org', publish: '8080' }, undefined, /^--publish 8080: not beside --url: /],
    [{ port: 'none', health: '/x' }, undefined, /^--health \/x: not with --port none: /],
    [{ port: 'none', url: 'https://a.example.org' }, undefined, /^--url https:\/\/a\.example\.org: not with --port none: /],
    [{ port: 'none', publish: '80' }, undefined, /^--publish 80: not with --port none: /],
    [{ live: 'tag' }, 'none', /^--live tag: that is what workflows do, and none are written$/],
  ])('are refused, and nothing is written: %j', async (given, ci, message) => {
    const folder = repository(plain)
    expect(await refusal(folder, { given, ci })).toMatchObject({ code: 'USAGE', message: expect.stringMatching(message) })
    expect(() => read(folder)).toThrow('ENOENT')
  })

  it('are refused at a terminal before anything is asked', async () => {
    const refused = answered(repository(plain), { given: { port: 'none', health: '/x' } })
    await expect(refused).rejects.toThrow('--health /x: not with --port none')
  })

  it.each([
    { url: 'https://a.example.org', health: '/up' },
    { publish: '8080', health: '/up' },
    { port: 'none', url: '', health: '' },
  ])('and those that do are taken: %j', async (given) => {
    const folder = repository(plain)
    await run(folder, { given })
    expect(config(folder)).toMatchObject({ environments: { production: { host } } })
  })
})

describe('with --yes all that is wrong is told at once', () => {
  it('also of launchway, the Dockerfile and the workflows', async () => {
    const { message, hint = '' } = await refusal(repository(plain), {
      dockerfile: 'x',
      ci: 'gitlab',
      given: { launchway: 'acme/launchway@v1', host: '-x', branch: 'a b' },
    })
    expect(message).toBe('init cannot see everything by itself')
    expect(hint.split('\n').slice(1)).toEqual([
      expect.stringContaining('there are no workflows for "gitlab". --ci github'),
      expect.stringContaining('"acme/launchway@v1" is not OWNER/launchway@ and the full hash'),
      'there is no Dockerfile at x. There is: Dockerfile',
      expect.stringMatching(/^--host -x: /),
      '--branch a b: must be the name of a branch',
    ])
  })

  it('also beside a launchway.yml that stays', async () => {
    const folder = repository(plain)
    await run(folder)
    const { hint = '' } = await refusal(folder, { ci: 'gitlab', given: { launchway: 'x' } })
    expect(hint.split('\n')).toHaveLength(3)
    expect((await refusal(folder, { ci: 'gitlab' })).message).toBe('there are no workflows for "gitlab"')
  })

  it.each(['shop', 'ftp://x', 'https://'])('what is no address for visitors is told with one that is: %s', async (url) => {
    const { hint } = await refusal(repository(plain), { given: { url } })
    expect(hint).toContain(`--url ${url}: must be an address such as https://app.example.org`)
  })
})

describe('beside a launchway.yml that stays', () => {
  const routes = (text: string): Record<string, string> => ({
    ...plain,
    'launchway.yml': `image: ghcr.io/team/shop\n${text}\nenvironments: { production: { host: "${host}", port: 5000, publish: 80 } }\n`,
  })

  it('options that say what stands in it are named', async () => {
    const { notices } = await answered(repository(routes("branches: { main: production }\ntags: { 'v*': {} }")), {
      given: { branch: 'next', image: 'ghcr.io/a/b', live: 'tag' },
      dockerfile: 'x',
    })
    expect(notices).toContain(
      '--host, --image, --branch, --live, --dockerfile are not used: launchway.yml stays (--anew writes it by what is seen)',
    )
  })

  it.each([
    ['push', 'branches: { main: production }'],
    ['tag', "tags: { 'v*': production }"],
    ['release', "branches: { main: production }\ntags: { 'v*': production }"],
  ])('--live %s that says the same is not', async (live, text) => {
    const { notices } = await answered(repository(routes(text)), { given: { live } })
    expect(notices).toContain('--host is not used: launchway.yml stays (--anew writes it by what is seen)')
  })

  it('each server gets the key for deploys', async () => {
    const { next } = await run(
      repository({
        ...plain,
        'launchway.yml':
          'image: ghcr.io/team/shop\nbranches: { main: live }\nenvironments: { live: { hosts: [d@127.0.0.1:1, e@127.0.0.1:2], port: 5000, nginx: {}, url: "http://a.example.org" }, test: { host: d@127.0.0.1:1, port: 5000, publish: 80 } }\n',
      }),
    )
    expect(next).toContainEqual(
      expect.stringMatching(
        /append \.\.\/deploy-key\.pub to ~\/\.ssh\/authorized_keys on each server: of d@127\.0\.0\.1:1, of e@127\.0\.0\.1:2\.$/,
      ),
    )
  })
})

describe('the last of the next steps', () => {
  it('with --live tag is the tag', async () => {
    const { next } = await run(repository(shop), { given: { live: 'tag' } })
    expect(next.slice(-2)).toEqual([
      expect.stringMatching(/The workflow "push" builds and tests it; nothing goes live yet\.$/),
      'Put a version live: git tag v1.0.0 && git push origin v1.0.0. The workflow "push" does it.',
    ])
  })

  it('is the push where that puts something live', async () => {
    const { next } = await run(repository(shop))
    expect(next.at(-1)).toMatch(/&& git push\. The workflow "push" does the rest\.$/)
  })

  it('makes the branch that goes live, where there is none', async () => {
    const made = (next: string[]): string[] => next.filter((step) => step.includes('git switch --create'))
    expect(made((await run(repository(plain), { given: { branch: 'nix' } })).next)).toEqual([
      'There is no branch nix yet, and what comes to it goes to production: git switch --create nix, or another one in launchway.yml.',
    ])
    expect(made((await run(repository(plain))).next)).toEqual([])
    expect(made((await run(repository(plain), { given: { branch: 'nix', live: 'tag' } })).next)).toEqual([
      expect.stringMatching(/^There is no branch nix yet, and what comes to it is built: /),
    ])
  })

  const mine = 'on: push\njobs: { a: { steps: [{ run: make }] } }\n'
  it.each<[string, string, Record<string, string>, RegExp]>([
    ['push.yml', mine, {}, /nothing that is pushed is released\..* init --force replaces it\.$/],
    ['release.yml', mine, { live: 'release' }, /no version that is published goes live\./],
    ['rescan.yml', mine, {}, /nothing does what the one of launchway would\./],
  ])('says that %s of somebody else, which stays, releases nothing', async (name, text, given, says) => {
    const path = `.github/workflows/${name}`
    const { next } = await answered(repository({ ...plain, [path]: text }), {
      given: {
        port: '5000',
        publish: '80',
        url: '',
        health: '',
        environment: 'production',
        image: 'ghcr.io/a/b',
        branch: 'main',
        live: 'push',
        ...given,
      },
    })
    expect(next).toContainEqual(expect.stringMatching(`^${path} stays as it is, and has no step of launchway: `))
    expect(next).toContainEqual(expect.stringMatching(says))
    expect(next.at(-1)).toContain(
      name === 'push.yml' ? 'That releases nothing, until push.yml has the steps of launchway.' : 'The workflow "push" ',
    )
  })

  it('says nothing of one that is launchway’s and was changed', async () => {
    const text = `on: push\njobs: { a: { steps: [{ uses: ${pin} }] } }\n`
    const { next } = await answered(repository({ ...plain, '.github/workflows/push.yml': text }))
    expect(next.join('\n')).not.toContain('stays as it is')
    expect(next.at(-1)).toContain('does the rest')
  })
})
