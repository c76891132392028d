import { describe, expect, it } from 'vitest'
import type { Service } from '../../src/core/deployment.ts'
import { definitionsFile, unchangedOn } from '../../src/deploy/definition.ts'
import { planHost } from '../../src/deploy/plan.ts'
import type { Wanted } from '../../src/deploy/wanted.ts'
import { data, environment, host, service, wanted } from './support/deploy.ts'

const bound = ['--log-opt', 'max-size=10m', '--log-opt', 'max-file=3']
const keeping = host({ data: data({ keepsAllLogs: true }) })

/** The options for logs that a container is made with. */
function logsOf(of: Service, seen = keeping): string[] {
  const { calls } = planHost(wanted([of]), seen, 'a')
  const words = calls.find(([name]) => name === 'create') ?? []
  return words.flatMap((word, index) => (word.startsWith('--log-') ? [word, words[index + 1] ?? ''] : []))
}

describe('what a container says', () => {
  it('has a bound where the engine would keep all of it', () => {
    expect(logsOf(service())).toEqual(bound)
    const cron = { lacks: [], said: '', of: undefined, lines: new Map<string, string>() }
    expect(logsOf(service({ cron: '0 * * * *', restart: 'no' }), { ...keeping, cron })).toEqual(bound)
    expect(logsOf(service(), host({ data: data() }))).toEqual([])
    expect(logsOf(service(), host())).toEqual([])
  })

  it('is kept as the service says, if it says anything', () => {
    expect(logsOf(service({ logging: { driver: 'json-file', options: {} } }))).toEqual(['--log-driver', 'json-file'])
    expect(logsOf(service({ logging: { options: { 'max-size': '1g' } } }))).toEqual(['--log-opt', 'max-size=1g'])
  })

  it('is no part of what a container is made from: none of a project is replaced for it', () => {
    const project = { name: 'p', pulled: {}, networks: {}, volumes: {}, external: { networks: [], volumes: [], paths: [] } }
    const of: Wanted = wanted([], { environment: environment([service()], { project }) })
    const given = { secrets: new Map() }
    const [name = '', key = '', digest = ''] = definitionsFile(of, given).trim().split(' ')
    const there = [{ name: 'container', service: name, definition: { key, digest } }]
    expect(unchangedOn({ ...of, boundsLogs: true }, given, there)).toEqual(new Set(['container']))
  })
})
