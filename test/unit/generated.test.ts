import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { folderOf } from '../../scripts/generate/actions.ts'
import { generated } from '../../scripts/generate/all.ts'
import { loadConfig } from '../../src/config/load.ts'
import { errorCodes, LaunchwayError } from '../../src/core/error.ts'
import { keysOf } from '../../src/core/objects.ts'
import { actions, inputNames, inputOf, outputTable } from '../../src/inputs.ts'
import { version } from '../../src/version.ts'
import { accepts, dereferenced } from './support/json-schema.ts'
import { runs } from './support/runs.ts'

const root = join(import.meta.dirname, '../..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')

describe('generated files', () => {
  test('are what their definitions make', () => {
    for (const { path, text } of generated()) expect(read(path)).toBe(text)
  })

  test('say so in one line, and how to make them again', () => {
    const paths = globSync(['action.yml', 'actions/*/action.yml', 'schema/*', 'docs/reference/*'], { cwd: root })
      // Made from a whole test run, and says so itself.
      .filter((path) => !['docs/reference/matrix.md', 'docs/reference/scenarios.md'].includes(path))
    for (const path of paths) expect([path, read(path).match(/run `npm run generate`/g)?.length]).toEqual([path, 1])
  })
})

/** What GitHub reads of an action.yml. @see https://docs.github.com/actions/reference/metadata-syntax-for-github-actions */
const Action = z.strictObject({
  name: z.string(),
  // The marketplace shows 125 characters.
  description: z.string().max(125),
  branding: z.strictObject({ icon: z.string(), color: z.string() }),
  inputs: z.record(z.string(), z.strictObject({ description: z.string(), required: z.boolean(), default: z.string().optional() })),
  outputs: z.record(z.string(), z.strictObject({ description: z.string() })),
  runs: z.strictObject({ using: z.literal('node24'), main: z.string() }),
})

describe.each(actions.map((action) => [folderOf(action), action] as const))('the action in %s', (folder, definition) => {
  const action = Action.parse(parse(read(join(folder, 'action.yml'))))

  test('starts an entry that dist/ has', () => {
    expect(join(folder, action.runs.main)).toBe(join('dist', `${definition.entry}.js`))
    expect(existsSync(join(root, folder, action.runs.main))).toBe(true)
  })

  test('has the inputs and outputs of its definition, and their defaults', () => {
    expect(Object.keys(action.inputs)).toEqual(definition.inputs)
    expect(Object.keys(action.outputs)).toEqual(Object.keys(outputTable))
    for (const name of definition.inputs) expect(action.inputs[name]?.default).toBe(inputOf(name).default)
  })
})

describe('actions together', () => {
  test('take every input that is read, and no other', () => {
    const taken = globSync(['action.yml', 'actions/*/action.yml'], { cwd: root }).flatMap((path) =>
      Object.keys(Action.parse(parse(read(path))).inputs),
    )
    expect(new Set(taken)).toEqual(new Set(inputNames))
  })

  test('have a folder and a README each, and no folder has none', () => {
    const stages = actions.flatMap(({ stage }) => (stage === undefined ? [] : [stage]))
    expect(globSync('actions/*', { cwd: root }).toSorted()).toEqual(stages.map((stage) => `actions/${stage}`).toSorted())
    for (const stage of stages) expect(existsSync(join(root, 'actions', stage, 'README.md'))).toBe(true)
  })
})

test('the version is that of package.json', () => {
  expect(version).toBe(z.object({ version: z.string() }).parse(JSON.parse(read('package.json'))).version)
})

