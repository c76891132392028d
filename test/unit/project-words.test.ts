import { expect, it } from 'vitest'
import type { Environment } from '../../src/core/deployment.ts'
import { projectRows } from '../../src/core/project-words.ts'
import { showPlan } from '../../src/plan/show.ts'
import { composed, onlySecret, placeholderFor, secretsIn, shownSecrets } from '../../src/plan/project-placeholders.ts'
import { summary } from '../../src/report/summary.ts'
import { digest, environment, record, service } from './support/deploy.ts'

const stack: Environment = environment(
  [
    service({ name: 'migrate', image: 'app', once: true, after: [{ name: 'db', until: 'healthy' }] }),
    service({ name: 'web', image: 'app', behind: 'proxy', after: [{ name: 'migrate', until: 'completed' }] }),
    service({ name: 'proxy', image: 'nginx', port: 80, publish: '8080', ports: ['8443:443'] }),
    service({ name: 'beat', image: 'app', overlap: false }),
  ],
  {
    accessories: [
      {
        name: 'db',
        image: `postgres:15@${digest}`,
        health: { timeoutMs: 1, settleMs: 1 },
        env: {},
        secrets: [],
        volumes: [],
        networks: [],
        stopTimeoutMs: 1,
        labels: {},
        options: [],
        restart: 'no',
        envFiles: [],
      },
    ],
    project: {
      name: 'shop',
      pulled: { nginx: `nginx:1@${digest}` },
      networks: {},
      volumes: {},
      external: { networks: [], volumes: [], paths: [] },
    },
  },
)

it('what a project is on the hosts is told row by row', () => {
  expect(projectRows(stack).map(({ name, kind, image, how }) => [name, kind, image, how])).toEqual([
    ['db', 'accessory', 'postgres:15@sha256:dddddddddddd', 'keeps its data, and releases leave it alone'],
    ['migrate', 'once', 'app (built here)', 'once for each release; after db is healthy'],
    ['web', 'service', 'app (built here)', 'after migrate has ended well; behind proxy'],
    [
      'proxy',
      'service',
      'nginx:1@sha256:dddddddddddd',
      'publishes 8080:80, 8443:443; when it is replaced the old one stops first: a port has one holder',
    ],
    ['beat', 'service', 'app (built here)', 'when it is replaced the old one stops first: two must not overlap'],
  ])
})

it('the plan and the summary show it, and nothing of it without a project', () => {
  const release = record()
  const planned = { ...release, plan: { ...release.plan, environment: stack } }
  expect(showPlan(planned)).toContain('postgres:15@sha256:dddddddddddd; keeps its data, and releases leave it alone')
  expect(summary(planned)).toContain('| `migrate` | once | `app (built here)` | once for each release; after db is healthy |')
  expect(summary(release)).not.toContain('of the project')
})

it('a placeholder stands for a secret until it is kept by its name', () => {
  const [a, b] = [placeholderFor('A'), placeholderFor('B_2')]
  expect(composed(`$5 ${a}:${b}$`)).toBe('$$5 ${A}:${B_2}$$')
  expect(secretsIn({ x: [`1${b}`], y: { z: a } })).toEqual(['B_2', 'A'])
  expect([onlySecret(a), onlySecret(`${a} `), onlySecret(a + b), onlySecret('A')]).toEqual(['A', undefined, undefined, undefined])
  expect(shownSecrets(`port ${a}`)).toBe('port ${A}')
})
