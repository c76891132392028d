import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { systemClock } from '../../../src/adapters/clock.ts'
import { processExec } from '../../../src/adapters/exec.ts'
import { localFiles } from '../../../src/adapters/files.ts'
import type { Log, Ports } from '../../../src/core/ports.ts'
import { redact, Secret } from '../../../src/core/secret.ts'
import { fakeEngine } from '../../fakes/engine.ts'

/** A folder that goes with the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'launchway-unit-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Programs, files and the clock of this machine; what a decision must not reach fails when it is reached. */
export function localPorts(root: string, env: Record<string, string> = {}): { ports: Ports; warnings: string[] } {
  const warnings: string[] = []
  const log: Log = {
    info: () => undefined,
    debug: () => undefined,
    notice: () => undefined,
    warning: (message) => void warnings.push(message),
    error: () => undefined,
    stage: () => ({ ...log, end: () => undefined }),
  }
  const ports: Ports = {
    exec: processExec,
    files: localFiles(join(root, '.scratch')),
    clock: systemClock,
    log,
    root,
    evidence: join(root, '.evidence'),
    who: 'ada@laptop',
    signal: new AbortController().signal,
    environment: new Map(Object.entries(env).map(([name, value]) => [name, new Secret(value)])),
    secret: (name) => (env[name] === undefined ? undefined : new Secret(env[name])),
    conceal: (value) => new Secret(value),
    redact: (text) =>
      redact(
        text,
        Object.values(env).map((value) => new Secret(value)),
      ),
    github: undefined,
    assets: undefined,
    ssh: { connect: () => unreachable('a host') },
    engine: new Proxy(fakeEngine(), { get: () => () => unreachable('the engine') }),
    probe: { ask: () => unreachable('a stack'), get: () => unreachable('a stack'), connects: () => unreachable('a stack') },
    self: { id: 'laptop:1', isGone: () => false },
    registry: { repository: () => unreachable('a registry'), credentials: () => unreachable('a registry') },
    watcher: () => unreachable('ears for files'),
    tools: {
      trivy: () => unreachable('Trivy'),
      cosign: () => unreachable('cosign'),
      hasRows: () => unreachable('SQLite'),
      isWhole: () => unreachable('bbolt'),
      folder: join(root, '.kept'),
      cache: undefined,
    },
    cache: { restore: () => unreachable('the cache'), save: () => unreachable('the cache') },
  }
  return { ports, warnings }
}

function unreachable(what: string): never {
  throw new Error(`the test reached ${what}`)
}
