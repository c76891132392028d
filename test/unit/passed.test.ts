import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { forgetOld } from '../support/passed.ts'

it('what another checkout has found is kept as long as it is believed, and no longer', () => {
  const kept = mkdtempSync(join(tmpdir(), 'launchway-passed-'))
  const folder = (name: string, hoursAgo: number): string => {
    const path = join(kept, name)
    mkdirSync(path)
    writeFileSync(join(path, 'hosts.json'), '{}')
    const at = new Date(Date.now() - hoursAgo * 3_600_000)
    utimesSync(path, at, at)
    return path
  }
  const [fresh, old] = [folder('fresh', 11), folder('old', 13)]
  forgetOld(kept)
  expect([existsSync(join(fresh, 'hosts.json')), existsSync(old)]).toEqual([true, false])
  rmSync(kept, { recursive: true })
})
