import { hash } from 'node:crypto'
import { join, resolve } from 'node:path'
import { LaunchwayError } from '../core/error.ts'
import type { ScanPlan } from '../core/gates.ts'
import type { Ports } from '../core/ports.ts'
import type { Release } from '../core/release.ts'
import { registryOf } from '../core/repository.ts'
import {
  downloadDatabase,
  type Mirror,
  parseDatabaseMetadata,
  parseReport,
  reasonOf,
  scanList,
  type Trivy,
  trivyCodes,
} from '../tools/trivy.ts'
import { dockerConfig } from './logins.ts'
import { type DatabaseTimes, isCurrent, showAge, unfit } from './plan.ts'
import { tooOld } from './trivy-errors.ts'

/** What Trivy itself knows where launchway.yml names no database. */
const ownDatabases = "Trivy's own databases"

/**
 * A list of one package with a vulnerability that every database knows (Log4Shell). A database that does not find it is
 * empty, broken or none, whatever its date says: nothing that it says may pass an image.
 * @see https://nvd.nist.gov/vuln/detail/CVE-2021-44228
 */
const known = {
  id: 'CVE-2021-44228',
  list: {
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    version: 1,
    components: [
      {
        type: 'library',
        group: 'org.apache.logging.log4j',
        name: 'log4j-core',
        version: '2.14.1',
        purl: 'pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1',
      },
    ],
  },
}

/**
 * Sees to it that the cache folder has a database that may decide: from where it is asked for, young enough, and able to
 * find something. What another application on this machine has fetched from elsewhere is not asked. Fetched
 * beside the one that is there, which it replaces only when it is good; so a bad mirror takes nothing away.
 * @throws LaunchwayError SCAN_DB_UNAVAILABLE
 */
export async function readyDatabase(plan: ScanPlan, trivy: Trivy, release: Release, ports: Ports): Promise<DatabaseTimes> {
  const now = ports.clock.now()
  const sources = plan.databases.length === 0 ? [ownDatabases] : plan.databases
  const kept = (await keptFrom(sources, trivy, ports)) ?? (await restored(sources, trivy, ports))
  const keptProblem = kept === undefined ? undefined : (unfit(kept, now, plan.maxDbAgeMs) ?? (await cannotFind(trivy, ports)))
  if (kept !== undefined && keptProblem === undefined && isCurrent(kept, now, plan.maxDbAgeMs))
    return told(kept, `kept from an earlier run, from ${kept.source}`, now, ports)

  const refused: { mirror: string; why: string; unfit?: string }[] = []
  for (const mirror of plan.databases.length === 0 ? [undefined] : plan.databases) {
    const fetched = { ...trivy, cacheDir: await ports.files.temporary('trivy-db') }
    const { code, stderr } = await ports.exec.run(
      downloadDatabase(fetched, mirror === undefined ? {} : await mirrorOf(mirror, release, ports)),
      { signal: ports.signal, accept: trivyCodes },
    )
    tooOld(stderr)
    const times = code === 0 ? await readTimes(fetched, ports) : undefined
    const age = times === undefined ? undefined : unfit(times, now, plan.maxDbAgeMs)
    const why =
      code !== 0 ? reasonOf(stderr) : times === undefined ? 'what it has is no database' : (age ?? (await cannotFind(fetched, ports)))
    if (times !== undefined && why === undefined) {
      await ports.files.write(fileOf(fetched, 'source'), mirror ?? ownDatabases)
      // What is older than it says is safe; what is younger than it is would not be: the date comes last.
      for (const name of ['trivy.db', 'source', 'metadata.json']) await ports.files.move(fileOf(fetched, name), fileOf(trivy, name))
      await ports.tools.cache?.save([join(trivy.cacheDir, 'db')], `${cacheKey(sources)}${times.updated.getTime()}`)
      return told(times, mirror ?? ownDatabases, now, ports)
    }
    await ports.files.remove(fileOf(fetched, 'trivy.db'))
    refused.push({ mirror: mirror ?? ownDatabases, why: why ?? '', ...(age === undefined ? {} : { unfit: age }) })
    ports.log.info(`database: ${mirror ?? ownDatabases}: ${why}`)
  }
  if (kept !== undefined && keptProblem === undefined) {
    const age = showAge(now.getTime() - kept.updated.getTime())
    ports.log.warning(
      `no newer vulnerability database can be had: the one of an earlier run is used, ${age} old. ${refused.map(({ mirror, why }) => `${mirror}: ${why}`).join('; ')}`,
    )
    return kept
  }
  throw unavailable(refused, kept === undefined ? undefined : keptProblem)
}

