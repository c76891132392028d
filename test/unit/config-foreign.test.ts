import { describe, expect, test } from 'vitest'
import { configOf, problems } from './support/config.ts'

const foreign = 'expressions of GitHub Actions, ${{ … }}, are for workflow files: nothing replaces them here'
const service = (text: string): string => `image: a/b\nenvironments:\n  p: { host: h, ${text} }\n`
const image = (text: string): string => `images:\n  app:\n    repositories: [a/b]\n    ${text}\n`

describe('an expression of GitHub Actions is told as what it is', () => {
  test.each<[string, string, string[]]>([
    [
      'in env, with what to write instead',
      service('env: { A: "${{ secrets.A }}" }'),
      [`3:27: environments.p.env.A: ${foreign}; name A under secrets, and its value comes from the environment of the step`],
    ],
    ['in a build argument', image("args: { W: '${{ github.sha }}' }"), [`4:16: images.app.args.W: ${foreign}`]],
    ['in the name of an image, and not as a bad name', 'image: ghcr.io/${{ github.repository }}\n', [`1:8: image: ${foreign}`]],
    [
      'in a host, and not as a bad address',
      'image: a/b\nenvironments:\n  p: { host: "${{ secrets.HOST }}" }\n',
      [`3:14: environments.p.host: ${foreign}`],
    ],
    [
      'in an accessory',
      service('accessories: { db: { image: "x:1", env: { P: "${{ secrets.P }}" } } }'),
      [`3:62: environments.p.accessories.db.env.P: ${foreign}; name P under secrets, and its value comes from the environment of the step`],
    ],
    [
      'in the defaults',
      'image: a/b\ndefaults: { env: { A: "${{ x }}" } }\nenvironments: { p: { host: h } }\n',
      [`2:23: defaults.env.A: ${foreign}; name A under secrets, and its value comes from the environment of the step`],
    ],
    ['in variables of a test, which has no secrets', 'image: a/b\nsmoke: { env: { A: "${{ x }}" } }\n', [`2:20: smoke.env.A: ${foreign}`]],
    [
      'in a service that is called env',
      'image: a/b\nenvironments:\n  p: { host: h, services: { env: { user: "${{ x }}" } } }\n',
      [`3:42: environments.p.services.env.user: ${foreign}`],
    ],
    ['without quotes', 'image: a/b\nenvironments:\n  p:\n    host: ${{ secrets.HOST }}\n', [`4:11: environments.p.host: ${foreign}`]],
    ['in a command', service('command: [echo, "a ${{ github.sha }}"]'), [`3:33: environments.p.command.1: ${foreign}`]],
    ['in a key', 'image: a/b\nbranches: { "${{ x }}": {} }\n', [`2:13: branches.\${{ x }}: ${foreign}`]],
    [
      'beside what else is wrong, each once, by its line',
      'image: a/b\nimage-tags: |\n  type=sha\n  type=raw,value=${{ x }}\n  type=shaa\n',
      [`4:3: image-tags: ${foreign}`, '5:3: image-tags: type=shaa: unknown type "shaa"; did you mean "sha"?'],
    ],
    [
      'where a file shares it, at what takes it up',
      'x-a: &a { A: "${{ x }}" }\n' + service('env: *a'),
      [`4:22: environments.p.env.A: ${foreign}; name A under secrets, and its value comes from the environment of the step`],
    ],
  ])('%s', (_, text, expected) => {
    expect(problems(text)).toEqual(expected.map((line) => `launchway.yml:${line}`))
  })

  test('where YAML itself stumbles over it', () => {
    for (const text of ['env: { A: ${{ secrets.A }} }', 'port: ${{ vars.PORT }}']) {
      expect(problems(service(text))).toEqual([expect.stringMatching(/^launchway\.yml:3:\d+: expressions of GitHub Actions/)])
    }
  })

  test('what is none is taken as it stands', () => {
    for (const value of ['$\\{{ x }}', '{{sha}}']) expect(() => configOf(image(`labels: { a: '${value}' }`))).not.toThrow()
    for (const value of ['${X}', '{{ x }}', '$$', '$ {{ x }}']) expect(() => configOf(service(`env: { A: '${value}' }`))).not.toThrow()
    expect(() => configOf('x-note: "${{ x }}"\nimage: a/b\n')).not.toThrow()
  })
})

