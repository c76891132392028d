import { describe, expect, test } from 'vitest'
import { bakeDefinition } from '../../src/build/plan.ts'
import { contentKey } from '../../src/build/key.ts'
import { annotationsOf, lastingAnnotations } from '../../src/core/image-labels.ts'
import type { PlannedImage } from '../../src/core/planned-image.ts'
import type { PlanSection } from '../../src/core/release.ts'
import { type Trigger, triggerOf } from '../../src/plan/index.ts'
import { plan } from '../../src/plan/plan.ts'
import { configOf, problems } from './support/config.ts'
import { type LabelCase, labelCases } from './support/label-cases.ts'
import { defaults, eventOf, repository } from './support/metadata-event.ts'
import { head, sha, tagCases } from './support/tag-cases.ts'

/** The run, whose time they write as that of the image, and the commit: of one second, since dates of both stand in tags. */
const [at, committed] = [new Date('2020-01-10T00:30:00.500Z'), new Date('2020-01-10T00:30:00.000Z')]
const key = '0'.repeat(32)

type Case = Pick<LabelCase, 'on' | 'rules' | 'labels' | 'annotations' | 'gives' | 'refused'> & { flavor: string[]; tags?: string }

function config({ rules, flavor, labels, annotations }: Case): string {
  return JSON.stringify({
    images: { app: { repositories: ['user/app'], annotations, ...(labels.length === 0 ? {} : { labels: labels.join('\n') }) } },
    branches: { '**': {} },
    tags: { '**': {} },
    'image-tags': rules.length === 0 ? defaults : rules,
    ...(flavor.length === 0 ? {} : { flavor }),
  }).replace('"annotations":[]', '"annotations":{}')
}

function planOf(of: Case): PlanSection {
  const { env, payload } = eventOf(of.on.replace(' by its head', ''))
  const runner = { ...env, GITHUB_SERVER_URL: 'https://github.com', GITHUB_REPOSITORY: 'team/hello' }
  return plan(configOf(config(of)), triggerOf(runner, JSON.stringify(payload)), { facts: { now: at, committed } })
}

/** What the image gets in its configuration and in its manifest, without the key by which launchway finds it. */
function written(section: PlanSection): Record<'labels' | 'annotations', object | undefined> {
  const [image] = section.images
  if (image === undefined) throw new Error('a plan without an image')
  const { target } = bakeDefinition([image], new Map([['app', key]]), section)
  const { 'launchway.key': _in, ...labels } = target['app']?.labels ?? {}
  const { 'launchway.key': _beside, ...annotations } = annotationsOf(image, key, section)
  return { labels, annotations }
}

const oci = (name: string): string => `org.opencontainers.image.${name}`

/** What docker/metadata-action writes beside what it is given. */
function ociOf({ on, tags = '' }: Case): Record<string, string> {
  const { name, description, html_url: url, license } = repository
  const values = {
    title: name,
    description,
    url,
    source: url,
    version: tags.split(' ')[0] ?? '',
    created: at.toISOString(),
    revision: on.endsWith(' by its head') ? head : sha,
    licenses: license.spdx_id,
  }
  return Object.fromEntries(Object.entries(values).map(([name_, value]) => [oci(name_), value]))
}

const none = { labels: [], annotations: [], gives: { labels: {}, annotations: {} } }
const everywhere = tagCases()
const tagged: Case[] = everywhere
  .filter(({ on, refused }) => on !== 'nothing' && !on.startsWith('pull_request_target') && refused === undefined)
  .map(({ refused: _tag, ours, ...of }) => ({ ...of, ...(ours === undefined ? {} : { tags: ours }), ...none }))
const custom: Case[] = labelCases().map((one) => ({
  ...one,
  flavor: [],
  tags: one.on === 'tag v1.1.1' ? 'v1.1.1' : one.on === 'branch dev' ? 'dev' : 'mytag-master',
}))
const all = [...tagged, ...custom]

/** What is otherwise here; docs/guide/image-tags.md says why. */
function differs({ on, tags, refused }: Case): 'the commit' | 'the version' | 'the repository' | 'refused' | undefined {
  if (refused !== undefined) return 'refused'
  if (on === 'pull_request') return 'the commit'
  if (on === 'schedule') return 'the repository'
  return tags === '' ? 'the version' : undefined
}