function unavailable(refused: readonly { mirror: string; why: string; unfit?: string }[], keptProblem: string | undefined): LaunchwayError {
  const age = refused.find((one) => one.unfit !== undefined)?.unfit
  return new LaunchwayError(
    'SCAN_DB_UNAVAILABLE',
    age === undefined ? 'the vulnerability database cannot be had, so nothing was scanned' : `the vulnerability database ${age}`,
    {
      hint: [
        ...refused.map(({ mirror, why }) => `${mirror}: ${why}`),
        ...(keptProblem === undefined ? [] : [`the one kept from an earlier run ${keptProblem}`]),
        'Run this again later, or name a mirror under scan.databases in launchway.yml. Where no newer one can be had, scan.max-db-age says what is young enough.',
      ].join('\n'),
    },
  )
}

function told(times: DatabaseTimes, from: string, now: Date, ports: Ports): DatabaseTimes {
  const age = showAge(now.getTime() - times.updated.getTime())
  ports.log.info(`database: ${age} old (${times.updated.toISOString()}), ${from}`)
  return times
}

function fileOf({ cacheDir }: Trivy, name: string): string {
  return join(cacheDir, 'db', name)
}

async function readTimes(trivy: Trivy, ports: Ports): Promise<DatabaseTimes | undefined> {
  const text = await ports.files.read(fileOf(trivy, 'metadata.json'))
  return text === undefined ? undefined : parseDatabaseMetadata(text.toString())
}

type Kept = DatabaseTimes & { source: string }

/** The database that lies there, if it is from one of these. */
async function keptFrom(sources: readonly string[], trivy: Trivy, ports: Ports): Promise<Kept | undefined> {
  const [times, written] = [await readTimes(trivy, ports), await ports.files.read(fileOf(trivy, 'source'))]
  const source = written?.toString()
  return times === undefined || source === undefined || !sources.includes(source) ? undefined : { ...times, source }
}

/** One for each list of sources: a runner takes up no other. */
function cacheKey(sources: readonly string[]): string {
  return `launchway-trivy-db-${hash('sha256', sources.join(' ')).slice(0, 16)}-`
}

/** The newest database that another runner has fetched. */
async function restored(sources: readonly string[], trivy: Trivy, ports: Ports): Promise<Kept | undefined> {
  const key = cacheKey(sources)
  const found = await ports.tools.cache?.restore([join(trivy.cacheDir, 'db')], key, [key])
  return found === undefined ? undefined : keptFrom(sources, trivy, ports)
}

/** Why the database is none, in words; undefined when it finds what every database finds. */
async function cannotFind(trivy: Trivy, ports: Ports): Promise<string | undefined> {
  const list = join(await ports.files.temporary('known'), 'list.json')
  await ports.files.write(list, JSON.stringify(known.list))
  const { code, stdout, stderr } = await ports.exec.run(scanList(trivy, list), { signal: ports.signal, accept: trivyCodes })
  if (stderr.includes('cannot be specified on the first run')) return 'there is no trivy.db in it'
  if (code !== 0) return `cannot be read: ${reasonOf(stderr)}`
  const found = parseReport(stdout)?.vulnerabilities.some(({ id }) => id === known.id) === true
  return found ? undefined : `does not know ${known.id}, which every database of vulnerabilities knows: it is empty or broken`
}

/** A mirror with what launchway.yml and the step have for its registry; without a login there, Trivy looks by itself. */
async function mirrorOf(repository: string, { plan }: Release, ports: Ports): Promise<Mirror> {
  const settings = registryOf(repository, plan.registries)
  return {
    repository,
    env: await dockerConfig(settings, ports),
    insecure: settings.plainHttp,
    ...(settings.ca === undefined ? {} : { ca: resolve(ports.root, settings.ca) }),
  }
}
