import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { readable } from '../../src/tools/image-configuration.ts'
import { parseReport } from '../../src/tools/trivy-report.ts'

describe('what Trivy finds in the configuration of an image', () => {
  const report = (of: object): string => JSON.stringify({ SchemaVersion: 2, ...of })
  const ArtifactName = 'registry.example:5000/team/shop:launchway-831920'
  const of = (...matches: readonly string[]): (string | undefined)[] => {
    const Secrets = matches.map((Match, index) => ({ RuleID: 'pat', Severity: 'HIGH', StartLine: index + 1, Match }))
    const text = report({ ArtifactName, Results: [{ Target: ArtifactName, Class: 'secret', Secrets }] })
    return parseReport(text)?.findings.map((found) => `${found.package} ${found.installed}`) ?? []
  }

  it.each<[string, string[], string[]]>([
    ['by its variable, in Env and in the history', ['  "A_KEY=********",', '"created_by": "ENV A_KEY=********",'], ['A_KEY', 'A_KEY']],
    ['where the line is cut within the name', ['  "A_KEY=********",', '_KEY=******** B=x'], ['A_KEY', 'A_KEY']],
    ['beside another in one line', ['  "B=********",', 'y": "ENV A=******** B=********"'], ['B', 'B']],
    ['in the history alone', ['y": "ENV A=********"'], ['A']],
    ['where the whole name is nowhere', ['_KEY=********"'], ['']],
    ['in what ran', [String.raw`-c curl -H \"****************\" # buildkit"`], ['']],
  ])('has a secret known %s', (_, matches, names) => {
    expect(of(...matches)).toEqual(names.map((name) => `image-configuration ${name}`))
  })

  it('has it known by a variable also where an exception let the other one pass', () => {
    const [env, history] = ['  "A_KEY=********",', 'KEY=********"'].map((Match) => ({ RuleID: 'pat', Severity: 'HIGH', Match }))
    const ExperimentalModifiedFindings = [{ Type: 'secret', Status: 'ignored', Finding: env }]
    const Results = [{ Target: ArtifactName, Class: 'secret', Secrets: [history], ExperimentalModifiedFindings }]
    expect(parseReport(report({ ArtifactName, Results }))?.findings.map(({ installed }) => installed)).toEqual(['A_KEY', 'A_KEY'])
  })

  it('is in the same place for each build, a misconfiguration with its variable', () => {
    const one = { ID: 'DS-0031', Severity: 'CRITICAL', Message: 'Possible exposure of secret env "A_KEY" in ENV' }
    const two = { ID: 'DS-0002', Severity: 'HIGH', Message: 'Specify at least 1 USER command' }
    const Results = [
      { Target: ArtifactName, Class: 'config', Misconfigurations: [one, two] },
      { Target: 'app/Dockerfile', Class: 'config', Misconfigurations: [one] },
      { Target: ArtifactName, Class: 'os-pkgs', Packages: [] },
    ]
    const text = report({ ArtifactName, Results })
    expect(parseReport(text)?.findings.map((found) => [found.id, found.package, found.installed])).toEqual([
      ['DS-0031', 'image-configuration', 'A_KEY'],
      ['DS-0002', 'image-configuration', ''],
      ['DS-0031', 'app/Dockerfile', ''],
    ])
    const { Results: shown } = z.object({ Results: z.array(z.object({ Target: z.string() })) }).parse(JSON.parse(readable(text)))
    expect(shown.map(({ Target }) => Target)).toEqual(['image-configuration', 'app/Dockerfile', ArtifactName])
  })
})
