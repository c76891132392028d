import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { commit, git } from './doors.ts'
import type { PushedImage } from './release.ts'
import { type Operated, operated } from './operated.ts'

/** What doctor answers with --json, as far as these tests ask. */
export const Answer = z.object({
  findings: z.array(
    z.object({ rule: z.string(), severity: z.string(), where: z.record(z.string(), z.json()), what: z.string(), fix: z.string() }),
  ),
})

export const web = { port: 8000, publish: 18_000, health: '/' }

/** A folder with a commit, whose image goes to the registry of the lab. */
export async function shop(image: () => PushedImage, at: [string, string][], more: object = {}, service: object = {}): Promise<Operated> {
  const there = await operated(image, at)
  there.configure({ web: { ...web, ...service } }, more)
  writeFileSync(join(there.folder, 'Dockerfile'), 'FROM python:3.12\nCOPY app.py /\nCMD ["python", "/app.py"]\n')
  writeFileSync(join(there.folder, 'app.py'), '')
  git(there.folder, 'init', '-q', '-b', 'main')
  commit(there.folder)
  return there
}
