import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { processExec } from '../../src/adapters/exec.ts'
import { command } from '../../src/core/command.ts'
import { LaunchwayError } from '../../src/core/error.ts'
import type { Place } from './place.ts'
import { newReader } from './reader.ts'

/**
 * Runs the repository's push workflow, as a push to GitHub would, and shows its log as it goes. Returns the job's
 * summary. Throws when the job fails.
 */
export async function push({ repository, runner }: Place, say: (line: string) => void, signal: AbortSignal): Promise<string> {
  const reader = newReader()
  const args = [...runner.args({ event: 'push', workflow: 'push.yml' }), '--json']
  // act kills its steps when it is ended: what they would have cleared away themselves goes with this folder.
  const temporary = mkdtempSync(join(tmpdir(), 'lw-'))
  const act = command('act', args, { cwd: repository, env: { ...runner.env, TMPDIR: temporary } })
  try {
    const { code } = await processExec.run(act, {
      signal,
      accept: [0, 1],
      onLine: (line) => {
        for (const text of reader.read(line)) say(`  ${text}`)
      },
    })
    if (code !== 0) throw new LaunchwayError('COMMAND_FAILED', 'the push workflow failed', { hint: reader.summary() })
    return reader.summary()
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
}
