import { dirname, basename, resolve } from 'node:path'
import { anyCode, command } from '../core/command.ts'
import { LaunchwayError } from '../core/error.ts'
import type { SmokePlan } from '../core/gates.ts'
import { smokeVariable, smokeVariables } from '../core/names.ts'
import type { Files, Ports } from '../core/ports.ts'
import { showMs } from '../core/units.ts'
import { condensed } from './evidence.ts'
import { addressOf, judgedOutput, type Of, runningOf, type Standing, type Try } from './standing.ts'
import { within } from '../core/within.ts'

/** Lines of a script's output that are kept. */
const keptLines = 40

/** Runs a file of the repository, once: a script knows best what it must wait for. What it wrote is its evidence. */
export async function runScript(check: Of<'script'>, standing: Standing, ports: Ports): Promise<Try> {
  const { script, args, stdout: wanted, timeoutMs } = check
  const lines: string[] = []
  const onLine = (line: string): void => {
    lines.push(line)
    if (lines.length > keptLines) lines.shift()
  }
  const asked = command(resolve(ports.root, script), args, { cwd: ports.root, env: addresses(standing) })
  const done = await within(timeoutMs, standing.signal, ports, (signal) => ports.exec.run(asked, { signal, onLine, accept: anyCode }))
  const said = condensed(lines.join('\n'), ports, keptLines)
  return judgedOutput(done === undefined ? { late: showMs(timeoutMs), said } : { ...done, said }, wanted)
}

/** Where a script finds the stack: `LAUNCHWAY_SMOKE_WEB_5000=127.0.0.1:49153`, and by which ID the container of `web`. */
function addresses(standing: Standing): Record<string, string> {
  const found = standing.reached.flatMap((one) => {
    const at = addressOf(one, standing)
    return at === undefined ? [] : [[smokeVariable(one.service, one.port), `${at.address}:${at.port}`] as const]
  })
  const inside = Object.keys(standing.stack.file.services).flatMap((service) => {
    const container = runningOf(service, standing.containers())
    return container === undefined ? [] : [[smokeVariable(service, 'CONTAINER'), container.id] as const]
  })
  return { ...Object.fromEntries([...inside, ...found]), [smokeVariables.project]: standing.stack.project }
}

/**
 * A script that cannot be run is told before anything is started.
 * @throws LaunchwayError CONFIG_INVALID
 */
export async function refuseUnfitScripts({ checks }: SmokePlan, { files, root }: Pick<Ports, 'files' | 'root'>): Promise<void> {
  for (const check of checks) {
    if (check.kind !== 'script') continue
    const reason = await unfit(resolve(root, check.script), files)
    if (reason === undefined) continue
    throw new LaunchwayError('CONFIG_INVALID', `smoke: the script ${check.script} cannot be run: ${reason.why}`, {
      hint: reason.hint(check.script),
    })
  }
}

async function unfit(path: string, files: Files): Promise<{ why: string; hint: (script: string) => string } | undefined> {
  const body = await files.read(path).catch(() => undefined)
  if (body === undefined) return { why: 'there is no such file', hint: () => 'Its path begins at the root of the repository.' }
  const name = basename(path)
  const [entry] = await files.walk(dirname(path), (found, kind) => (found === name ? 'keep' : kind === 'directory' ? 'prune' : 'skip'))
  if (entry?.kind === 'file' && (entry.mode & 0o111) === 0) {
    return {
      why: 'it is not executable',
      hint: (script) => `git update-index --chmod=+x ${script}   # and on this machine: chmod +x ${script}`,
    }
  }
  const [first = ''] = body.subarray(0, 500).toString('latin1').split('\n')
  if (first.startsWith('#!')) {
    return first.endsWith('\r')
      ? {
          why: 'its lines end as on Windows, so that its interpreter is not found',
          hint: (script) => `Say in .gitattributes: ${script} text eol=lf`,
        }
      : undefined
  }
  // Programs begin with bytes that are no text.
  return /^[\t\r\x20-\x7e]*$/.test(first)
    ? { why: 'its first line does not say what runs it', hint: () => 'Begin it with a line such as #!/bin/sh or #!/usr/bin/env python3.' }
    : undefined
}
