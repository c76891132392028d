import { hash } from 'node:crypto'
import { join, resolve } from 'node:path'
import { scannerOf } from '../core/words.ts'
import type { Ports } from '../core/ports.ts'
import type { Finding, Release, ScannedImage } from '../core/release.ts'
import { registryOf } from '../core/repository.ts'
import { scanImage } from '../tools/trivy.ts'
import { parseReport, type Report } from '../tools/trivy-report.ts'
import type { Base } from './base.ts'
import { isStill } from './database.ts'
import { open } from './gate.ts'
import { databaseKey, keepReport, readReport } from './kept.ts'
import { dockerConfig } from './logins.ts'
import { lookWith } from './layers.ts'
import { type Glass, mostBytes } from './look.ts'
import { whyEnded } from './trivy-errors.ts'

/** More time than this the answer is not worth. */
const patienceMs = 2 * 60_000

/**
 * The base of an image as the record has it: with what a rebuild on the one of now would end of what came with it. That is
 * counted, by a look at the newer one with the same database; where it cannot be looked at, nothing is claimed.
 */
export async function weighed(
  { reference, layers, newer }: Base,
  findings: readonly Finding[],
  glass: Glass,
  release: Release,
  ports: Ports,
): Promise<NonNullable<ScannedImage['base']>> {
  const report = newer === undefined ? undefined : await tried(newer, glass, release, ports)
  if (newer === undefined || report === undefined) return { reference, layers }
  const still = new Set(report.findings.map(keyOf))
  const below = open(findings).filter((finding) => finding.base === true && scannerOf[finding.class] === 'vuln')
  const fixes = below.filter((finding) => !still.has(keyOf(finding))).length
  return { reference, layers, ...(fixes === 0 ? {} : { newer: { reference, digest: newer.digest, fixes, of: below.length } }) }
}

function keyOf({ id, package: name }: Pick<Finding, 'id' | 'package'>): string {
  return JSON.stringify([id, name])
}

/** It says what could be done, and decides nothing: whatever goes wrong is no failure of the scan. */
async function tried(newer: NonNullable<Base['newer']>, glass: Glass, release: Release, ports: Ports): Promise<Report | undefined> {
  try {
    return await lookAt(newer, glass, release, ports)
  } catch (error) {
    ports.signal.throwIfAborted()
    ports.log.debug(`${newer.repository}@${newer.digest}, the base of now: ${error instanceof Error ? error.message : String(error)}`)
    return undefined
  }
}

async function lookAt(
  { repository, digest }: NonNullable<Base['newer']>,
  glass: Glass,
  { plan }: Release,
  ports: Ports,
): Promise<Report | undefined> {
  const { trivy, database, layers } = glass
  const key = {
    database: databaseKey(trivy, database),
    image: hash('sha256', JSON.stringify(['base', repository, digest])),
  }
  const kept = await readReport(key, trivy, ports)
  if (kept !== undefined) return parseReport(kept)
  const output = join(await ports.files.temporary('base'), 'report.json')
  const settings = registryOf(repository, plan.registries)
  const asked = scanImage(layers.trivy, {
    image: { reference: `${repository}@${digest}`, from: 'remote' },
    output,
    scanners: ['vuln'],
    offline: true,
    env: await dockerConfig(settings, ports),
    insecure: settings.plainHttp,
    ...(settings.ca === undefined ? {} : { ca: resolve(ports.root, settings.ca) }),
  })
  const { code, stderr } = await lookWith(layers, { ...asked, timeoutMs: patienceMs }, ports)
  const size = (await ports.files.stat(output))?.size ?? 0
  const text = code === 0 && size <= mostBytes ? (await ports.files.read(output))?.toString() : undefined
  const report = text === undefined ? undefined : parseReport(text)
  if (text === undefined || report === undefined) {
    ports.log.debug(`${repository}@${digest}, the base of now, was not looked at: ${whyEnded(code, stderr)}`)
    return undefined
  }
  if (await isStill(database, trivy, ports)) await keepReport(key, text, trivy, ports)
  return report
}
