import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { processExec } from '../../src/adapters/exec.ts'
import { command } from '../../src/core/command.ts'
import { LaunchwayError } from '../../src/core/error.ts'
import { call } from '../run.ts'
import type { Place } from './place.ts'
import { newReader } from './reader.ts'

export interface Pushed {
  /** The summary of the job, in Markdown. */
  summary: string
  /** Where people reach what was deployed; empty when nothing was. */
  url: string
}

/**
 * Runs the push workflow for the branch that is checked out, as a push to GitHub would, and shows its log as it goes.
 * @throws LaunchwayError COMMAND_FAILED when the job fails
 */
export async function push({ repository, runner }: Place, say: (line: string) => void, signal: AbortSignal): Promise<Pushed> {
  const reader = newReader()
  // act kills its steps when it is ended: what they would have cleared away themselves goes with this folder.
  const temporary = mkdtempSync(join(tmpdir(), 'lw-'))
  try {
    const payload = join(temporary, 'event.json')
    writeFileSync(payload, JSON.stringify({ ref: (await call('git', ['-C', repository, 'symbolic-ref', 'HEAD'])).stdout.trim() }))
    const args = [...runner.args({ event: 'push', workflow: 'push.yml', payload }), '--json']
    const act = command('act', args, { cwd: repository, env: { ...runner.env, TMPDIR: temporary } })
    const { code } = await processExec.run(act, {
      signal,
      accept: [0, 1],
      onLine: (line) => {
        for (const text of reader.read(line)) say(`  ${text}`)
      },
    })
    if (code !== 0) throw new LaunchwayError('COMMAND_FAILED', 'the push workflow failed', { hint: reader.summary() })
    return { summary: reader.summary(), url: reader.outputs.get('url') ?? '' }
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
}
