import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, describe, expect, it } from 'vitest'
import { dockerfileCases } from '../unit/support/dockerfile-cases.ts'

const empty = mkdtempSync(join(tmpdir(), 'launchway-empty-'))
afterAll(() => rmSync(empty, { recursive: true, force: true }))

/** What the engine says of a Dockerfile that it reads and does not build, since there is no such stage. */
async function reads(dockerfile: string): Promise<string> {
  const child = spawn('docker', ['build', '--progress', 'plain', '--target', 'nothing', '--file', '-', empty])
  child.stdin.end(dockerfile)
  return text(child.stderr)
}

/** What can stand in one file does: each costs a start of the client, and a look at the engine. */
const beginning = 'FROM scratch\n'
const joined = dockerfileCases.flatMap(([, dockerfile, wrong]) =>
  wrong === undefined && dockerfile.startsWith(beginning) ? [dockerfile.slice(beginning.length)] : [],
)
// What ends within an instruction would take the next one with it.
const ends = (text: string): number => Number(text.endsWith('\\\n'))
const whole = beginning + joined.toSorted((a, b) => ends(a) - ends(b)).join('')
const alone = dockerfileCases.filter(([, dockerfile, wrong]) => wrong !== undefined || !dockerfile.startsWith(beginning))

/** What doctor takes for an instruction (test/unit/doctor-dockerfile.test.ts) is what the engine takes for one. */
describe('a Dockerfile that the engine reads', () => {
  it('has everything in it that it may have', async () => {
    expect(joined.length).toBeGreaterThan(15)
    expect(await reads(whole)).toMatch(/target stage "?nothing"? could not be found/)
  })

  it.concurrent.each(alone)('%s', async (_, dockerfile, wrong) => {
    const said = await reads(dockerfile)
    const [, line, word] = /parse error on line (\d+): unknown instruction: (\S+)/.exec(said) ?? []
    expect(line === undefined ? undefined : [Number(line), word?.toUpperCase()], said).toEqual(wrong)
    expect(said).toMatch(wrong === undefined ? /target stage "?nothing"? could not be found/ : /unknown instruction/)
  })
})
