import { describe, expect, test } from 'vitest'
import { flavorOfRules, withFlavor } from '../../src/config/flavor.ts'
import { parseTagRule } from '../../src/config/image-tags.ts'
import { type Trigger, triggerOf } from '../../src/plan/index.ts'
import { plan } from '../../src/plan/plan.ts'
import { configOf, problems } from './support/config.ts'
import { defaults, eventOf } from './support/metadata-event.ts'
import { tagCases } from './support/tag-cases.ts'

const at = new Date('2020-01-10T00:30:00.000Z')
function config({ rules, flavor }: { rules: string[]; flavor: string[] }): string {
  return JSON.stringify({
    image: 'user/app',
    branches: { '**': {} },
    tags: { '**': {} },
    'image-tags': rules.length === 0 ? defaults : rules,
    ...(flavor.length === 0 ? {} : { flavor }),
  })
}

const all = tagCases()
const possible = all.filter(({ on }) => on !== 'nothing' && !on.startsWith('pull_request_target'))

test(`of the ${all.length} cases of docker/metadata-action ${all.length - possible.length} have an event that launchway does not run on`, () => {
  for (const { on, ...of } of all.filter((one) => !possible.includes(one))) {
    const { env, payload } = on === 'nothing' ? { env: {}, payload: {} } : eventOf(on.replace(' by its head', ''))
    expect(() => triggerOf(env, JSON.stringify(payload))).toThrow(/^launchway (has nothing to do|does not run) on/)
    expect(of.refused ?? of.ours).toBeUndefined()
  }
})

describe(`the ${possible.length} others of them`, () => {
  const refused = possible.flatMap((one) => (one.refused === undefined ? [] : { ...one, refused: one.refused }))
  const given = possible.filter((one) => one.refused === undefined)

  test.each(given)('$on: $rules $flavor gives $tags', ({ on, ours, tags: theirs, ...of }) => {
    const { env, payload } = eventOf(on.replace(' by its head', ''))
    const trigger: Trigger = triggerOf(env, JSON.stringify(payload))
    const { tags } = plan(configOf(config(of)), trigger, { facts: { now: at, committed: at } })
    expect(tags.join(' ')).toBe(ours ?? theirs)
  })

  test.each(refused)('$rules is refused when it is read: $refused', ({ refused: message, ...of }) => {
    expect(problems(config(of)).join('\n')).toContain(message)
  })

  const same = given.filter(({ ours }) => ours === undefined)

  test(`${same.length} have the same tags here, ${given.length - same.length} others, ${refused.length} are refused`, () => {
    expect([same.length, given.length - same.length, refused.length]).toEqual([89, 2, 3])
  })
})

/** The cases of how an entry is read: what it needs, and what it is without saying. */
const entries: [string, object | RegExp][] = [
  [
    "type=schedule,enable=true,pattern={{date 'YYYYMMDD'}}",
    { type: 'schedule', enable: 'true', priority: 1000, pattern: [{ name: 'date', format: 'YYYYMMDD', zone: 'UTC' }] },
  ],
  [
    "type=schedule,enable=true,pattern={{date 'YYYYMMDD' tz='Asia/Tokyo'}}",
    { type: 'schedule', pattern: [{ name: 'date', format: 'YYYYMMDD', zone: 'Asia/Tokyo' }] },
  ],
  ['type=schedule', { type: 'schedule', pattern: ['nightly'] }],
  ['type=semver,enable=true,pattern={{version}}', { type: 'semver', priority: 900, pattern: [{ name: 'version' }] }],
  ['type=semver,priority=1,enable=true,pattern={{version}}', { type: 'semver', priority: 1 }],
  ['type=semver,priority=1,enable=true,pattern={{version}},value=v1.0.0', { type: 'semver', value: ['v1.0.0'] }],
  [
    'type=semver,priority=1,enable=true,pattern={{version}},value=p1/v1.0.0,"match=v(\\d.\\d.\\d)$"',
    { type: 'semver', value: ['p1/v1.0.0'], match: /v(\d.\d.\d)$/ },
  ],
  ['type=match,enable=true,pattern=v(.*),group=1', { type: 'match', priority: 800, pattern: /v(.*)/, group: 1 }],
  ['type=match,enable=true,"pattern=^v(\\d.\\d.\\d)$",group=1', { type: 'match', pattern: /^v(\d.\d.\d)$/, group: 1 }],
  ['type=match,"pattern=\\d.\\d.\\d",group=0', { type: 'match', pattern: /\d.\d.\d/, group: 0 }],
  ['type=match,priority=700,enable=true,pattern=v(.*),group=1', { type: 'match', priority: 700 }],
  ['type=match,enable=true,pattern=v(.*),group=1,value=v1.2.3', { type: 'match', value: ['v1.2.3'] }],
  ['type=match,enable=true,pattern=v(.*),group=foo', /^group is 0 \(the whole\) to 1/],
  ['type=edge', { type: 'edge', priority: 700, enable: 'true' }],
  ['type=edge,enable=true,branch=master', { type: 'edge', branch: 'master' }],
  ['type=ref,event=tag', { type: 'ref', event: 'tag', priority: 600 }],
  ['type=ref,event=branch', { type: 'ref', event: 'branch' }],
  ['type=ref,event=pr', { type: 'ref', event: 'pr', prefix: ['pr-'] }],
  ['type=ref,event=foo', /^type=ref needs event=branch/],
  ['type=ref', /^type=ref needs event=branch/],
  ['acustomtag', { type: 'raw', priority: 200, value: ['acustomtag'] }],
  ['type=raw', /^type=raw needs value=/],
  ['type=raw,foo', { type: 'raw', value: ['foo'] }],
  ['type=raw,value=acustomtag2', { type: 'raw', value: ['acustomtag2'] }],
  ['type=raw,enable=true,value=acustomtag4', { type: 'raw', enable: 'true' }],
  ['type=raw,enable=false,value=acustomtag5', { type: 'raw', enable: 'false' }],
  ['type=sha', { type: 'sha', priority: 100, prefix: ['sha-'], format: 'short' }],
  ['type=sha,format=long', { type: 'sha', format: 'long' }],
  ['type=sha,prefix=', { type: 'sha', prefix: [] }],
  ['type=sha,enable=false', { type: 'sha', enable: 'false' }],
  ['type=semver', /^type=semver needs pattern=/],
  ['type=match', /^type=match needs pattern=/],
  ['type=foo', /^unknown type "foo"/],
  ['type=sha,format=foo', /^type=sha knows format=short/],
]

