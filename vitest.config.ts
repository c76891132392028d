import { defineConfig } from 'vitest/config'
import { ofCampaign } from './test/support/parts.ts'
import { scenarios } from './test/support/scenarios.ts'

/**
 * Tests that talk to the lab share its two hosts' ports and two cores: one file at a time. Several labs share the
 * machine, so what is waited for may take longer than the second that `expect.poll` has by default.
 */
const real = {
  globalSetup: ['test/lab.ts'],
  testTimeout: 120_000,
  hookTimeout: 180_000,
  fileParallelism: false,
  expect: { poll: { timeout: 20_000 } },
}

/** What runs on a host: the longest of the contracts, so it goes beside the others. */
const hosts = 'test/contract/host-*.test.ts'
/** What runs on a cluster, in a lab of its own shape. */
const swarm = 'test/contract/swarm-*.test.ts'

const isCampaign = process.env['LAUNCHWAY_CAMPAIGN'] !== undefined

export default defineConfig({
  test: {
    // A tag that is not in the list is an error.
    tags: scenarios.map(({ name, description }) => ({ name, description })),
    projects: [
      // No test leaves anything to the next, so they may share what was loaded; and nothing else runs beside them.
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          setupFiles: ['test/unit/support/properties.ts'],
          isolate: false,
          maxWorkers: '100%',
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      { test: { name: 'contract', include: ['test/contract/**/*.test.ts'], exclude: [hosts, swarm], ...real } },
      { test: { name: 'hosts', include: [hosts], ...real } },
      { test: { name: 'swarm', include: [swarm], ...real, globalSetup: ['test/lab-swarm.ts'] } },
      { test: { name: 'e2e', include: ['test/e2e/**/*.test.ts'], exclude: isCampaign ? [] : ofCampaign, ...real } },
    ],
  },
})