/** As docker/metadata-action has it, but for what differs. */
function expected(of: Case): Record<string, string> {
  const theirs = { ...ociOf(of), [oci('created')]: committed.toISOString() }
  const which = differs(of)
  if (which === 'the commit') return { ...theirs, [oci('revision')]: head }
  if (which === 'the version') return { ...theirs, [oci('version')]: sha.slice(0, 7) }
  if (which !== 'the repository') return theirs
  const { [oci('description')]: _text, [oci('licenses')]: _licence, ...rest } = theirs
  return { ...rest, [oci('title')]: 'app' }
}

const otherwise = (which: ReturnType<typeof differs>): Case[] => all.filter((one) => differs(one) === which)
const kinds = ['the commit', 'the version', 'the repository'] as const
const listed = kinds.map((which) => `${which} (${otherwise(which).length})`).join(', ')

describe(`of the ${everywhere.length + custom.length} cases of docker/metadata-action ${everywhere.length - tagged.length} are no run here (by their event or a rule), ${otherwise(undefined).length} have the same labels and annotations, but for the time of the image, which is the commit's here; of others differs ${listed}; ${otherwise('refused').length} are refused`, () => {
  test('none is missing', () => {
    expect([
      everywhere.length - tagged.length,
      ...[undefined, ...kinds, 'refused' as const].map((which) => otherwise(which).length),
    ]).toEqual([13, 79, 6, 2, 7, 3])
  })

  test.each(all.filter(({ refused }) => refused === undefined))('$on: $rules $flavor $labels $annotations', (of) => {
    const oci_ = expected(of)
    expect(written(planOf(of))).toEqual({
      labels: { ...oci_, ...of.gives.labels },
      annotations: { ...oci_, ...of.gives.annotations },
    })
  })

  test.each(otherwise('refused'))('$labels is refused: $refused; without that line it is the same', ({ refused, ...of }) => {
    expect(problems(config(of)).join('\n')).toContain(refused)
    const section = planOf({ ...of, labels: of.labels.filter((line) => line.includes('=')) })
    expect(written(section)).toEqual({ labels: { ...expected(of), ...of.gives.labels }, annotations: expected(of) })
  })
})

const image = (more: string): string => `images:\n  app:\n    repositories: [user/app]\n${more}branches: { "**": {} }\ntags: { "**": {} }\n`

const push = { event: 'push', ref: 'refs/heads/feature/x', sha } as const

describe('lines as docker/metadata-action takes them', () => {
  test.each([
    ['labels', 'mylabel=foo#bar\n      #comment\n      another=bar', { mylabel: 'foo#bar', another: 'bar' }],
    [
      'annotations',
      'org.opencontainers.image.url=https://example.com/path#readme\n      #comment\n      org.opencontainers.image.source=https://example.com/shop',
      { 'org.opencontainers.image.url': 'https://example.com/path#readme', 'org.opencontainers.image.source': 'https://example.com/shop' },
    ],
  ] as const)('%s: a # within a line is none of a remark', (kind, lines, expected) => {
    const config_ = configOf(image(`    ${kind}: |\n      ${lines}\n`))
    expect(plan(config_, { event: 'push', ref: 'refs/heads/dev', sha }).images[0]?.[kind]).toEqual(expected)
  })

  // As https://github.com/docker/actions-toolkit reads its lists.
  test.each<[string, Record<string, string>]>([
    ['"org.example.d=A, B"', { 'org.example.d': 'A, B' }],
    ['"a=say ""hello"""', { a: 'say "hello"' }],
    ['a=x,"b"', { a: 'x,b' }],
    ['a="A, B"', { a: '"A, B"' }],
    ['a=this is a "good" example', { a: 'this is a "good" example' }],
    ['a=,', { a: ',' }],
    ['"a=1"\n      b=2', { a: '1', b: '2' }],
  ])('quotes around a line or a field of it are no part of it: %s', (lines, expected) => {
    const of = (labels: string): object | undefined => plan(configOf(image(labels)), push).images[0]?.labels
    expect(of(`    labels: |\n      ${lines}\n`)).toEqual(expected)
    expect(of(`    labels: ${JSON.stringify(lines.split(/\n */))}\n`)).toEqual(expected)
  })

  test.each(['"a=1', '"a=1" b'])('a line with a quotation mark that is not closed is refused: %s', (line) => {
    expect(problems(image(`    labels: |\n      ${line}\n`))).toEqual([
      expect.stringContaining(`images.app.labels: "${line}" has a quotation mark that is not closed in its line`),
    ])
  })

  test('a mapping has its values as they stand', () => {
    expect(plan(configOf(image(`    labels: { a: '"x"' }\n`)), push).images[0]?.labels).toEqual({ a: '"x"' })
  })

  test('around a line of flavor and image-tags they are none either', () => {
    const lines = (flavor: string, rule: string): string => `${image('')}flavor: |\n  ${flavor}\nimage-tags: |\n  ${rule}\n`
    const tags = (flavor: string, rule: string): string[] => plan(configOf(lines(flavor, rule)), { ...push, ref: 'refs/tags/v12' }).tags
    expect(tags('"prefix=a-,onlatest=true"', '"type=ref,event=tag"')).toEqual(['a-v12', 'a-latest'])
    expect(tags('"prefix=a-","onlatest=true"', 'type=match,"pattern=\\d{1,2}"')).toEqual(['a-12', 'a-latest'])
    expect(tags('latest=false', '"type=match,""pattern=\\d{1,2}"""')).toEqual(['12'])
  })

  test('a list and a mapping say the same; of one key the last line counts', () => {
    const of = (text: string): object | undefined =>
      plan(configOf(image(`    labels: ${text}\n`)), { event: 'push', ref: 'refs/heads/dev', sha }).images[0]?.labels
    expect(of('["a=1", "b=x=y", "a=2"]')).toEqual({ a: '2', b: 'x=y' })
    expect(of('{ b: x=y, a: 2 }')).toEqual({ a: '2', b: 'x=y' })
  })
})