describe(`an entry, in the ${entries.length} forms that docker/metadata-action tests`, () => {
  test.each(entries.filter(([, expected]) => !(expected instanceof RegExp)))('%s', (entry, rule) => {
    expect(parseTagRule(entry)).toMatchObject(rule)
  })

  test.each(entries.filter(([, expected]) => expected instanceof RegExp))('%s is refused: %s', (entry, message) => {
    expect(parseTagRule(entry)).toEqual(expect.stringMatching(message as RegExp))
  })
})

const none = { text: [], onLatest: false }
const flavors: [string[], object | RegExp][] = [
  [['randomstr', 'latest=auto'], /^"randomstr" is not key=value/],
  [['unknwown=foo'], /^unknown key "unknwown"/],
  [['latest'], /^"latest" is not key=value/],
  [['latest=true'], { latest: 'true', prefix: none, suffix: none }],
  [['latest=false'], { latest: 'false' }],
  [['latest=auto'], { latest: 'auto' }],
  [['latest=foo'], /^latest is auto, true or false/],
  [['prefix=sha-'], { latest: 'auto', prefix: { text: ['sha-'], onLatest: false } }],
  [['suffix=-alpine'], { suffix: { text: ['-alpine'], onLatest: false } }],
  [['latest=false', 'prefix=dev-', 'suffix=-alpine'], { latest: 'false', prefix: { text: ['dev-'] }, suffix: { text: ['-alpine'] } }],
  [['prefix=dev-,onlatest=true'], { prefix: { text: ['dev-'], onLatest: true }, suffix: none }],
  [['suffix=-alpine,onlatest=true'], { prefix: none, suffix: { text: ['-alpine'], onLatest: true } }],
  [
    ['prefix=dev-,onlatest=true', 'suffix=-alpine,onlatest=true'],
    { prefix: { text: ['dev-'], onLatest: true }, suffix: { text: ['-alpine'], onLatest: true } },
  ],
  [['prefix= '], { latest: 'auto', prefix: none, suffix: none }],
]

describe(`a flavor, in the ${flavors.length} forms that docker/metadata-action tests`, () => {
  const read = (lines: string[]): ReturnType<typeof withFlavor> =>
    lines.reduce<ReturnType<typeof withFlavor>>(
      (before, line) => (typeof before === 'string' ? before : withFlavor(before, line)),
      flavorOfRules,
    )

  test.each(flavors.filter(([, expected]) => !(expected instanceof RegExp)))('%j', (lines, flavor) => {
    expect(read(lines)).toMatchObject(flavor)
  })

  test.each(flavors.filter(([, expected]) => expected instanceof RegExp))('%j is refused: %s', (lines, message) => {
    expect(read(lines)).toEqual(expect.stringMatching(message as RegExp))
  })
})