describe('error codes', () => {
  test('have a page each, and no page is without a code', () => {
    const pages = globSync('docs/errors/*.md', { cwd: root }).map((path) => path.slice('docs/errors/'.length, -'.md'.length))
    expect(pages.toSorted()).toEqual(keysOf(errorCodes).toSorted())
  })

  test.each(keysOf(errorCodes))('%s has a page with its exit code, what to do, and where things stand', (code) => {
    const page = read(`docs/errors/${code}.md`)
    expect(page.split('\n')[0]).toBe(`# ${code}`)
    expect(page).toContain(`Exit code ${errorCodes[code].exit}.`)
    expect(page).toMatch(/^## What to do/m)
    expect(page).toMatch(/^## Where things stand/m)
  })
})

test('every link of the reference, the error pages and the action pages leads to a file and a heading', () => {
  const pages = globSync(['docs/reference/*.md', 'docs/errors/*.md', 'actions/*/README.md'], { cwd: root })
  const links = pages.flatMap((page) =>
    [...read(page).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)].map(([, path = '', heading]) => ({
      from: page,
      to: path === '' ? page : join(dirname(page), path),
      heading,
    })),
  )
  expect(links.length).toBeGreaterThan(10)
  const broken = links.filter(
    ({ to, heading }) => !existsSync(join(root, to)) || (heading !== undefined && !headings(read(to)).includes(heading)),
  )
  expect(broken).toEqual([])
})

/** Anchors as GitHub makes them of headings. */
function headings(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  )
}

