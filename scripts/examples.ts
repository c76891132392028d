/**
 * Releases the examples in a lab, one after another: a first version, the next one under traffic, a broken one, and back.
 *
 *   npm run examples                     all of them
 *   npm run examples -- nightwatch       one of them
 *
 * Writes into docs/examples.md what it has seen, if all went as it should.
 *
 * LAUNCHWAY_LAB names a lab that is up already and stays up.
 */
import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { down } from '../lab/down.ts'
import { type Lab, readLab } from '../lab/lab.ts'
import { type Opened, openSystem } from '../lab/examples/open.ts'
import type { System } from '../lab/examples/system.ts'
import { systems } from '../lab/examples/systems.ts'
import { root } from '../lab/paths.ts'
import { newLabName, up } from '../lab/up.ts'
import { parseRelease, type Release } from '../src/core/release.ts'
import { type Column, columns, page, type Row, stages, table } from './examples/page.ts'

const say = (line: string): void => void process.stdout.write(`${line}\n`)
const names = process.argv.slice(2)
const unknown = names.filter((name) => !Object.hasOwn(systems, name))
if (unknown.length > 0) {
  say(`there is no example ${unknown.join(', ')}; there are: ${Object.keys(systems).join(', ')}`)
  process.exit(2)
}

async function openLab(): Promise<{ lab: Lab; close: (this: void) => Promise<void> }> {
  const name = process.env['LAUNCHWAY_LAB']
  if (name === undefined) {
    const own = newLabName()
    const lab = await up({ name: own, hosts: ['trixie'] })
    return { lab, close: async () => void (await down(own)) }
  }
  const lab = readLab(name)
  if (lab === undefined) throw new Error(`there is no lab ${name}: npm run lab -- up ${name}`)
  return { lab, close: () => Promise.resolve() }
}

/** One system, all the way. */
async function way(name: string, system: System, lab: Lab): Promise<Row[]> {
  await using opened = await openSystem(name, system, lab, `${name}-${randomBytes(2).toString('hex')}`)
  const rows: Row[] = []
  const told = (column: Column, row: Omit<Row, 'system' | 'column'>): void => {
    rows.push({ system: name, column, ...row })
    say(`${name}: ${column}: ${row.result} (${(row.ms / 1000).toFixed(1)} s)`)
  }
  told('first', await released(opened, (site) => system.use(site, '1.0.0')))
  await opened.commit('The next version', system.next)
  const load = opened.traffic()
  await load.seen('1.0.0')
  const next = await released(opened, (site) => system.use(site, '1.1.0'))
  const { requests, failed, failures } = await load.stop()
  for (const [how, count] of failures) say(`${name}: ${how}: ${count} requests`)
  told('next', { ...next, result: `${next.result}; ${failed} of ${requests} requests failed` })
  if (system.confirms === true) {
    const { code, stderr } = await opened.launchway('confirm', '--environment', system.environment)
    if (code !== 0) throw new Error(`confirm: ${stderr}`)
  }
  await opened.commit('A broken version', system.broken)
  told('broken', await refused(opened, (site) => system.use(site, '1.1.0')))
  const began = performance.now()
  const back = await opened.launchway('rollback', '--environment', system.environment)
  const ms = performance.now() - began
  if (back.code !== 0) throw new Error(`rollback: ${back.stderr}`)
  await system.use(opened.site, '1.0.0')
  told('rollback', { result: '1.0.0 serves', ms, stages: {} })
  return rows
}

type Told = Omit<Row, 'system' | 'column'>

async function released({ launchway, site }: Opened, use: (of: Opened['site']) => Promise<void>): Promise<Told> {
  const { code, ms, times, stderr } = await timed(launchway)
  if (code !== 0) throw new Error(stderr)
  await use(site)
  return { result: 'live, and works', ms, stages: times }
}

async function refused({ launchway, site }: Opened, use: (of: Opened['site']) => Promise<void>): Promise<Told> {
  const { code, ms, times, stderr } = await timed(launchway)
  const [error] = /\b[A-Z]+(_[A-Z]+)+\b(?=: )/.exec(stderr) ?? []
  if (code === 0 || error === undefined) throw new Error(`a broken version was released: ${stderr}`)
  await use(site)
  return { result: `${error}; the old one serves`, ms, stages: times }
}

async function timed(launchway: Opened['launchway']): Promise<{ code: number | null; ms: number; times: Row['stages']; stderr: string }> {
  const began = performance.now()
  const { code, stdout, stderr } = await launchway('run', '--json')
  const ms = performance.now() - began
  const record = stdout.trim() === '' ? undefined : parseRelease(stdout, 'standard output')
  const times = Object.fromEntries(stages.flatMap((stage) => timeOf(stage, record)))
  return { code, ms, times, stderr }
}

function timeOf(stage: (typeof stages)[number], record: Release | undefined): [string, number][] {
  if (stage === 'build') {
    const images = record?.build?.images ?? []
    // In one solve: it ends with the last of them.
    return images.length === 0 ? [] : [[stage, Math.max(...images.map((image) => image.ms))]]
  }
  const section = record?.[stage]
  return section === undefined ? [] : [[stage, section.ms]]
}

const { lab, close } = await openLab()
const rows: Row[] = []
try {
  for (const [name, system] of Object.entries(systems))
    if (names.length === 0 || names.includes(name)) rows.push(...(await way(name, system, lab)))
} catch (error) {
  say(error instanceof Error ? (error.stack ?? error.message) : String(error))
  process.exitCode = 1
} finally {
  await close()
}
say(`\n${table(rows)}`)
const file = join(root, 'docs/examples.md')
if (process.exitCode !== 1) writeFileSync(file, page(readFileSync(file, 'utf8'), rows))
if (columns.length * new Set(rows.map(({ system }) => system)).size !== rows.length) process.exitCode = 1