describe('a mistake in lines is told at its own line', () => {
  test.each<[string, string, string]>([
    ['image-tags: |', 'image: a/b\nimage-tags: |\n\n  # one\n  type=sha\n    type=shaa\n', '6:5: image-tags: type=shaa: '],
    ['flavor: |', 'image: a/b\nflavor: |  # all\n  latest=auto\n  x=y\n', '4:3: flavor: x=y: '],
    ['labels: |', image('labels: |\n      a=1\n      b'), '6:7: images.app.labels: '],
    ['with an anchor', image('labels: &l |-\n      a=1\n      b'), '6:7: images.app.labels: '],
    ['with a tag', image('labels: !!str |\n      a=1\n      b'), '6:7: images.app.labels: '],
    ['with an indentation of its own', image('labels: |4\n          a=1\n         b'), '6:10: images.app.labels: '],
    ['of a list', image('labels:\n      - c=1\n      - |\n        a=1\n        b'), '8:9: images.app.labels: '],
    ['with the line ends of Windows', 'image: a/b\r\nflavor: |\r\n  latest=auto\r\n  x=y\r\n', '4:3: flavor: x=y: '],
    [
      'of a rule of its own',
      'image: a/b\nbranches:\n  main:\n    image-tags: |\n      type=sha\n      x=y\n',
      '6:7: branches.main.image-tags: ',
    ],
    ['folded: at the text', image('labels: >\n      a=1\n\n      b'), '4:13: images.app.labels: '],
    ['in quotes: at the text', image('labels: "a=1\\nb"'), '4:13: images.app.labels: '],
    ['shared: at what takes it up', 'x-l: &l |\n  a=1\n  b\n' + image('labels: *l'), '7:13: images.app.labels: '],
  ])('%s', (_, text, expected) => {
    expect(problems(text)).toEqual([expect.stringMatching(new RegExp(`^launchway\\.yml:${expected.replace(/[.|]/g, '\\$&')}`))])
  })
})

test('a number in quotes is told to stand without them', () => {
  expect(problems(service('port: 1, publish: "80"'))).toEqual([
    'launchway.yml:3:35: environments.p.publish: must be a port, or address:port; without quotes: 80',
  ])
  expect(problems(service('port: "5000"'))[0]).toContain('; without quotes: 5000')
  expect(problems(service('port: 1, publish: "80000"'))[0]).not.toContain('quotes')
})

test('each of several options that are wrong is told, also one that is two words', () => {
  expect(
    problems(service('options: ["-p 80:80", "--name x", "foo", "--shm-size 1g", "--init"]')).map((line) => line.replace(/^.*?p: /, '')),
  ).toEqual([
    '-p among the options is not seen by launchway; use publish',
    'launchway itself decides --name',
    'option 3 begins with no "-": docker would take it for the image',
    'option 4 is one word, and docker knows no --shm-size with a space in it: [--shm-size, …]',
  ])
})

test('a key that stands twice hides no key that is unknown', () => {
  const text = 'image: a/b\nbranchs: { main: p }\nimage: a/c\nenvironments:\n  p: { host: h, hots: [x] }\n'
  expect(problems(text)).toEqual([
    'launchway.yml:2:1: unknown key "branchs"; did you mean "branches"?',
    'launchway.yml:3:1: the key "image" stands here again: map keys must be unique (the first is in line 1)',
    'launchway.yml:5:17: environments.p: unknown key "hots"; did you mean "host"?',
  ])
  expect(problems('image: a/b\nimage: a/c\nenvironments: { p: {} }\n')).toHaveLength(1)
})
