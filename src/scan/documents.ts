import { join } from 'node:path'
import { LaunchwayError } from '../core/error.ts'
import type { ScanPlan } from '../core/gates.ts'
import type { Ports } from '../core/ports.ts'
import { type Entry, readExceptions } from '../tools/trivy-ignore.ts'
import { announcement, stateOf } from './exceptions.ts'
import type { Glass } from './look.ts'

/** What the repository says of findings: the list of exceptions and VEX documents. */
export async function readDocuments(
  { ignoreFile, strictExceptions, vex }: ScanPlan,
  now: number,
  ports: Ports,
): Promise<Pick<Glass, 'exceptions' | 'vex'> & { entries: Entry[] }> {
  const documents = await Promise.all(vex.map(async (name) => ({ path: join(ports.root, name), body: await needed(name, 'vex', ports) })))
  if (ignoreFile === undefined) return { exceptions: undefined, vex: documents, entries: [] }
  const text = (await needed(ignoreFile, 'ignore-file', ports)).toString()
  const entries = readExceptions(ignoreFile, text, strictExceptions)
  const soon = announcement(entries, now)
  if (soon !== undefined) ports.log.warning(soon.message, { file: ignoreFile, line: soon.line })
  const ended = entries.map((entry) => stateOf(entry, now) === 'ended')
  return { exceptions: { path: join(ports.root, ignoreFile), state: JSON.stringify([text, ended]) }, vex: documents, entries }
}

const documentNames = {
  'ignore-file': 'the list of exceptions for the scan',
  vex: 'a VEX document',
  kev: 'the list of vulnerabilities that are known to be exploited',
  epss: 'the list of EPSS scores',
}
const howToHave: Record<keyof typeof documentNames, string> = {
  'ignore-file': 'Create it, or take the key out; where it is in git, check it out in this job too.',
  vex: 'Create it, or take the key out; where it is in git, check it out in this job too.',
  kev: 'Fetch it in a step before, docs/guide/scan.md#what-is-exploited has the lines; or take the key out.',
  epss: 'Fetch it in a step before, docs/guide/scan.md#what-is-exploited has the lines; or take the key out.',
}

/** A file that launchway.yml names. @throws LaunchwayError CONFIG_INVALID where it is not there */
export async function needed(name: string, key: keyof typeof documentNames, ports: Ports): Promise<Buffer> {
  const body = await ports.files.read(join(ports.root, name))
  if (body !== undefined) return body
  throw new LaunchwayError('CONFIG_INVALID', `${name}, ${documentNames[key]}, is not there`, {
    hint: `scan.${key} in launchway.yml names it, from the root of the repository. ${howToHave[key]}`,
  })
}
