import { expect, it } from 'vitest'
import { labNames } from '../../lab/lab.ts'
import { root } from '../../lab/paths.ts'
import { bareEnvironment, run } from './support/programs.ts'

it('the demo releases twice, shows what answers, and takes everything away', async () => {
  const before = labNames()
  const env = { ...bareEnvironment(), LAUNCHWAY_CACHE: process.env['LAUNCHWAY_CACHE'] ?? '' }
  const ended = await run(process.execPath, ['lab/demo.ts'], { cwd: root, env })
  expect(ended.code, ended.stdout + ended.stderr).toBe(0)
  expect(ended.stdout).toContain('Hello from version 1')
  expect(ended.stdout.match(/hello main is live in production: http:\/\/127\.0\.0\.1:\d+/g)).toHaveLength(2)
  expect(ended.stdout).toMatch(/demo: \d+ requests answered "Hello from version 2"/)
  expect(labNames().filter((name) => !before.includes(name))).toEqual([])
})
