import { join } from 'node:path'
import { asError } from '../core/outcome.ts'
import type { Notices, Ports, SarifStatus } from '../core/ports.ts'
import type { Release } from '../core/release.ts'
import { unsuppressed } from '../tools/sarif.ts'
import { attempt, pullOf } from './attempt.ts'

/** How long to wait before each look at what became of the results: most are processed within some seconds. */
const pausesMs = [1_000, 2_000, 4_000, 8_000]

interface Upload {
  path: string
  id: string
}

/**
 * Takes the results of the scan to the Security tab. GitHub knows the commit and the ref of a run that it has set off, but
 * not of one that scans what runs elsewhere.
 */
export async function uploadResults({ plan, scan }: Release, notices: Notices, ports: Ports): Promise<void> {
  if (scan === undefined || plan.event === 'schedule' || plan.ref === undefined) return
  const { files, log, root } = ports
  const reports = scan.reports.filter(({ kind }) => kind === 'sarif')
  if (reports.length === 0) {
    return log.warning('there are no results for code scanning: in launchway.yml, scan: { reports: [sarif] } makes them')
  }
  const pull = pullOf(plan)
  // The ref of such a run is a merge that nobody made, and the commit of the record is the head of the branch: GitHub takes
  // them together with the ref of that head alone.
  const ref = pull === undefined ? plan.ref : `refs/pull/${pull}/head`
  const uploads: Upload[] = []
  for (const { path } of reports) {
    // What is refused of one image says nothing about the others.
    const id = await attempt(ports, async () => {
      const sarif = await files.read(join(root, path))
      if (sarif !== undefined) return notices.uploadSarif({ name: path, sha: plan.sha, ref, sarif: unsuppressed(sarif) })
      log.warning(`${path} is not there any more: nothing of it is in code scanning`)
      return undefined
    })
    if (id !== undefined) uploads.push({ path, id })
  }
  await follow(uploads, notices, ports)
}

/** Whatever is in an upload, it is taken; only afterwards GitHub says whether it could use it. */
async function follow(uploads: readonly Upload[], notices: Notices, ports: Ports): Promise<void> {
  const { clock, log, signal } = ports
  let open = uploads
  for (const pause of pausesMs) {
    // Who cancels a run does not wait for this.
    if (open.length === 0 || signal.aborted) break
    await clock.sleep(pause, signal).catch(() => undefined)
    const asked = await Promise.all(open.map(async (one) => ({ ...one, status: await statusOf(one, notices, log) })))
    for (const { path, status } of asked) if (status?.state === 'failed') log.warning(unusable(path, status))
    open = asked.filter(({ status }) => status === undefined || status.state === 'pending')
  }
  for (const { path } of open) log.debug(`GitHub has not said yet whether it can use ${path}: its Security tab will`)
}

/** The results were taken: that nobody could ask about them takes nothing away. */
async function statusOf({ id, path }: Upload, notices: Notices, log: Ports['log']): Promise<SarifStatus | undefined> {
  try {
    return await notices.sarifStatus(id)
  } catch (error) {
    log.debug(`${path}: ${asError(error).message}`)
    return undefined
  }
}

function unusable(path: string, { errors }: SarifStatus): string {
  return `GitHub could not use ${path}: ${errors.length === 0 ? 'it does not say why' : errors.join('\n')}`
}
