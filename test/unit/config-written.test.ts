import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { resolveEnvironment } from '../../src/config/resolve.ts'
import { resolveImages } from '../../src/config/resolve-image.ts'
import { configOf, problems } from './support/config.ts'
import { runs } from './support/runs.ts'

const image = 'image: a/b\n'

/** What YAML takes for a number or a truth value, in every spelling. */
const numberLike = fc.oneof(
  fc.constantFrom('3.10', '1.20', '012345678901', '12345678901234567890', '0x1F', '0o17', '1e3', '1E+2', '.5', '+7', '-0', '-.inf', '.NaN'),
  fc.constantFrom('true', 'True', 'TRUE', 'False', '0.0', '00', '1.', '6.02e23', '1_000', '2026-11-23', '12:30'),
  fc.stringMatching(/^[-+]?\d{1,25}$/),
  fc.stringMatching(/^[-+]?\d{1,5}\.\d{1,5}([eE][-+]?\d{1,3})?$/),
  fc.stringMatching(/^0x[0-9a-fA-F]{1,12}$/),
)

describe('what looks like a number, where text is meant, stays as it is written', () => {
  test('as a value: arguments, variables, labels, annotations, options of a log', () => {
    fc.assert(
      fc.property(numberLike, (text) => {
        const config = configOf(
          `images: { app: { repositories: [a/b], args: { A: ${text} }, labels: { l: ${text} }, annotations: { n: ${text} } } }
environments: { p: { host: h, env: { E: ${text} }, logging: { driver: x, options: { o: ${text} } } } }
smoke: { env: { S: ${text} } }
`,
        )
        expect(resolveImages(config)[0]).toMatchObject({ args: { A: text }, labels: { l: text }, annotations: { n: text } })
        expect(config).toMatchObject({ smoke: { env: { S: text } } })
        expect(resolveEnvironment(config, 'p', undefined)?.services[0]).toMatchObject({
          env: { E: text },
          logging: { options: { o: text } },
        })
      }),
      { numRuns: runs(30) },
    )
  })

  test('as a key: branches and tags, build arguments, labels', () => {
    fc.assert(
      // What no branch can be called is refused for that.
      fc.property(
        numberLike.filter((text) => !/:|\.$/.test(text)),
        (text) => {
          const config = configOf(
            `images: { app: { repositories: [a/b], args: { ${text}: x }, labels: { ${text}: x } } }\nbranches: { ${text}: {} }\ntags: { ${text}: {} }\n`,
          )
          expect(Object.keys(config.branches ?? {})).toEqual([text])
          expect(Object.keys(config.tags ?? {})).toEqual([text])
          expect(resolveImages(config)[0]).toMatchObject({ args: { [text]: 'x' }, labels: { [text]: 'x' } })
        },
      ),
      { numRuns: runs(30) },
    )
  })

  test('through anchors, merges and defaults', () => {
    const config = configOf(`x-env: &env { A: 3.10, B: &b 0x1F }
${image}defaults: { env: { D: 1e3 } }
environments: { p: { host: h, env: { <<: *env, C: *b } } }
`)
    expect(config.environments?.['p']?.env).toEqual({ A: '3.10', B: '0x1F', C: '0x1F', D: '1e3' })
  })

  test('two keys that are one number are two names', () => {
    const config = configOf(`${image}branches: { 1.1: {}, 1.10: { image-tags: type=sha } }\n`)
    expect(Object.keys(config.branches ?? {})).toEqual(['1.1', '1.10'])
  })
})

test.each([
  ['a number where a number is meant', 'port: 0x1F90, publish: 8080', { port: 8080, publish: 8080 }],
  ['a truth value', 'port: 1, publish: 1, privileged: True', { privileged: true }],
])('%s is one, however it is spelled', (_, keys, expected) => {
  expect(configOf(`${image}environments: { p: { host: h, ${keys} } }\n`).environments?.['p']).toMatchObject(expected)
})

test.each([
  ['a name', 'user: 012345678901', 'launchway.yml:2:37: environments.p.user: expected string, received number "012345678901"'],
  ['a list', 'command: [run, 1.10]', 'launchway.yml:2:46: environments.p.command.1: expected string, received number "1.10"'],
])('a message shows what stands in the file: %s', (_, keys, expected) => {
  expect(problems(`${image}environments: { p: { host: h, ${keys} } }\n`)).toEqual([expected])
})

test('a message shows what stands in the defaults', () => {
  expect(problems(`${image}defaults: { user: 1.10 }\nenvironments: { p: { host: h, port: 1, publish: 1 } }\n`)).toEqual([
    'launchway.yml:2:19: defaults.user: expected string, received number "1.10"',
  ])
})
