import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isBuiltFrom } from '../../lab/setup/go.ts'
import { bringAbout, type Step, SetUpError } from '../../lab/setup/steps.ts'
import { needDisk } from '../../lab/setup/machine.ts'
import { LaunchwayError } from '../../src/core/error.ts'

/** A step that remembers whether it was made. */
function step(
  name: string,
  { needs = [], there = false, fails }: { needs?: string[]; there?: boolean; fails?: Error } = {},
): Step & { made: number } {
  const one = {
    name,
    needs,
    made: 0,
    find: async () => (there || one.made > 0 ? 'is there' : undefined),
    async make() {
      if (fails !== undefined) throw fails
      one.made += 1
      return 'made'
    },
  }
  return one
}

async function printed(steps: readonly Step[]): Promise<{ lines: string[]; anew?: boolean; error?: unknown }> {
  const lines: string[] = []
  try {
    const anew = await bringAbout(steps, (line) => lines.push(line.replaceAll(/ \([\d.]+ m?s\)$/g, '')))
    return { lines, anew }
  } catch (error) {
    return { lines, error }
  }
}

describe('set-up', () => {
  it('uses what is there and makes what is missing, after what it needs', async () => {
    const steps = [step('engine', { there: true }), step('image', { needs: ['engine'] })]
    const { lines, anew } = await printed(steps)
    expect(anew).toBe(true)
    expect(steps.map(({ made }) => made)).toEqual([0, 1])
    expect(lines).toEqual(['set-up: engine  is there, reused', 'set-up: image   …', 'set-up: image   made'])
  })

  it('makes nothing a second time, and has no more to say of each than that all is there', async () => {
    const steps = [step('engine'), step('image', { needs: ['engine'] })]
    await printed(steps)
    expect(await printed(steps)).toEqual({ lines: [], anew: false })
    expect(steps.map(({ made }) => made)).toEqual([1, 1])
  })

  it('goes on without what failed, and says at the end everything that is missing and how to get it', async () => {
    const engine = step('engine', { fails: new LaunchwayError('TOOL_MISSING', 'no engine', { hint: 'Install one.' }) })
    const steps = [engine, step('image', { needs: ['engine'] }), step('trivy', { fails: new Error('no network') }), step('act')]
    const { lines, error } = await printed(steps)
    expect(lines).toContain('set-up: image   not tried: what it needs is missing')
    expect(lines).toContain('set-up: act     made')
    expect(error).toBeInstanceOf(SetUpError)
    expect(String(error)).toBe(
      'Error: engine: no engine\nInstall one.\n\ntrivy: no network\n\nWhat is done stays done: run the same command again when this is mended.',
    )
  })

  it('takes a program for what it was built from, and for no other version of it', () => {
    const folder = mkdtempSync(join(tmpdir(), 'launchway-tool-'))
    const program = join(folder, 'server')
    const built = (version: string): boolean => isBuiltFrom(program, 'example.com/server/v2', version)
    expect(built('v2.12.0')).toBe(false)
    writeFileSync(
      program,
      Buffer.from('\u007fELF\0path\texample.com/server/v2/cmd\nmod\texample.com/server/v2\tv2.12.0\th1:x=\n\0', 'latin1'),
    )
    expect(['v2.12.0', 'v2.12', 'v2.13.0'].map(built)).toEqual([true, false, false])
    rmSync(folder, { recursive: true })
  })

  it('says how much disk is missing, and what to do, before it begins to fill it', () => {
    expect(() => needDisk('/', 0, 'nothing')).not.toThrow()
    expect(() => needDisk('/', 1e9, 'building the moon')).toThrow(
      /^building the moon needs 1000000000 GB of disk below \/; [\d.]+ GB are free$/,
    )
  })
})
