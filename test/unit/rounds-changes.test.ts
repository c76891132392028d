import { describe, expect, it } from 'vitest'
import { Changes } from '../../src/rounds/changes.ts'
import { OwnWrites } from '../../src/rounds/own-writes.ts'
import type { Place } from '../../src/rounds/places.ts'
import { fakeClock } from '../fakes/clock.ts'
import { localPorts } from './support/ports.ts'

describe('changes', () => {
  const never = new AbortController().signal

  it('that come one shortly after the other are one', async () => {
    const [changes, clock] = [new Changes(), fakeClock()]
    const taken = changes.take(clock, never)
    for (const path of ['/b', '/a', '/b', '/c']) {
      changes.add(path)
      await clock.sleep(100)
    }
    expect(await taken).toEqual(['/a', '/b', '/c'])
    expect(changes.waiting()).toEqual([])
  })

  it('that never end are told all the same', async () => {
    const [changes, clock] = [new Changes(), fakeClock()]
    const stop = new AbortController()
    const write = async (): Promise<void> => {
      for (let count = 0; !stop.signal.aborted; count += 1) {
        changes.add(`/${count}`)
        await clock.sleep(50)
      }
    }
    const writing = write()
    expect((await changes.take(clock, never)).length).toBeGreaterThan(10)
    stop.abort()
    await writing
  })

  it('that are looked at stay for who takes them', async () => {
    const [changes, clock] = [new Changes(), fakeClock()]
    changes.add('/a')
    await changes.calm(clock, never)
    expect(changes.waiting()).toEqual(['/a'])
    expect(await changes.take(clock, never)).toEqual(['/a'])
  })

  it('are not waited for when the run ends', async () => {
    const stop = new AbortController()
    const taken = new Changes().take(fakeClock(), stop.signal)
    stop.abort(new Error('the end'))
    await expect(taken).rejects.toThrow('the end')
  })
})

describe('what is written to a folder that containers may write to', () => {
  const places: Place[] = [{ kind: 'files', path: '/app/data', isTree: true, isOpen: true }]
  const all = [...places, { kind: 'compose' as const, path: '/app/compose.yml', isTree: false }]

  /** @param git what `git check-ignore` and `git ls-files` say; undefined where there is no repository */
  function sorter(git: { ignored: string[]; tracked: string[] } | undefined) {
    const { ports, warnings } = localPorts('/app')
    const own = new OwnWrites()
    const answer = (fields: string[]) => ({
      code: git === undefined ? 128 : 0,
      stdout: fields.map((one) => `${one}\0`).join(''),
      stderr: '',
      ms: 0,
    })
    const examined = (git?.ignored ?? []).flatMap((path) => ['.gitignore', '1', '*', path])
    const exec: typeof ports.exec = {
      ...ports.exec,
      run: ({ args }) => Promise.resolve(answer(args.includes('check-ignore') ? examined : (git?.tracked ?? []))),
    }
    return { sort: (...paths: string[]) => own.sort(paths, all, { ...ports, exec }), warnings }
  }

  it('counts where git has it, each time', async () => {
    const { sort } = sorter({ ignored: [], tracked: ['data/app.py'] })
    for (let round = 0; round < 3; round += 1) expect(await sort('/app/data/app.py')).toEqual(['/app/data/app.py'])
  })

  it('does not where git ignores it', async () => {
    expect(await sorter({ ignored: ['data/app.log'], tracked: [] }).sort('/app/data/app.log')).toEqual([])
  })

  it.each([{ ignored: [], tracked: [] }, undefined])(
    'counts twice where git knows nothing of it, whatever its name, and not the third time alone',
    async (git) => {
      const { sort, warnings } = sorter(git)
      expect(await sort('/app/data/db.1')).toEqual(['/app/data/db.1'])
      expect(await sort('/app/data/db.2')).toEqual(['/app/data/db.2'])
      expect(await sort('/app/data/db.3')).toEqual([])
      expect(await sort('/app/data/db.3')).toEqual([])
      expect(warnings).toEqual([expect.stringMatching(/^what is new in data is written by the stack itself/)])
    },
  )

  it('counts beside that, where git has it', async () => {
    const { sort } = sorter({ ignored: [], tracked: ['data/app.py'] })
    for (let time = 0; time < 3; time += 1) await sort('/app/data/db')
    expect(await sort('/app/data/app.py', '/app/data/db')).toEqual(['/app/data/app.py'])
  })

  it('counts again where something else has changed meanwhile', async () => {
    const { sort, warnings } = sorter({ ignored: [], tracked: [] })
    for (let time = 0; time < 2; time += 1) {
      expect(await sort('/app/data/db')).toEqual(['/app/data/db'])
      expect(await sort('/app/data/db')).toEqual(['/app/data/db'])
      expect(await sort('/app/compose.yml', '/app/data/db')).toEqual(['/app/compose.yml', '/app/data/db'])
    }
    expect(warnings).toEqual([])
  })
})
