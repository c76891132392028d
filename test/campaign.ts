/**
 * Puts what a campaign has logged (LAUNCHWAY_CAMPAIGN_LOG) beside what is known of others, and makes the page of it. Of two
 * logs the later one counts.
 *
 *   node test/campaign.ts LOG…    writes test/support/campaign.json and docs/reference/campaign.md
 *   node test/campaign.ts         the page alone
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../lab/paths.ts'
import { scenarios } from './contract/support/campaign-scenarios.ts'
import { campaignPage, casesOf, Cells, merged } from './support/campaign-page.ts'

const file = join(root, 'test/support/campaign.json')
const logs = process.argv.slice(2).flatMap((path) => casesOf(readFileSync(path, 'utf8')))
const cells = merged(Cells.parse(JSON.parse(readFileSync(file, 'utf8'))), logs)
writeFileSync(file, `${JSON.stringify(cells, undefined, 2)}\n`)
const names = scenarios.map(({ name }) => name)
writeFileSync(join(root, 'docs/reference/campaign.md'), campaignPage(cells, names))
