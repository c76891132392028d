import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { cache, tools } from '../paths.ts'
import { call } from '../run.ts'
import { rows } from '../vulnerabilities/rows.ts'
import { databaseFolder, databaseWriter, writerSources } from '../vulnerabilities/stamp.ts'
import { goMade } from './go.ts'
import { needDisk } from './machine.ts'
import type { Step } from './steps.ts'

/** A small database for Trivy, since the real one cannot be had everywhere and changes every day. */
export const vulnerabilitiesStep: Step = {
  name: 'vulnerabilities',
  needs: ['go'],
  takes: 'written with trivy-db, a Go module: about 1 min',
  find: async () => (existsSync(join(databaseFolder(), 'trivy.db')) ? `${rows.length} advisories are there` : undefined),
  async make() {
    const writer = join(tools, databaseWriter())
    if (!existsSync(writer)) {
      const folder = join(cache, 'build', 'trivy-db-writer')
      mkdirSync(folder, { recursive: true })
      needDisk(folder, 1, "the writer of Trivy's database")
      for (const source of writerSources) copyFileSync(source, join(folder, basename(source)))
      await goMade({ writer: databaseWriter() }, folder, ['build', '-o', 'writer', '-ldflags', '-s -w', '.'], {})
    }
    const draft = `${databaseFolder()}.${process.pid}`
    mkdirSync(draft, { recursive: true })
    await call(writer, [draft], { stdin: JSON.stringify(rows) })
    rmSync(databaseFolder(), { recursive: true, force: true })
    renameSync(draft, databaseFolder())
    return `${rows.length} advisories, written with trivy-db`
  },
}
