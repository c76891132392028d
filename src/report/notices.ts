import type { Notices, Ports } from '../core/ports.ts'
import type { Release } from '../core/release.ts'
import { attempt, pullOf } from './attempt.ts'
import { bodyOf, pageOf } from './body.ts'
import { uploadResults } from './code-scanning.ts'
import { keepIssue, keepNoVerdict, type Look, type NoVerdict } from './rescan-issue.ts'

/** What somebody wants told on GitHub, beside the summary of the run. */
export interface Told {
  /** One comment on the pull request, kept up to date. */
  comment: boolean
  /** One issue for each environment while what it runs is blocked by the rules of the scan, or a rescan cannot tell. */
  issue: boolean
  /** The results of the scan, for the Security tab. */
  codeScanning: boolean
}

/** Tells people on GitHub what became of a run. A run does not fail because of it: what GitHub refuses is a warning. */
export async function tell(release: Release, told: Told, ports: Ports): Promise<void> {
  const { notices } = ports
  if (notices === undefined) return
  if (told.comment) await attempt(ports, () => comment(release, notices, ports))
  if (told.issue) await attempt(ports, () => keepIssue(release, notices, ports))
  if (told.codeScanning) await uploadResults(release, notices, ports)
}

/** Tells of a rescan that failed before there was a record of it. */
export async function tellNoLook(look: Look, why: NoVerdict, ports: Ports): Promise<void> {
  const { notices } = ports
  if (notices !== undefined) await attempt(ports, () => keepNoVerdict(look, why, notices, ports))
}

async function comment(release: Release, notices: Notices, ports: Ports): Promise<void> {
  const pull = pullOf(release.plan)
  if (pull === undefined) return
  await notices.comment({ pull, mark: `<!-- launchway: ${release.app} -->`, body: bodyOf(release, pageOf(ports)) })
}
