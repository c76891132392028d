import { expect, it } from 'vitest'
import { labNames } from '../../lab/lab.ts'
import { root } from '../../lab/paths.ts'
import { bareEnvironment, run } from './support/programs.ts'

it('the demo pushes twice, counts what traffic saw, shows what answers, and takes everything away', { timeout: 600_000 }, async () => {
  const env = { ...bareEnvironment(), LAUNCHWAY_CACHE: process.env['LAUNCHWAY_CACHE'] ?? '' }
  const ended = await run(process.execPath, ['lab/demo.ts'], { cwd: root, env })
  expect(ended.code, ended.stdout + ended.stderr).toBe(0)
  expect(ended.stdout.match(/is live in production/g)).toHaveLength(2)
  expect(ended.stdout).toMatch(/\$ curl .*\/healthz\n.*"version":"1\.0\.0"/)
  expect(ended.stdout).toMatch(/\$ curl .*\/healthz\n.*"version":"1\.1\.0"/)
  expect(ended.stdout).toMatch(/\d+ requests served by version 1\.0\.0\n +\d+ requests served by version 1\.1\.0\n +0 failed/)
  expect(ended.stdout).toContain('in all')
  const [, lab = ''] = /^ *(lab-\w+): registry /m.exec(ended.stdout) ?? []
  expect(lab).not.toBe('')
  expect(labNames()).not.toContain(lab)
})

it('a flag that the demo does not know starts nothing', async () => {
  const ended = await run(process.execPath, ['lab/demo.ts', '--kept'], { cwd: root, env: bareEnvironment() })
  expect([ended.code, ended.stdout]).toEqual([2, 'npm run demo [-- --keep | --push NAME]; not --kept\n'])
})
