import { join } from 'node:path'
import { z } from 'zod'
import { parseLater } from '../core/json.ts'
import type { Ports } from '../core/ports.ts'
import { type Release, SmokeSection } from '../core/release.ts'
import { isProposal } from '../core/stages.ts'

/** What passed longer ago than this is asked again: certificates end, and clocks go on. */
const longestMs = 7 * 86_400_000

const Remembered = z.strictObject({
  /** What it stands for is in the entry itself: a file of another key says nothing here. */
  key: z.string(),
  at: z.iso.datetime(),
  /** The address of the run, or who it was. */
  by: z.string(),
  /** Absent of a run that did not pass: it takes back what an earlier one had said. */
  section: SmokeSection.optional(),
})

/** What is remembered of changes that are not merged is for those alone: in a folder of one machine all runs find all entries. */
function shelf(key: string, { plan }: Release): string {
  return `launchway-smoke-${isProposal(plan) ? 'proposal' : 'branch'}-${key}-`
}

function fileFor(key: string, { tools }: Ports): string {
  return join(tools.folder, 'smoke', `${key}.json`)
}

/** How a run of this key ended that passed, if the newest of them has, and not too long ago. */
export async function recall(key: string, release: Release, ports: Ports): Promise<SmokeSection | undefined> {
  const { cache, files, clock } = ports
  const [prefix, file] = [shelf(key, release), fileFor(key, ports)]
  if ((await cache.restore([file], prefix, [prefix])) === undefined) return undefined
  const text = (await files.read(file))?.toString() ?? ''
  await files.remove(file)
  const found = parseLater(text, Remembered)
  if (found?.section?.verdict !== 'passed' || found.key !== key) return undefined
  const age = clock.now().getTime() - Date.parse(found.at)
  return age >= 0 && age < longestMs ? { ...found.section, earlier: { at: found.at, by: found.by } } : undefined
}

/** Keeps what passed; of what did not only that an earlier pass counts no more. */
export async function remember(key: string, section: SmokeSection | undefined, release: Release, ports: Ports): Promise<void> {
  const { cache, files, clock, who, redact } = ports
  const [file, at] = [fileFor(key, ports), clock.now()]
  // What a check was answered belongs to the run that asked it.
  const checks = section?.checks.map(({ name, passed, ms }) => ({ name: redact(name), passed, ms })) ?? []
  const entry: z.infer<typeof Remembered> = {
    key,
    at: at.toISOString(),
    by: who,
    ...(section === undefined ? {} : { section: { ...section, checks } }),
  }
  await files.write(file, JSON.stringify(entry), 0o600)
  await cache.save([file], `${shelf(key, release)}${at.getTime()}`)
  await files.remove(file)
}
