import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { read, UsageError } from '../../bench/asked.ts'
import { inTurns, spread, turn } from '../../bench/measure.ts'
import { type Program, start } from '../../bench/programs.ts'
import { replaceBlock, table } from '../../bench/report.ts'

describe('the spread of figures', () => {
  it.each([
    [[7], { p10: 7, median: 7, p90: 7 }],
    [[3, 1, 2], { p10: 1.2, median: 2, p90: 2.8 }],
    [[4, 1, 3, 2], { p10: 1.3, median: 2.5, p90: 3.7 }],
    [[10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0], { p10: 1, median: 5, p90: 9 }],
  ])('of %j is %j', (values, { p10, median, p90 }) => {
    const found = spread(values)
    expect(found.p10).toBeCloseTo(p10)
    expect(found.median).toBeCloseTo(median)
    expect(found.p90).toBeCloseTo(p90)
  })

  it('lies within the figures and is in order, whatever they are', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -1e6, max: 1e6 }), { minLength: 1 }), (values) => {
        const { p10, median, p90 } = spread(values)
        expect(
          [Math.min(...values), p10, median, p90, Math.max(...values)].every(
            (value, index, all) => index === 0 || value >= (all[index - 1] ?? 0),
          ),
        ).toBe(true)
      }),
    )
  })

  it('of nothing is refused', () => {
    expect(() => spread([])).toThrow('nothing to summarise')
  })
})

describe('rounds', () => {
  it('hold each contender once, and in the long run each begins as often as the others', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), (size) => {
        const all = Array.from({ length: size }, (_, index) => index)
        const rounds = Array.from({ length: size * 2 }, (_, round) => turn(all, round))
        for (const round of rounds) expect(round.toSorted((a, b) => a - b)).toEqual(all)
        const first = all.map((one) => rounds.filter((round) => round[0] === one).length)
        expect(first).toEqual(all.map(() => 2))
      }),
    )
  })

  it('pair each figure with the floor of its own round, so that a machine that slows down changes no ratio', async () => {
    let slowness = 1
    const slower = (ms: number) => () => ms * slowness
    const contenders = [
      { name: 'floor', run: slower(10) },
      { name: 'twice', run: slower(20) },
    ]
    const [floor, twice] = await inTurns(contenders, { count: 4, warmUp: 0, onRound: (round) => (slowness = round) })
    expect(floor?.values).toEqual([10, 20, 30, 40])
    expect(twice?.values).toEqual([20, 40, 60, 80])
    expect(twice?.ratios).toEqual([2, 2, 2, 2])
  })

  it('leave out what warms up', async () => {
    let cold = true
    const run = () => {
      const figure = cold ? 100 : 1
      cold = false
      return figure
    }
    expect(await inTurns([{ name: 'one', run }], { count: 3, warmUp: 1 })).toEqual([{ name: 'one', values: [1, 1, 1], ratios: [1, 1, 1] }])
  })
})

describe('contenders', () => {
  it('of the same name are refused, since their figures would mix', async () => {
    const one = { name: 'plan', run: () => 1 }
    await expect(inTurns([one, { ...one }], { count: 1, warmUp: 0 })).rejects.toThrow('the same name')
  })
})

describe('two rounds', () => {
  it('after each other go there and back, so that each contender has followed both its neighbours', () => {
    expect([0, 1, 2, 3].map((round) => turn(['a', 'b', 'c'], round).join(''))).toEqual(['abc', 'acb', 'bca', 'bac'])
  })
})

describe('a started program', () => {
  const folder = mkdtempSync(join(tmpdir(), 'launchway-bench-test-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const program = (script: string, after: () => void = () => {}): Program => {
    const file = join(folder, 'program.cjs')
    writeFileSync(file, script)
    return { name: 'it', file, env: {}, caches: false, before() {}, after }
  }
  const at = { cwd: folder, cache: folder }

  it('that fails is no figure: its last words are said', () => {
    expect(() => start(program('console.log("no disk"); process.exitCode = 3'), at)).toThrow(/it ended with 3:\nno disk/)
  })

  it('that ends well without having done its work is no figure either', () => {
    const unfinished = () => {
      throw new Error('it wrote no summary')
    }
    expect(() => start(program('', unfinished), at)).toThrow('it wrote no summary')
  })
})

describe('the page of figures', () => {
  const page = '# Bench\n<!-- start -->\nold\n<!-- /start -->\nafter\n'

  it('gets the newest in the place of the last, and keeps the rest', () => {
    const once = replaceBlock(page, 'start', 'new')
    expect(once).toBe('# Bench\n<!-- start -->\nnew\n<!-- /start -->\nafter\n')
    expect(replaceBlock(once, 'start', 'new')).toBe(once)
  })

  it.each([['other'], ['star']])('without a place for %s is refused', (name) => {
    expect(() => replaceBlock(page, name, 'new')).toThrow(`<!-- ${name} -->`)
  })

  it('has tables whose columns line up', () => {
    expect(
      table(
        ['', 'ms'],
        [
          ['plan', '12.5'],
          ['a long name', '7'],
        ],
      ),
    ).toBe(['|             |   ms |', '|-------------|-----:|', '| plan        | 12.5 |', '| a long name |    7 |'].join('\n'))
  })
})

describe('the bench at the command line', () => {
  it.each([
    [['strat'], 'There is no bench "strat". Did you mean start?'],
    [['toString'], 'There is no bench "toString".'],
    [[], 'Name a bench.'],
    [['start', '--rounds', 'few'], '--rounds takes a whole number from 1'],
    [['start', '--peer', 'login'], '--peer takes NAME=FILE, not "login"'],
    [['start', '--fast'], "Unknown option '--fast'"],
  ])('refuses %j before it measures anything', (args, message) => {
    expect(() => read(args)).toThrow(expect.objectContaining({ constructor: UsageError, message: expect.stringContaining(message) }))
  })
})