function imageOf(more: string, trigger: Trigger = push, now = at): PlannedImage {
  const [found] = plan(configOf(image(more)), trigger, { facts: { now, committed: at, defaultBranch: 'main' } }).images
  if (found === undefined) throw new Error('a plan without an image')
  return found
}

describe('a label', () => {
  test.each<[string, Trigger, string]>([
    ['{{branch}} {{tag}} {{base_ref}}', push, 'feature/x  '],
    ['{{branch}} {{tag}}', { ...push, ref: 'refs/tags/v1.2.3' }, ' v1.2.3'],
    ['{{branch}}{{base_ref}}', { event: 'pull_request', ref: 'refs/pull/2/merge', base: 'main', pullRequest: 2, sha }, 'main'],
    ['{{sha}}', push, '4f2a9c1'],
    ['{{sha}}', { ...push, dirty: true }, '4f2a9c1-dirty'],
    ['{{is_default_branch}} {{is_not_default_branch}}', push, 'false true'],
    ['{{is_default_branch}}', { ...push, ref: 'refs/heads/main' }, 'true'],
    ["on {{date 'dddd, MMMM Do YYYY' tz='Asia/Tokyo'}}", push, 'on Friday, January 10th 2020'],
    ["{{commit_date 'YYYY-MM-DD'}}", { ...push, committed: new Date('2019-05-06T07:08:09Z') }, '2019-05-06'],
    ['{{{branch}}}', { ...push, ref: 'refs/heads/a&b' }, 'a&b'],
    ['{{branch}}', { ...push, ref: 'refs/heads/a&b' }, 'a&b'],
    // As Handlebars writes braces that are meant.
    [String.raw`\{{branch}} of {{branch}}`, push, '{{branch}} of feature/x'],
    [String.raw`\\{{sha}}`, push, String.raw`\4f2a9c1`],
    [String.raw`$\{{ a }} }} { \\ }`, push, String.raw`${'$'}{{ a }} }} { \\ }`],
    ['plain, with commas: "and" more', push, 'plain, with commas: "and" more'],
    ['', push, ''],
  ])('%s of %j is %j', (text, trigger, expected) => {
    const more = `    labels: ${JSON.stringify({ it: text })}\n    annotations: ${JSON.stringify({ it: text })}\n`
    expect(imageOf(more, trigger)).toMatchObject({ labels: { it: expected }, annotations: { it: expected } })
  })

  test.each<[string, string]>([
    [
      'labels: { a: "{{brunch}}" }',
      '4:18: images.app.labels: a: unknown expression {{brunch}}; did you mean {{branch}}? known: {{branch}}',
    ],
    ['labels: { a: "{{version}}" }', '4:18: images.app.labels: a: unknown expression {{version}}; known: {{branch}}'],
    ['labels: { a: "${{ github.sha }}" }', '4:18: images.app.labels.a: expressions of GitHub Actions, ${{ … }}, are for workflow files'],
    ['labels: ["a=1", "b={{sha"]', '4:21: images.app.labels: b: {{sha is not closed; braces that are meant as they stand are written \\{{'],
    ['annotations: |\n      a=1\n      b', '6:7: images.app.annotations: "b" is not key=value'],
    ['labels: { "{{sha}}": x }', '4:15: images.app.labels: {{sha}}: expressions stand in the values of labels, not in their names'],
    ['labels: ["launchway.key=x"]', '4:14: images.app.labels: labels that begin with "launchway." are launchway\'s own'],
    [
      'annotations: { "index:org.opencontainers.image.title": x }',
      '4:20: images.app.annotations: annotations are those of what hosts pull, and have no other place: write org.opencontainers.image.title for index:org.opencontainers.image.title',
    ],
    ['annotations: ["manifest,index-descriptor[linux/amd64]:a=b"]', 'write a for manifest,index-descriptor[linux/amd64]:a'],
    ['labels: 5', '4:13: images.app.labels: must be a mapping or string or a list, not "5"'],
  ])('%s is refused', (text, message) => {
    expect(problems(image(`    ${text}\n`)).join('\n')).toContain(message)
  })

  test('may be shared by several images, by an anchor', () => {
    const text =
      'x-labels: &shop { vendor: Shop, at: "{{sha}}" }\nimages:\n  web: { repositories: [a/b], labels: *shop }\n  worker: { repositories: [a/c], labels: { <<: *shop, role: worker } }\nbranches: { "**": {} }\n'
    const labels = { vendor: 'Shop', at: '4f2a9c1' }
    expect(plan(configOf(text), push).images).toMatchObject([{ labels }, { labels: { ...labels, role: 'worker' } }])
  })

  test('of an image that others are built on says the same', () => {
    const text =
      'images:\n  app: { repositories: [a/b], contexts: { base: "target:base" } }\n  base: { labels: { built: "{{sha}}" } }\nbranches: { "**": {} }\n'
    const { bases } = plan(configOf(text), push)
    expect(bases).toMatchObject([{ labels: { built: '4f2a9c1' }, written: { labels: { built: '{{sha}}' } } }])
  })
})

