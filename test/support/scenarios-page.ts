import { accounts, suites } from './places.ts'
import type { Scenario } from './scenarios.ts'

/** A test with tags that ran and passed. */
export interface Told {
  tags: string[]
  /** File and name. */
  test: string
  /** What it ran on, as the hosts of the tests name themselves: `trixie`, `busybox`, `docker group`. */
  on: string[]
}

const columns = [...suites, 'dash', 'busybox', ...accounts] as const

/** docs/reference/scenarios.md: nothing stands there but what a run of the tests has shown. */
export function scenarioPage(scenarios: readonly Scenario[], told: readonly Told[]): string {
  const of = ({ name }: Scenario): Told[] => told.filter(({ tags }) => tags.includes(name))
  const rows = scenarios.map((scenario) => {
    const passed = of(scenario)
    if (passed.length === 0)
      return `| ${scenario.description} | ${scenario.toCome === true ? 'to come' : 'not shown by this run'} |${' |'.repeat(columns.length)}`
    const on = new Set(passed.flatMap((one) => one.on))
    const cells = columns.map((column) => (on.has(column) ? '✓' : '–'))
    return `| ${label(scenario)} | ✓ | ${cells.join(' | ')} |`
  })
  const lists = scenarios
    .filter((scenario) => of(scenario).length > 0)
    .map((scenario) => `**${label(scenario)}**\n\n${[...new Set(of(scenario).map(({ test }) => `- ${test}`))].toSorted().join('\n')}`)
  return [
    '<!-- Made by `node test/run.ts --write-scenarios` from the tests that ran and passed. Do not edit. -->',
    '',
    '# What has been tried, and on which hosts',
    '',
    'A ✓ is a test that ran on such a host and passed; – says that none ran there. bookworm, trixie and forky are the',
    "lab's hosts, with Docker 20.10, 26.1 and 28.5 and nginx 1.22, 1.26 and 1.30. dash and busybox are the shell and the",
    'tools that ran the program on the host, the last three columns the account that deployed. Where a row has a ✓ in its',
    'first column alone, what it says is decided before a host is asked, or is about the connection.',
    '[Every scenario on every host](matrix.md) is what the campaign has run.',
    '',
    `| | passed | ${columns.join(' | ')} |`,
    `|---|${'---|'.repeat(columns.length + 1)}`,
    ...rows,
    '',
    '## The tests',
    '',
    lists.join('\n\n'),
    '',
  ].join('\n')
}

function label({ name, description }: Scenario): string {
  return name.includes('#') ? `${description} (${name})` : description
}

/** What must be mended before the page may be believed. */
export function untold(scenarios: readonly Scenario[], told: readonly Told[]): string[] {
  return scenarios.flatMap(({ name, toCome }) => {
    const has = told.some(({ tags }) => tags.includes(name))
    if (toCome === true && has) return [`the scenario ${name} is no longer to come: test/support/scenarios.ts`]
    return has || toCome === true ? [] : [`the scenario ${name} has no test that ran and passed`]
  })
}
