import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bakeDefinition } from '../../src/build/plan.ts'
import { loadConfig } from '../../src/config/load.ts'
import { LaunchwayError } from '../../src/core/error.ts'
import { candidates } from '../../src/core/names.ts'
import { PlanSection } from '../../src/core/release.ts'
import { showPlan } from '../../src/plan/index.ts'
import { plan } from '../../src/plan/plan.ts'
import { triggerOf } from '../../src/plan/trigger.ts'
import * as git from '../../src/tools/git.ts'
import { anyText } from '../support/text.ts'
import { runs } from './support/runs.ts'

/** Names that somebody may give to a branch, tag, repository or environment, and that nobody should. */
const known = [
  '$(touch x)',
  '`id`',
  '; rm -rf /',
  '&& id',
  '| id',
  '> /etc/passwd',
  '"; id; "',
  "'; id; '",
  '${IFS}id',
  '\\',
  '--help',
  '-oProxyCommand=id',
  '--upload-pack=id',
  '../../etc/passwd',
  '/etc/passwd',
  './.',
  '..',
  '.',
  '-',
  '_',
  '~root',
  'C:\\x',
  'a\0b',
  'a\nb',
  'a\r\nb',
  '\u001b[31mred',
  '\u0007',
  '\u202egnp.exe',
  '\u200b',
  '\ufeffmain',
  'ветка',
  '枝',
  '🚢',
  'é',
  'e\u0301',
  'ﬁ',
  'İ',
  'ß',
  '\ud800',
  'main\ud800',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '%00',
  '%2e%2e%2f',
  '{{sha}}',
  '{{{{',
  '}}',
  '{{#if x}}',
  '${{ secrets.X }}',
  '::set-output name=x::y',
  '##[error]x',
  '*',
  '**',
  '?',
  '[a-z]',
  '(a+)+$',
  'a'.repeat(10_000),
  '-'.repeat(10_000),
  '/'.repeat(10_000),
  'я'.repeat(5_000),
  'refs/heads/main',
  'HEAD',
  'launchway-env-production',
  'sha256-'.padEnd(71, '0'),
  'latest',
  'v1.0.0',
  'v1.0.0-'.padEnd(10_000, '1'),
  '1!2.0+local',
  'v9999999999999999999.0.0',
  '<script>',
  '|a|b|',
  '<!-- -->',
  '![x](y)',
  ' ',
  '\t',
  'a b',
  'a,b',
  'a=b',
  'type=raw,value=x',
  '#',
  '@',
  ':',
  'x:y',
  'user@host',
  'true',
  'null',
  '0',
]
const part = fc.oneof(fc.constantFrom(...known), anyText({ maxLength: 40 }), fc.string({ unit: 'grapheme', maxLength: 40 }))
const name = fc.oneof(
  { weight: 2, arbitrary: part },
  fc.array(part, { minLength: 2, maxLength: 3 }).map((parts) => parts.join('/')),
  fc.array(part, { minLength: 2, maxLength: 3 }).map((parts) => parts.join('')),
)

const dockerTag = /^\w[\w.-]{0,127}$/
const sha = '4f2a9c1d2e3b4a5968778695a4b3c2d1e0f01234'
const rules = [
  "type=schedule,pattern={{date 'YYYYMMDD'}}-{{commit_date 'HH'}}",
  'type=ref,event=branch',
  'type=ref,event=tag,suffix=-alpine',
  'type=ref,event=pr',
  'type=semver,pattern={{version}}',
  'type=pep440,pattern={{major}}',
  'type=match,pattern=.+',
  'type=edge',
  'type=raw,value={{branch}}-{{tag}}-{{base_ref}}',
  'type=sha,prefix={{branch}}-',
]

function textOf(images: string[] | undefined): string {
  return JSON.stringify({
    image: 'ghcr.io/team/app',
    branches: { '**': 'p' },
    tags: { '**': 'p' },
    ...(images === undefined ? {} : { 'image-tags': images, flavor: ['latest=true', 'prefix={{branch}}'] }),
    environments: { p: { host: 'h', port: 1, publish: 1 } },
  })
}
const configs = [undefined, ...rules.map((rule) => [rule])].map((images) => loadConfig(textOf(images), 'launchway.yml'))

/** What came of it, or a refusal of this kind; all else is thrown. */
function attempt<T>(code: string, call: () => T): T | LaunchwayError {
  try {
    return call()
  } catch (error) {
    if (error instanceof LaunchwayError && error.code === code) return error
    throw error
  }
}

