import { describe, expect, it } from 'vitest'
import { placeOfRefusal } from '../../src/tools/compose-place.ts'

const web = 'services:\n  web:\n    image: x\n    foo: 1\n    ports: ["abc"]\n    depends_on: [cache]\n    env_file: gone.env\n'

/** In the words of compose 2.26, but for the last rows. */
describe('the place that compose means', () => {
  it.each<[said: string, line: number | undefined, column: number | undefined]>([
    ['validating /r/compose.yaml: services.web Additional property foo is not allowed', 4, 5],
    ['validating /r/compose.yaml: services.web.ports.0 must be a string', 5, 13],
    ['validating /r/compose.yaml: (root) Additional property services is not allowed', 1, 1],
    ['service "web" depends on undefined service "cache": invalid compose project', 6, 5],
    ['service "web" refers to undefined network n: invalid compose project', 2, 3],
    ['service "web" has neither an image nor a build context specified: invalid compose project', 2, 3],
    ["decoding failed due to the following error(s):\n\nerror decoding 'services[web].image': invalid", 3, 5],
    ['Invalid containerPort: abc', 5, undefined],
    ['env file /r/gone.env not found: stat /r/gone.env: no such file or directory', 7, undefined],
    ['cannot extend service "web" in /r/compose.yaml: service "a" not found', 2, 3],
    ['validating /r/compose.yaml: something new', undefined, undefined],
  ])('%s', (said, line, column) => {
    expect(placeOfRefusal(said, [{ path: '/r/compose.yaml', text: web }], '/r')).toEqual({
      file: 'compose.yaml',
      ...(line === undefined ? {} : { line }),
      ...(column === undefined ? {} : { column }),
    })
  })

  it('of what is no YAML is where that ends, and not where compose counts', () => {
    const texts = ['services:\n  web:\n    image: x\n   bad: [\n', 'services:\n  web:\n    image: x\n    image: y\n']
    const places = texts.map((text) => placeOfRefusal('yaml: line 1: did not find', [{ path: '/r/a/c.yml', text }], '/r'))
    expect(places).toEqual([
      { file: 'a/c.yml', line: 4, column: 1 },
      { file: 'a/c.yml', line: 4, column: 5 },
    ])
  })

  it('is in the file that it names, else in the last that has it', () => {
    const sources = ['a', 'b', 'c'].map((name) => ({ path: `/r/${name}.yml`, text: `services:\n  ${name === 'c' ? 'x' : 'web'}: {}\n` }))
    expect(placeOfRefusal('validating /r/a.yml: services.web Additional property foo is not allowed', sources, '/r')?.file).toBe('a.yml')
    expect(placeOfRefusal('service "web" has neither an image', sources, '/r')?.file).toBe('b.yml')
    expect(placeOfRefusal('open /r/gone.yml: no such file or directory', sources, '/r')).toBeUndefined()
    expect(placeOfRefusal('something else', sources, '/r')).toBeUndefined()
  })
})
