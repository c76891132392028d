import { describe, expect, it } from 'vitest'
import type { HostCall } from '../../src/deploy/call.ts'
import { memoryOf, memoryWarnings } from '../../src/deploy/memory.ts'
import { container, environment, first, second, service } from './support/deploy.ts'

const facts = (text: string): string[][] => text.split('\n').map((line) => line.split('\t'))
const [web, worker, gone] = [container('web', first), container('worker', first), container('mailer', first)]
const uses = [web, worker, gone].map(({ name }, index) => `uses\t${name}\t${[150_000, 250_000, 900_000][index]}`).join('\n')
const release = { environment: environment([service(), service({ name: 'worker' })]) }

describe('the memory of a host', () => {
  it('is what it has left, and what each container has taken', () => {
    const { memory } = memoryOf(facts(`memory\t500000\n${uses}`))
    expect(memory?.available).toBe(512_000_000)
    expect(memory?.used.get(worker.name)).toBe(256_000_000)
  })

  it('is not known of a host that does not tell, and then nothing is said', () => {
    expect(memoryOf(facts('memory\t\nseen\tyes'))).toEqual({})
    expect(memoryWarnings(release, {}, [web], [])).toEqual([])
  })

  it.each<[string, number, Parameters<typeof memoryWarnings>[2], HostCall[], unknown[]]>([
    ['there is room for both', 400_000, [web, worker], [], []],
    [
      'there is none',
      399_999,
      [web, worker],
      [],
      [expect.stringMatching(/^410 MB of memory are left.*has taken 410 MB \(worker 256 MB, web 154 MB\).*overlap: false$/)],
    ],
    ['one stops first', 399_999, [web, worker], [['halt', 'worker', worker.name, '10', 'no']], []],
    ['one goes, and nothing comes in its place', 399_999, [web, gone], [], []],
    ['one does not run', 200_000, [web, { ...worker, state: 'exited' }], [], []],
    ['it is not told of one', 200_000, [web, container('worker', second)], [], []],
  ])('%s', (_, left, old, calls, said) => {
    expect(memoryWarnings(release, memoryOf(facts(`memory\t${left}\n${uses}`)), old, calls)).toEqual(said)
  })
})