/** @returns whether there is a plan, and not a refusal */
function isPlanned(text: string, base: string, event: string, kind: string, config: (typeof configs)[number]): boolean {
  const payload = {
    ...(event === 'release' ? { action: 'published', release: { tag_name: text } } : {}),
    ...(event === 'pull_request' ? { pull_request: { number: 7, head: { sha }, base: { ref: base } } } : {}),
    base_ref: base,
    repository: { name: text, default_branch: base, description: text, html_url: text, license: { spdx_id: text } },
  }
  const env = { GITHUB_EVENT_NAME: event, GITHUB_REF: `refs/${kind}/${text}`, GITHUB_SHA: sha }
  const outcome = attempt('USAGE', () => plan(config, triggerOf(env, JSON.stringify(payload)), { facts: { now: new Date(0) } }))
  if (outcome instanceof LaunchwayError) return false
  for (const tag of outcome.tags) expect(tag).toMatch(dockerTag)
  // What is kept and handed on is what the schema takes, and comes back from JSON as it was.
  expect(PlanSection.parse(JSON.parse(JSON.stringify(outcome)))).toEqual(JSON.parse(JSON.stringify(outcome)))
  // What a person reads is one line each, without what a terminal would obey.
  const shown = showPlan({
    version: 1,
    id: '20261121-101500-4f2a9c1',
    app: 'app',
    created: '',
    outcome: { state: 'running' },
    plan: outcome,
  })
  expect(shown.split('\n').length).toBeLessThan(40)
  expect(shown.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202e\u2028]/u)
  // The build is told by a document, not by words: only names of images and keys stand on a command line.
  const definition = bakeDefinition(outcome.images, new Map([['app', '0'.repeat(32)]]), outcome)
  expect(definition.target['app']?.tags).toEqual(candidates({ repositories: ['ghcr.io/team/app'] }, '0'.repeat(32)))
  return true
}

/** What is taken, by where it stands. */
const takenAs: Record<string, RegExp> = {
  environment: /^[a-z0-9][a-z0-9_-]{0,39}$/,
  service: /^[a-z0-9][a-z0-9_-]{0,39}$/,
  repository: /^[a-zA-Z0-9._:/-]+$/,
  host: /^[\w@.:[\],-]+$/,
}

/** @returns whether it is taken, and not refused */
function isTaken(text: string, where: string): boolean {
  const config = {
    image: where === 'repository' ? text : 'ghcr.io/team/app',
    branches: { [where === 'pattern' ? text : 'main']: where === 'target' ? text : 'p' },
    environments: {
      p: { host: where === 'host' ? text : 'h', services: { [where === 'service' ? text : 'web']: { port: 1, publish: 1 } } },
      ...(where === 'environment' ? Object.fromEntries([[text, { host: 'h', port: 1, publish: 1 }]]) : {}),
    },
  }
  const outcome = attempt('CONFIG_INVALID', () => loadConfig(JSON.stringify(config), 'launchway.yml'))
  expect(outcome instanceof LaunchwayError || takenAs[where]?.test(text) !== false).toBe(true)
  if (!(outcome instanceof LaunchwayError)) return true
  expect([outcome.code, outcome.hint?.split('\n')[0]]).toEqual(['CONFIG_INVALID', expect.stringMatching(/^launchway\.yml:\d+:\d+: /)])
  return false
}

// Some 500 different names at every run of both tests, and thousands in the campaign.
describe('whatever a name is', () => {
  test('of a branch, tag or base, known bad ones and any other: every tag is one, or it is refused', () => {
    const counts = { planned: 0, refused: 0 }
    const tried = new Set<string>()
    const check = (...of: Parameters<typeof isPlanned>): void => {
      for (const one of of.slice(0, 2)) if (typeof one === 'string') tried.add(one)
      counts[isPlanned(...of) ? 'planned' : 'refused'] += 1
    }
    // Each with some of the rules, and in the campaign with all of them.
    const some = Math.min(configs.length, runs(2))
    for (const [index, text] of known.entries())
      for (const [at, config] of configs.entries()) if ((at + index) % configs.length < some) check(text, text, 'push', 'heads', config)
    fc.assert(
      fc.property(
        name,
        name,
        fc.constantFrom('push', 'workflow_dispatch', 'release', 'pull_request', 'merge_group', 'schedule'),
        fc.constantFrom('heads', 'tags'),
        fc.constantFrom(...configs),
        check,
      ),
      { numRuns: runs(200) },
    )
    expect([tried.size > 300, counts.planned > 100, counts.refused > 0]).toEqual([true, true, true])
  })

  test('what asks git is one word of an argument list each, and no word of the name begins one', () => {
    fc.assert(
      fc.property(name, (text) => {
        const ref = `refs/heads/${text}`
        for (const command of [git.remoteRef(ref, '/w'), git.shaOf(ref, '/w')]) {
          expect(command.file).toBe('git')
          expect(command.args.filter((word) => word.includes(ref))).toHaveLength(1)
          expect(
            command.args.every((word) => !word.startsWith('-') || !word.includes(text) || text === '' || /^-+[a-z-]*$/.test(word)),
          ).toBe(true)
          expect(command.stdin).toBeUndefined()
        }
      }),
    )
  })

  test('of an environment, image, service or repository in launchway.yml: it is taken as it is, or refused with its place', () => {
    const counts = { taken: 0, refused: 0 }
    const tried = new Set<string>()
    const check = (...of: Parameters<typeof isTaken>): void => {
      tried.add(of[0])
      counts[isTaken(...of) ? 'taken' : 'refused'] += 1
    }
    const places = ['repository', 'pattern', 'target', 'host', 'service', 'environment']
    // Each in some of the places, and in the campaign in all of them.
    const some = Math.min(places.length, runs(3))
    for (const [index, text] of known.entries())
      for (const [at, where] of places.entries()) if ((at + index) % places.length < some) check(text, where)
    fc.assert(fc.property(name, fc.constantFrom(...places), check), { numRuns: runs(250) })
    expect([tried.size > 200, counts.taken > 25, counts.refused > 150]).toEqual([true, true, true])
  })
})
