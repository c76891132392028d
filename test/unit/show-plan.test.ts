import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { showPlan, startRelease, supposedTrigger } from '../../src/plan/index.ts'
import { localPorts, temporaryFolder } from './support/ports.ts'
import { commitNothing, gitInit } from './support/repository.ts'

const config = `
image: ghcr.io/team/shop
branches: { main: production, "feature/**": {} }
tags: { "v*": production }
image-tags: |
  type=semver,pattern={{version}}
  type=pep440,pattern={{major}}
  type=ref,event=branch
flavor: latest=auto
scan: false
environments:
  production: { host: deploy@shop.example.org, url: https://shop.example.org, services: { web: { port: 1, publish: 80 }, worker: { command: [work] } } }
`

/** A repository with this configuration and one commit, on the branch main. */
async function supposed(event: string, ref?: string, environment?: string, text = config, base?: string) {
  const root = temporaryFolder()
  gitInit(root)
  writeFileSync(join(root, 'launchway.yml'), text)
  commitNothing(root)
  const { ports } = localPorts(root)
  const asked = {
    ...(ref === undefined ? {} : { ref }),
    ...(environment === undefined ? {} : { environment }),
    ...(base === undefined ? {} : { base }),
  }
  const release = await startRelease('launchway.yml', await supposedTrigger(event, asked, ports), ports)
  const shown = showPlan(release).replaceAll(release.id, 'ID').replaceAll(release.plan.sha.slice(0, 7), 'COMMIT')
  return { release, shown }
}

