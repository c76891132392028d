/**
 * Some of the scenarios at every place, or all of them at some: what passed, and what did not, is entered in
 * docs/reference/matrix.md with the commit and the day. What a run is to be of is said as to vitest.
 *
 *   LAUNCHWAY_MATRIX='trixie, sudo only' node test/matrix.ts test/contract/host-faults.test.ts
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from '../lab/paths.ts'
import type { Counts } from './support/counts.ts'
import { commitHere, writeMatrix } from './support/matrix.ts'

const folder = mkdtempSync(join(tmpdir(), 'launchway-matrix-'))
const into = join(folder, 'counts.json')
const version = commitHere()
const reporters = ['--reporter=verbose', `--reporter=${join(root, 'test/support/counts.ts')}`]
const { status } = spawnSync('vitest', ['run', '--project', 'hosts', ...reporters, ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
  env: { LAUNCHWAY_MATRIX: 'all', ...process.env, LAUNCHWAY_COUNTS: into },
})
const { told, lost } = JSON.parse(readFileSync(into, 'utf8')) as Counts
rmSync(folder, { recursive: true })
writeMatrix({ told, lost, ...version })
process.exitCode = status ?? 1
