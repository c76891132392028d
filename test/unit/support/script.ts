import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { SmokeCheck } from '../../../src/core/gates.ts'
import { temporaryFolder } from './ports.ts'

export const scriptCheck = (script: string, rest: Partial<Extract<SmokeCheck, { kind: 'script' }>> = {}): SmokeCheck => ({
  kind: 'script',
  name: 's',
  script,
  args: [],
  timeoutMs: 5_000,
  ...rest,
})

/** A folder with this as `check.sh`. */
export function writtenScript(body: string | Buffer, mode = 0o755): string {
  const root = temporaryFolder()
  writeFileSync(join(root, 'check.sh'), body)
  chmodSync(join(root, 'check.sh'), mode)
  return root
}