describe('the JSON Schema of launchway.yml', () => {
  const schema = dereferenced(JSON.parse(read('schema/launchway.json')))
  const takes = (text: string): boolean => accepts(schema, parse(text, { merge: true }))
  const loads = (text: string): boolean => {
    try {
      loadConfig(text, 'launchway.yml')
      return true
    } catch (error) {
      if (error instanceof LaunchwayError && error.code === 'CONFIG_INVALID') return false
      throw error
    }
  }

  test.each([
    ['the least', 'image: a/b'],
    ['a service in its environment', 'image: a/b\nenvironments: { p: { host: h, port: 1, publish: 1, health: / } }'],
    [
      'services',
      'image: a/b\nenvironments: { p: { hosts: [h, u@h:22], services: { web: { port: 1, publish: "127.0.0.1:1" }, worker: {} } } }',
    ],
    [
      'secrets beside services of a compose project',
      'image: a/b\nenvironments: { p: { host: h, compose: c.yml, secrets: [A], services: { web: {} } } }',
    ],
    ['a branch that is not deployed', 'image: a/b\nbranches: { docker: {}, "feature/**": {} }'],
    ['one tag rule and several', 'image: a/b\nimage-tags: type=sha\ntags: { "v*": { image-tags: [type=sha, "type=raw,value=x"] } }'],
    ['x- keys at the top', 'image: a/b\nx-anything: [1, { a: null }]'],
    ['x- keys among names', 'image: a/b\nenvironments: { x-Not A Name: 1, p: { host: h, x-note: 1, env: { x-a: { b: 1 }, A: 1 } } }'],
    [
      'secrets of a compose project, beside what its services have',
      'image: a/b\nenvironments: { p: { host: h, compose: compose.yml, secrets: [A], services: { beat: { overlap: false } } } }',
    ],
    ['merge keys', 'x-s: &s { port: 1 }\nimage: a/b\nenvironments: { p: { host: h, services: { web: { <<: *s, publish: 1 } } } }'],
  ])('takes %s, as the loader does', (_, text) => {
    expect([loads(text), takes(text)]).toEqual([true, true])
  })

  test.each([
    ['neither image nor images', 'branches: {}'],
    ['image and images', 'image: a/b\nimages: { a: { repositories: [a/b] } }'],
    ['an unknown key', 'image: a/b\nenviroments: {}'],
    ['an unknown key below', 'image: a/b\nenvironments: { p: { host: h, prot: 1 } }'],
    ['a flavor that is no text', 'image: a/b\nflavor: {}'],
    ['a wrong type', 'image: a/b\nenvironments: { p: { host: h, port: web, publish: 1 } }'],
    ['a port out of range', 'image: a/b\nenvironments: { p: { host: h, port: 70000, publish: 1 } }'],
    ['a repository with a tag', 'image: a/b:latest'],
    ['a host that is an option', 'image: a/b\nenvironments: { p: { host: -oProxyCommand=id } }'],
    ['no host', 'image: a/b\nenvironments: { p: { port: 1, publish: 1 } }'],
    ['host and hosts', 'image: a/b\nenvironments: { p: { host: h, hosts: [h] } }'],
    ['an address that is no web page', 'image: a/b\nenvironments: { p: { host: h, url: "ftp://h" } }'],
    ['a name that is none', 'image: a/b\nenvironments: { "Prod EU": { host: h } }'],
    ['publish without port', 'image: a/b\nenvironments: { p: { host: h, publish: 1 } }'],
    ['port without a way in', 'image: a/b\nenvironments: { p: { host: h, port: 1 } }'],
    ['health without port', 'image: a/b\nenvironments: { p: { host: h, services: { w: { health: / } } } }'],
    ['a health path that is none', 'image: a/b\nenvironments: { p: { host: h, port: 1, publish: 1, health: healthz } }'],
    [
      'secrets beside services, without a compose project',
      'image: a/b\nenvironments: { p: { host: h, secrets: [A], services: { w: {} } } }',
    ],
    ['a service beside services', 'image: a/b\nenvironments: { p: { host: h, command: [a], services: { w: {} } } }'],
    ['a duration without a unit', 'image: a/b\nenvironments: { p: { host: h, stop-timeout: 10 } }'],
    ['a name of a variable that is none', 'image: a/b\nenvironments: { p: { host: h, secrets: [a-b] } }'],
    ['no platform at all', 'images: { a: { repositories: [a/b], platforms: [] } }'],
    ['a list', '- a'],
    ['another version', 'version: 2\nimage: a/b'],
  ])('refuses %s, as the loader does', (_, text) => {
    expect([loads(text), takes(text)]).toEqual([false, false])
  })

  test.each([
    ['a name that names nothing', 'image: a/b\nbranches: { main: nowhere }'],
    ['a tag rule', 'image: a/b\nimage-tags: type=semvre'],
    ['an image that is pushed nowhere', 'images: { a: {} }'],
    [
      'one port twice',
      'image: a/b\nenvironments: { p: { host: h, services: { a: { port: 1, publish: 1 }, b: { port: 1, publish: 1 } } } }',
    ],
    ['a secret that is also plain', 'image: a/b\nenvironments: { p: { host: h, env: { A: x }, secrets: [A] } }'],
  ])('cannot see %s: only the loader can', (_, text) => {
    expect([loads(text), takes(text)]).toEqual([false, true])
  })

  test('takes every example that there is', () => {
    const examples = globSync(['scripts/generate/examples/*.yml', 'examples/**/launchway.yml'], { cwd: root })
    expect(examples.length).toBeGreaterThanOrEqual(2)
    for (const path of examples) expect([path, loads(read(path)), takes(read(path))]).toEqual([path, true, true])
  })

  test('refuses nothing that the loader takes', () => {
    // Mostly right, so that many are taken: the properties of a service that relate to each other are what matters.
    const keys = {
      port: fc.constant(1),
      publish: fc.constantFrom<unknown>(1, '1.2.3.4:5'),
      health: fc.constantFrom<unknown>('/', { path: '/', 'x-a': 1 }),
      env: fc.oneof(fc.dictionary(fc.constantFrom('A', 'B'), fc.constantFrom<unknown>('a', 1, true)), fc.constant({ 'x-b': ['a note'] })),
      options: fc.constant(['--init']),
      'x-a': fc.anything(),
    }
    const service = fc.oneof(
      { weight: 3, arbitrary: fc.record(keys, { requiredKeys: ['port', 'publish'] }) },
      fc.record(keys, { requiredKeys: [] }),
    )
    const services = fc.dictionary(fc.constantFrom('a', 'b', 'x-c'), service)
    const environment = fc.oneof(
      service.map((own) => ({ host: 'h', ...own })),
      services.map((all) => ({ hosts: ['u@h', 'h:22'], services: all })),
      fc.record({ host: fc.constant('h'), services, keep: fc.constantFrom<unknown>(1, 0, '5') }),
    )
    const config = fc.record(
      {
        image: fc.constantFrom('a/b', 'r:5/a'),
        environments: fc.dictionary(fc.constantFrom('p', 'x-p'), environment),
        branches: fc.dictionary(fc.constantFrom('main', 'docs/**', 'x-y'), fc.constantFrom<unknown>({}, { 'image-tags': 'type=sha' })),
        'x-y': fc.anything(),
      },
      { requiredKeys: ['image'] },
    )
    let taken = 0
    fc.assert(
      fc.property(config, (value) => {
        const text = JSON.stringify(value)
        if (!loads(text)) return
        taken += 1
        expect(takes(text)).toBe(true)
      }),
      { numRuns: runs(40) },
    )
    expect(taken).toBeGreaterThan(10)
  })
})