describe('the content key', () => {
  const inputs = { dockerfile: 'FROM scratch', tree: 't', bases: {}, contexts: {} }
  const keyOf = (more: string, trigger?: Trigger, now?: Date): string => contentKey(imageOf(more, trigger, now), inputs)
  const other = { ...push, sha: 'c'.repeat(40), ref: 'refs/heads/main' }
  const later = new Date('2021-01-01T00:00:00Z')

  test.each(['labels', 'annotations'])('is the same whatever expressions of %s come to', (kind) => {
    const more = `    ${kind}: { a: "{{sha}} {{branch}} {{date 'YYYYMMDD'}}", constructor: x }\n`
    expect(imageOf(more, other, later)).not.toEqual(imageOf(more))
    expect(keyOf(more, other, later)).toBe(keyOf(more))
  })

  test('is another with what is written, and with what stands there for good', () => {
    const keys = ['', '{ a: "{{sha}}" }', '{ a: "{{branch}}" }', '{ a: 4f2a9c1 }', '{ a: "\\\\{{sha}}" }', '{ a: "\\\\{{x}}" }'].map(
      (labels) => keyOf(labels === '' ? '' : `    labels: ${labels}\n`),
    )
    expect(new Set(keys).size).toBe(keys.length)
    expect(keyOf('    annotations: {}\n')).not.toBe(keys[0])
  })

  test('has what stands there for good as before expressions were known', () => {
    const bare: PlannedImage = { name: 'app', context: '.', dockerfile: 'Dockerfile', platforms: [], args: {}, repositories: ['a/b'] }
    expect(contentKey({ ...bare, labels: { a: 'b' } }, inputs)).toBe('ebaa772c99cc12b01b1df0cbcbde3e82')
  })
})

test('annotations stand beside a key where they are asked for, and nothing does where they are not', () => {
  const section = plan(configOf(image('')), push, { facts: { now: at, committed: at } })
  expect(annotationsOf(imageOf('    labels: { a: b }\n'), key, section)).toEqual({})
  const asked = imageOf('    annotations: { a: b, c: "{{sha}}", org.opencontainers.image.version: mine }\n')
  expect(annotationsOf(asked, key, section)).toEqual({
    'org.opencontainers.image.title': 'app',
    'org.opencontainers.image.version': 'mine',
    'org.opencontainers.image.revision': sha,
    'org.opencontainers.image.created': at.toISOString(),
    a: 'b',
    c: '4f2a9c1',
    'launchway.key': key,
  })
  // Which release made it, an image of that key need not say in the same words.
  expect(lastingAnnotations(asked, key)).toEqual({ a: 'b', 'org.opencontainers.image.version': 'mine', 'launchway.key': key })
})
