import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseRelease } from '../../src/core/release.ts'
import { bare, type Ended, through } from './support/doors.ts'
import { compose, leftovers, recordedTree, repository, web, withImage } from './support/smoke.ts'

withImage()

/** Calls a door in that tree, in a process of its own, while others run. */
function opened(door: string, args: readonly string[], root: string, env: Record<string, string> = {}): Promise<Ended> {
  const around = { cwd: root, env: bare({ XDG_CACHE_HOME: join(root, '.cache'), ...env }) }
  return new Promise((resolve) => {
    const child = execFile(process.execPath, through(door, args), around, (_, out, err) => resolve({ code: child.exitCode, out, err }))
  })
}

const worker = `worker: { image: "${repository}", command: [sh, -c, "echo ready; exec sleep 1000"] }`
const checks = 'checks: [{ http: "http://web:8000/", name: front page }, { log: worker, matches: ready, name: at work }]'

/** `launchway smoke` of a stack that works, as often as it is called. */
function stack(smoke = checks) {
  const { root, record } = recordedTree({ files: compose(`${web}\n${worker}`), smoke })
  const smoked = (...flags: string[]): Promise<Ended> => opened('cli', ['smoke', '--release', record, ...flags], root)
  const kept = () => parseRelease(readFileSync(record, 'utf8'), record).smoke
  return { record, smoked, kept }
}

// They wait for their stacks, each for its own.
describe.concurrent('launchway smoke at a terminal', () => {
  it('says what it asked, and the next time that it has passed earlier; --fresh asks again', async () => {
    const { smoked, kept } = stack()
    expect(await smoked()).toMatchObject({ code: 0, out: expect.stringMatching(/passed: 2 checks in .*\nrecord: /) })
    expect(kept()).toMatchObject({ verdict: 'passed', checks: [{ passed: true }, { passed: true }] })

    const again = await smoked()
    expect(again).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^passed earlier, \d{4}-.*Z, \S+@\S+ \(2 checks\); --fresh repeats it\nrecord: /),
    })
    expect(again.err).not.toContain('up in')
    expect(kept()?.earlier).toBeDefined()

    const fresh = await smoked('--fresh')
    expect(fresh.out).not.toContain('earlier')
    expect(fresh.err).toContain('up in')
    expect(kept()?.earlier).toBeUndefined()
    expect(await leftovers(kept()?.project)).toEqual([])
  })

  it('--only asks one check, and leaves the record as it was', async () => {
    const { record, smoked } = stack(checks.replace('/", name', '/no", timeout: 1s, name'))
    const before = readFileSync(record, 'utf8')
    expect(await smoked('--only', 'at work')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/passed: 1 check in .*; the record says nothing of it\n$/),
    })
    expect(readFileSync(record, 'utf8')).toBe(before)
    const red = await smoked('--only', 'front page')
    expect(red).toMatchObject({ code: 3, err: expect.stringContaining('the check "front page" failed') })
    expect(readFileSync(record, 'utf8')).toBe(before)
    // All of them are the test: that is kept.
    expect((await smoked()).code).toBe(3)
    expect(readFileSync(record, 'utf8')).not.toBe(before)
  })

  it('--keep leaves the stack with its ports after its end, and --down takes it down', async () => {
    const { smoked, kept } = stack()
    const { code, err } = await smoked('--keep')
    expect(code).toBe(0)
    const project = kept()?.project ?? ''
    try {
      const [, address = ''] = /web: (127\.0\.0\.1:\d+) is its 8000\/tcp/.exec(err) ?? []
      expect(await (await fetch(`http://${address}/`)).text()).toBe('it works\n')
      expect(err).toContain('down:  launchway smoke --down')
      expect(await leftovers(project)).not.toEqual([])
    } finally {
      expect(await smoked('--down')).toMatchObject({ code: 0, out: `taken down: ${project}\n` })
    }
    expect(await leftovers(project)).toEqual([])
    expect(await smoked('--down')).toMatchObject({ code: 0, out: 'nothing was kept from here\n' })
  })

  it('--scale starts so many for once: neither the record nor what is remembered of the plan speaks of it', async () => {
    const { record, smoked } = stack()
    expect((await smoked()).code).toBe(0)
    const before = readFileSync(record, 'utf8')
    const scaled = await smoked('--scale', 'worker=3', '--json')
    expect(scaled.code).toBe(0)
    const { smoke } = parseRelease(scaled.out, 'the answer')
    expect(smoke).toMatchObject({ verdict: 'passed', services: ['web', 'worker-1', 'worker-2', 'worker-3'].map((name) => ({ name })) })
    expect(smoke?.earlier).toBeUndefined()
    expect(readFileSync(record, 'utf8')).toBe(before)
    // Each is remembered by itself.
    expect((await smoked('--scale', 'worker=3')).out).toMatch(/^passed earlier, .*; the record says nothing of it\n$/)
    expect((await smoked()).out).toMatch(/^passed earlier, /)
  })

  it.each([
    ['nobody=3', 'scale names a service nobody, which compose.yml does not have', 'There are: web, worker.'],
    ['wroker=3', 'scale names a service wroker, which compose.yml does not have', 'Did you mean "worker"?'],
    ['worker', '--scale takes a service and how many containers of it, not "worker"', '--scale worker=3'],
    ['worker=0', '--scale takes a service and how many containers of it, not "worker=0"', '--scale worker=3'],
  ])('--scale %s is refused', async (scale, message, hint) => {
    const { smoked } = stack()
    const { code, err } = await smoked('--scale', scale)
    expect(code).toBe(2)
    expect(err).toContain(message)
    expect(err).toContain(hint)
    expect(err).not.toContain('up in')
  })
})

describe('an action step', () => {
  it('that finds that the same has passed says so with the address of that run', async () => {
    const { root, record } = recordedTree({ files: compose(web) })
    const run = (id: string): Promise<Ended> => {
      const [output, summary] = ['output', 'summary'].map((name) => join(record, '..', name))
      for (const file of [output, summary]) writeFileSync(file ?? '', '')
      return opened('main', ['smoke'], root, {
        ...{ RUNNER_TEMP: join(record, '..'), GITHUB_ACTIONS: 'true', GITHUB_OUTPUT: output ?? '', GITHUB_STEP_SUMMARY: summary ?? '' },
        ...{ GITHUB_SERVER_URL: 'https://github.example.org', GITHUB_REPOSITORY: 'ada/addie', GITHUB_RUN_ID: id, INPUT_RELEASE: record },
      })
    }
    const summary = (): string => readFileSync(join(record, '../summary'), 'utf8')
    expect(await run('17')).toMatchObject({ code: 0, out: expect.stringContaining('up in') })
    const again = await run('18')
    expect(again.code).toBe(0)
    const address = 'https://github.example.org/ada/addie/actions/runs/17'
    expect(again.out).toMatch(new RegExp(`^passed earlier, .* UTC, ${address}: the same images, stack and checks$`, 'm'))
    expect(summary()).toContain(`: [run 17](${address}). Nothing was started.`)
    expect(again.out).not.toContain('up in')
  })
})
