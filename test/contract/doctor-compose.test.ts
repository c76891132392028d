import { describe, expect, test } from 'vitest'
import { plain, tree } from './support/doctor.ts'

describe('doctor has compose read its files', () => {
  test('and names every variable that nobody gives, by its line, and what compose refuses besides', async () => {
    await using folder = await tree({
      'compose.yaml':
        'services:\n  app:\n    build: .\n    # ${OLD:?}\n    environment:\n      A: ${DB_PASSWORD:?is needed}\n      B: ${TITLE}\n      C: ${GIVEN} $$NOT ${WITH:-x} ${FROM_FILE}\n    ports: ["${PORT:?}:5000"]\n    depends_on: [cache]\n',
      // The mark is what editors of Windows begin a file with, and compose does not take for a part of the name.
      '.env': '\uFEFFFROM_FILE=1\n',
    })
    const { said, findings, counts } = await folder.findings({ env: { GIVEN: 'y' } })
    expect(said.filter((line) => line.includes(' compose-')).toSorted()).toEqual([
      'error compose-invalid: docker compose cannot read compose.yaml',
      'error compose-variable: DB_PASSWORD is required and has no value here',
      'error compose-variable: PORT is required and has no value here',
      'warning compose-variable: TITLE has no value here, and counts as empty',
    ])
    const places = findings.filter(({ rule }) => rule === 'compose-variable').map(({ where }) => where['line'])
    expect(places.toSorted()).toEqual([6, 7, 9])
    expect(findings.find(({ rule }) => rule === 'compose-invalid')).toMatchObject({
      where: { file: 'compose.yaml', line: 10, column: 5 },
      fix: expect.stringContaining('cache'),
    })
    expect(counts.error).toBe(3)
    // A folder that a variable names is none that compose could miss.
    const mounted = 'services:\n  app:\n    image: shop:1\n    volumes: ["${CONFIG_DIR:?}:/camcops/cfg"]\n'
    await using other = await tree({ 'compose.yaml': mounted })
    const all = (await other.findings()).said.filter((line) => line.includes(' compose-'))
    expect(all).toEqual(['error compose-variable: CONFIG_DIR is required and has no value here'])
  })

  test.each<[words: string, compose: string, line: unknown]>([
    ['foo is not allowed', 'services:\n  app:\n    image: shop:1\n    foo: 1\n', 4],
    ['yaml: ', 'services:\n  app:\n    image: shop:1\n   bad: [\n', 4],
    ['undefined volume data', 'services:\n  app:\n    image: shop:1\n    volumes: ["data:/x"]\n', 4],
    ['neither an image', 'services:\n  one: { image: shop:1 }\n  app: {}\n', 3],
    ['gone.env not found', 'services:\n  app:\n    image: shop:1\n    env_file: gone.env\n', 4],
    ['containerPort: abc', 'services:\n  app:\n    image: shop:1\n    ports: ["abc"]\n', 4],
    // A circle begins anywhere.
    [
      'wait for each other',
      'services:\n  b: { image: shop:1, depends_on: [a] }\n  a: { image: shop:1, depends_on: [b] }\n',
      expect.any(Number),
    ],
  ])('and says where the line is that compose does not name: %s', async (words, compose, line) => {
    await using folder = await tree({ 'compose.yaml': compose })
    const found = (await folder.findings()).findings.filter(({ rule }) => rule === 'compose-invalid')
    expect(found).toHaveLength(1)
    expect(`${found[0]?.what} ${found[0]?.fix}`).toContain(words)
    expect(found[0]?.where).toMatchObject({ file: 'compose.yaml', line })
  })

  test('and does not ask about what is not there', async () => {
    await using folder = await tree({ 'launchway.yml': `${plain['launchway.yml']}smoke: { compose: gone.yml }\n` })
    const { findings } = await folder.findings()
    expect(findings.filter(({ topic }) => topic === 'compose').map(({ rule, where }) => [rule, where])).toEqual([
      ['compose-file-missing', { file: 'launchway.yml', line: 3, column: 19 }],
    ])
  })
})