describe('what a plan says', () => {
  test('of a tag: where it goes, what it is called and by which rule, and what each stage does', async () => {
    const { shown } = await supposed('push', 'refs/tags/v1.2.3')
    expect(shown).toBe(`shop 1.2.3 goes to production: https://shop.example.org
push of the tag v1.2.3 at COMMIT, release ID

  image  app                      ghcr.io/team/shop
  tag    1.2.3                    type=semver,pattern={{version}}
         1                        type=pep440,pattern={{major}}
         latest                   flavor: latest=auto
  host   deploy@shop.example.org  web, worker
  stage  build                    run   the tag v1.2.3 (by v*) goes to production
         smoke                    skip  there is no compose file
         scan                     skip  scan: false
         push                     run   the tags move once the image is there
         deploy                   run   the tag v1.2.3 (by v*) goes to production`)
  })

  test('of labels and annotations: what their expressions come to, and of which image where there are several', async () => {
    const image = (more: string): string =>
      `repositories: [ghcr.io/team/${more}], labels: { vendor: Shop, org.example.branch: "on {{branch}}" }`
    const one = `images: { app: { ${image('shop')}, annotations: { branch: "of {{branch}}" } } }`
    const text = config.replace('image: ghcr.io/team/shop', one)
    const rows = (shown: string): string[] => shown.split('\n').filter((line) => /\b(on feature|of feature)/.test(line))
    expect(rows((await supposed('push', 'feature/x', undefined, text)).shown)).toEqual([
      '  label       org.example.branch  on feature/x',
      '  annotation  branch              of feature/x',
    ])
    const two = text
      .replace(one, `images: { app: { ${image('shop')} }, worker: { ${image('worker')} } }`)
      .replaceAll('web: {', 'web: { image: app,')
      .replaceAll('worker: { command', 'worker: { image: worker, command')
    expect(rows((await supposed('push', 'feature/x', undefined, two)).shown)).toEqual([
      '  label  org.example.branch  on feature/x (app)',
      '         org.example.branch  on feature/x (worker)',
    ])
  })

  test.each<[string, [string, string?, string?], string[]]>([
    [
      'a branch that is not deployed',
      ['push', 'feature/x'],
      ['shop feature-x is built and pushed, not deployed', 'push of the branch feature/x at COMMIT, release ID'],
    ],
    [
      'a branch without a rule',
      ['push', 'other'],
      ['shop: nothing to do', 'push of the branch other at COMMIT', 'no rule for the branch "other": branches has main, feature/**'],
    ],
    [
      'a release, by its tag',
      ['release', 'v2.0.0'],
      ['shop 2.0.0 goes to production: https://shop.example.org', 'release of the tag v2.0.0 at COMMIT, release ID'],
    ],
    [
      'a pull request',
      ['pull_request', 'refs/pull/7/merge'],
      ['shop COMMIT is built as a check: nothing is written', 'pull_request of refs/pull/7/merge at COMMIT, release ID'],
    ],
    [
      'a button, for what is checked out',
      ['workflow_dispatch'],
      ['shop main goes to production: https://shop.example.org', 'workflow_dispatch of the branch main at COMMIT, release ID'],
    ],
    [
      'a button with an environment',
      ['workflow_dispatch', 'other', 'production'],
      ['shop other goes to production: https://shop.example.org', 'workflow_dispatch of the branch other at COMMIT, release ID'],
    ],
    ['a schedule without a tag', ['schedule'], ['shop: nothing to do', 'schedule of the branch main at COMMIT', 'scan: false']],
    [
      'a rule that should have given a tag',
      ['push', 'refs/tags/vX'],
      [
        'shop COMMIT goes to production: https://shop.example.org',
        'push of the tag vX at COMMIT, release ID',
        '',
        '  image  app                      ghcr.io/team/shop',
        '  tag    -                        type=semver,pattern={{version}}: "vX" is no version by semver.org',
      ],
    ],
  ])('of %s', async (_, of, lines) => {
    expect((await supposed(...of)).shown.split('\n').slice(0, lines.length)).toEqual(lines)
  })

  test('of an image of several platforms, that not every engine keeps it', async () => {
    const images = 'images: { app: { platforms: [amd64, arm64], repositories: [ghcr.io/team/shop] } }'
    const { shown } = await supposed('push', 'main', undefined, config.replace('image: ghcr.io/team/shop', images))
    expect(shown).toContain(
      '  image  app                      ghcr.io/team/shop, for linux/amd64, linux/arm64: built where the engine has the containerd image store\n',
    )
  })

  test('of a schedule what it would look at, with no registry asked', async () => {
    const { shown, release } = await supposed('schedule', undefined, undefined, config.replace('scan: false', 'scan: {}'))
    expect(shown).toBe(`shop launchway-env-production is only scanned again
schedule of the branch main at COMMIT, release ID

  image  app     ghcr.io/team/shop
  stage  build   skip  what production runs is only looked at
         smoke   skip  what production runs is only looked at
         scan    run   what production runs, with today's vulnerability database: it blocks on CRITICAL, with a fix
         push    skip  what production runs is only looked at
         deploy  skip  what production runs is only looked at`)
    expect(release.build).toBeUndefined()
  })

  test('of a schedule that names no environment how to name one at a terminal', async () => {
    const text = config.replace('scan: false', 'scan: {}').replace('main: production', 'main: {}')
    expect((await supposed('schedule', undefined, undefined, text)).shown).toContain('none was named: --environment NAME')
  })

  test('of a pull request what it would put live, by the branch that it is for', async () => {
    const merged = async (base?: string): Promise<string[]> => {
      const { shown } = await supposed('pull_request', 'refs/pull/7/merge', undefined, config, base)
      return shown.split('\n').slice(3, -5)
    }
    expect(await merged('main')).toEqual([
      '  image   app         ghcr.io/team/shop',
      '  merged  production  https://shop.example.org',
      '          web         app (built here); publishes 80:1; when it is replaced the old one stops first: a port has one holder',
      '          worker      app (built here)',
    ])
    for (const base of ['feature/x', undefined])
      expect(await merged(base)).toEqual([
        '  image   app     ghcr.io/team/shop',
        '  merged  -       no environment is known to which its branch leads',
      ])
  })

  test('of a version without refs/tags/ how to name the tag', async () => {
    const { shown } = await supposed('push', 'v1.2.3')
    expect(shown).toContain('no rule for the branch "v1.2.3": branches has main, feature/**; for the tag name --ref refs/tags/v1.2.3')
  })

  test.each([
    ['the branch that is checked out', undefined],
    ['a branch', 'refs/heads/main'],
  ])('of a release of %s nothing: releases are of tags', async (_, ref) => {
    await expect(supposed('release', ref)).rejects.toMatchObject({
      code: 'USAGE',
      message: 'a release is of a tag, and refs/heads/main is a branch',
      hint: 'Name the tag, which need not be there yet: --ref refs/tags/v1.2.3',
    })
  })

  test.each([
    ['pusch', 'there is no event "pusch"'],
    ['pull_request_target', 'launchway does not run on pull_request_target'],
    ['issues', 'launchway has nothing to do on the event "issues"'],
  ])('of the event %s nothing', async (event, message) => {
    await expect(supposed(event)).rejects.toMatchObject({ code: 'USAGE', message })
  })

  test('of many images the first twenty, and of a name that is no name one line without what a terminal obeys', async () => {
    const { release } = await supposed('push', 'main')
    const images = Array.from({ length: 30 }, (_, index) => release.plan.images.map((image) => ({ ...image, name: `i${index}` }))).flat()
    const shown = showPlan({ ...release, plan: { ...release.plan, images, ref: 'refs/heads/a\u001b[31m\n::set-output::\u202e' } })
    expect(shown.split('\n').slice(1, 24)).toMatchObject({
      0: expect.stringContaining('the branch a\\u{1b}[31m\\u{a}::set-output::\\u{202e} at'),
      22: '         … and 10 more',
    })
  })
})