describe('a tag rule', () => {
  test.each<[string, string]>([
    ['event=branch', 'type= is missing; if this is the rest of a rule with a comma in it, the whole rule needs quotes'],
    ['type=ref', 'type=ref needs event=branch, event=tag or event=pr'],
    ['type=ref,event=branch,main', '"main" is not key=value; a field with a comma in it stands in quotes: type=match,"pattern=\\d{1,2}"'],
    [
      String.raw`type=match,pattern=\d{1,3}.\d+`,
      '"3}.\\d+" is not key=value; a field with a comma in it stands in quotes: type=match,"pattern=\\d{1,2}"',
    ],
    ['type=raw,value=', 'type=raw with an empty value gives no tag'],
    ['type=raw', 'type=raw needs value='],
    ['type=raw,a,b', 'value stands twice: "b" is not key=value'],
    ['type=sha,format=tiny', 'type=sha knows format=short and format=long'],
    ['type=sha,event=pr', 'type=sha knows format, enable, priority, prefix, suffix, overwrite, not "event"'],
    ['type=sha,priority=high', 'priority is a whole number, not "high"'],
    ['type=sha,enable=yes', 'enable is true, false, {{is_default_branch}} or {{is_not_default_branch}}, not "yes"'],
    ['type=sha,enable={{branch}}', 'enable is true, false, {{is_default_branch}} or {{is_not_default_branch}}, not "{{branch}}"'],
    [
      "type=sha,enable=${{ github.ref == 'x' }}",
      'enable: expressions of GitHub Actions, ${{ … }}, are for workflow files: nothing replaces them here',
    ],
    [
      'type=semver,pattern={{mayor}}',
      'pattern: unknown expression {{mayor}}; did you mean {{major}}? known: {{raw}} {{version}} {{major}} {{minor}} {{patch}}',
    ],
    ['type=semver,pattern={{branch}}', 'pattern: unknown expression {{branch}}; known: {{raw}} {{version}} {{major}} {{minor}} {{patch}}'],
    [
      'type=schedule,pattern={{#if date}}x{{/if}}',
      'pattern: {{#if date}}: of Handlebars only expressions are known here: {{date}} {{commit_date}}',
    ],
    ['type=raw,value={{branch main}}', 'value: {{branch main}}: branch takes nothing'],
    [
      "type=schedule,priority=1,pattern={{date 'D, M'}}",
      `pattern: {{date 'D is not closed; an expression with a comma in it needs quotes around the whole field: "pattern={{date 'D, M'}}"`,
    ],
    ['type=raw,value={{date YYYY}}', "value: {{date YYYY}}: date is written {{date 'YYYYMMDD'}} or {{date 'YYYYMMDD' tz='Europe/Berlin'}}"],
    ["type=raw,value={{date 'yyyy'}}", "value: {{date 'yyyy'}}: yyyy has no meaning here: the year is YYYY"],
    [
      "type=raw,value={{date 'H' tz='Berlin'}}",
      `value: {{date 'H' tz='Berlin'}}: there is no time zone "Berlin"; names are those of IANA, such as Europe/Berlin`,
    ],
    ["type=raw,value={{date ''}}", "value: {{date ''}}: the format is empty"],
    ['type=match,pattern=(', 'pattern: Invalid regular expression: /(/: Unterminated group'],
    ['type=semver,pattern={{version}},match=v.*', 'match: v.* has no group: put what the version is into brackets, as in v(.*)'],
    ['type=raw,value="a"', 'value="a": quotation marks go around the whole field: "key=value, with a comma"'],
    ['type=raw,"value=a', 'a quotation mark is not closed'],
    ['"type=raw"value=a', 'a comma is missing after "type=raw"'],
    ['type=semvre,pattern={{version}}', 'unknown type "semvre"; did you mean "semver"?'],
  ])('%s is refused', (entry, message) => {
    expect(parseTagRule(entry)).toBe(message)
  })

  test('a list may be a text in lines, with remarks; what is wrong in it names its line', () => {
    const text = (flavor: string) =>
      `image: a/b\nimage-tags: |\n  # of a version\n  type=semver,pattern={{version}}\n\n  nightly\nflavor: |\n  latest=false\n  ${flavor}\n`
    expect(configOf(text('suffix=-x'))).toMatchObject({ 'image-tags': expect.stringContaining('nightly') })
    expect(problems(text('sufix=-x'))).toEqual(['launchway.yml:9:3: flavor: sufix=-x: unknown key "sufix"; did you mean "suffix"?'])
  })
})
