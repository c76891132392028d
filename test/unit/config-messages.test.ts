import { describe, expect, test } from 'vitest'
import { problems } from './support/config.ts'

const image = 'image: a/b\n'

describe('what the schema refuses is said in words', () => {
  test.each([
    ['a switch that is none', 'smoke: yes', '2:8: smoke: must be false or a mapping, not "yes"'],
    ['a list where none may be', 'scan: [x]', '2:7: scan: must be false or a mapping, not a list'],
    ['a truth value as it is spelled', 'evidence: True', '2:11: evidence: must be false or a mapping, not "True"'],
    [
      'a branch that says nothing',
      'branches: { main: }',
      '2:19: branches.main: nothing stands here: write {} to build and push without deploying, or the name of an environment',
    ],
    [
      'a tag that says nothing, in lines',
      'tags:\n  v*:',
      '3:6: tags.v*: nothing stands here: write {} to build and push without deploying, or the name of an environment',
    ],
    [
      'one of some words',
      'environments: { p: { host: h, superseded: never } }',
      '2:43: environments.p.superseded: must be "skip" or "deploy", not "never"',
    ],
    [
      'too large a number',
      'environments: { p: { host: h, port: 0x1FFFF } }',
      '2:37: environments.p.port: must be at most 65535, not "0x1FFFF"',
    ],
    ['too small a number', 'environments: { p: { host: h, keep: 0 } }', '2:37: environments.p.keep: must be at least 1, not "0"'],
    ['an empty list', 'environments: { p: { hosts: [] } }', '2:29: environments.p.hosts: must have at least 1 entry'],
    ['a path that is none', 'environments: { p: { host: h, state: lib } }', '2:38: environments.p.state: must start with "/", not "lib"'],
    [
      'an address that is none',
      'environments: { p: { host: h, url: shop } }',
      '2:36: environments.p.url: must be an address such as https://shop.example.org, not "shop"',
    ],
    [
      'a number or a text',
      'environments: { p: { host: h, publish: [1] } }',
      '2:40: environments.p.publish: must be number or string, not a list',
    ],
    [
      'a version that is not known yet',
      'version: 2',
      '2:10: version: this launchway knows version 1 alone, and is older than the file, which says 2: take a newer one, or write version: 1',
    ],
    ['a version in quotes', 'version: "1"', '2:10: version: write 1, without quotes'],
    ['a version that is none', 'version: new', '2:10: version: must be 1, not "new"'],
  ])('%s', (_, text, expected) => {
    expect(problems(`${image}${text}\n`)).toEqual([`launchway.yml:${expected}`])
  })
})

describe('what YAML reads as something else needs quotes, and that is said once', () => {
  const braces = 'YAML reads {{ as the beginning of a mapping: the entry needs quotes, as in "type=semver,pattern={{version}}"'
  const said = (what: string) => (example: string) =>
    `YAML reads {{ as the beginning of a mapping: the ${what} needs quotes, as in "${example}"`
  const [value, entry] = [said('value'), said('entry')]
  const flavor = entry('prefix={{branch}}-')
  const star = 'YAML reads what begins with * as an alias: the pattern needs quotes, as in'
  test.each([
    ['image-tags: [type=semver,pattern={{version}}, type=sha]', 2, braces],
    ['image-tags:\n  - {{version}}', 3, braces],
    ['image-tags: {{version}}', 2, braces],
    ['branches: { m: { image-tags: type=semver,pattern={{version}} } }', 2, braces],
    ['image-tags:\n- {{version}}', 3, braces],
    ['image-tags: { x: [ {{version}} ] }', 2, braces],
    ['flavor: {{branch}}', 2, flavor],
    ['flavor:\n  - prefix={{branch}}-\n  - {{branch}}', 4, flavor],
    ['images:\n  app:\n    labels:\n      build: {{sha}}', 5, value('{{sha}}')],
    ['images:\n  app:\n    labels: { created: {{date YYYY}} }', 4, value('{{date YYYY}}')],
    ["images:\n  app:\n    labels: { created: {{date 'YYYY'}} }", 4, value("{{date 'YYYY'}}")],
    ['images: { app: { labels: { a: b-{{sha}} } } }', 2, value('b-{{sha}}')],
    ['images: { app: { image-tags: x, labels: { a: {{sha}} } } }', 2, value('{{sha}}')],
    ['images: { app: { labels: { a: b }, args: { image-tags: 1, A: {{sha}} } } }', 2, value('{{sha}}')],
    ['images:\n  app:\n    annotations: [org.example.x={{sha}}, a=b]', 4, entry('org.example.x={{sha}}')],
    ['images:\n  app:\n    annotations:\n      - {{sha}}', 5, entry('org.example.key={{sha}}')],
    ['images:\n  app:\n    args: { A: {{sha}} }', 4, value('{{sha}}')],
    ['branches:\n  m:\n    image-tags:\n      - x\nimages:\n  app:\n    labels:\n      build: {{sha}}', 9, value('{{sha}}')],
    ['branches: {*: production}', 2, `${star} "*": production`],
    ['branches:\n  *: production', 3, `${star} "*": production`],
    ['branches:\n  "**": {}\n  */x: {}', 4, `${star} "*/x": {}`],
    ['tags: { v*: {}, *-rc: {} }', 2, `${star} "*-rc": {}`],
    ['branches:\n  main: {}\n  !old: {}', 4, 'YAML reads what begins with ! as a tag: "!old" needs quotes'],
  ])('%s', (text, line, says) => {
    const found = problems(`${image}${text}\n`)
    expect(found).toHaveLength(1)
    expect(found[0]).toContain(`launchway.yml:${line}:`)
    expect(found[0]).toContain(says)
  })

  test('an alias that is one, and braces in quotes or in a comment, have their own problems', () => {
    expect(problems(`${image}branches: { main: *x }\n`)).toEqual(['launchway.yml:2:19: there is no anchor &x before *x'])
    expect(problems(`${image}image-tags: ["{{version}}", b: [} # {{\n`).join('\n')).not.toContain('needs quotes')
  })
})
