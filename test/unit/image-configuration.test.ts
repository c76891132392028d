import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { readable } from '../../src/tools/image-configuration.ts'
import { parseReport } from '../../src/tools/trivy-report.ts'
import { packagesOnly } from '../../src/tools/trivy-rewritten.ts'

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

describe('a report as its readers get it', () => {
  const ArtifactName = 'registry.example/team/shop:launchway-831920'
  const secret = (RuleID: string, ...lines: readonly string[]): object => ({
    ...{ RuleID, Severity: 'HIGH', Match: lines[0] },
    Code: { Lines: lines.map((Content, index) => ({ Number: index + 1, Content, Highlighted: Content, IsCause: index === 0 })) },
  })
  const misconfiguration = (...lines: readonly string[]): object => ({
    ...{ ID: 'DS-0031', Severity: 'HIGH' },
    CauseMetadata: { Code: { Lines: lines.map((Content) => ({ Content, Highlighted: `\u001B[38m${Content}` })) } },
  })
  const read = (...Results: readonly object[]): string => readable(JSON.stringify({ ArtifactName, Results }))

  it('has no value of ENV and ARG, also of several lines, and what RUN says as it is', () => {
    const Misconfigurations = [
      misconfiguration('ENV KEY="-----BEGIN', 'hidden', '-----END"'),
      misconfiguration('ARG PASSWORD=hidden'),
      misconfiguration('RUN apk add curl'),
    ]
    const excepted = { Type: 'misconfiguration', Finding: misconfiguration('ENV OLD hidden') }
    const image = { Target: ArtifactName, Class: 'config', Type: 'dockerfile', Misconfigurations, ExperimentalModifiedFindings: [excepted] }
    const text = read(image, { ...image, Target: 'app/Dockerfile' })
    expect(text).not.toContain('hidden')
    expect([...text.matchAll(/"Content":"([^"]*)"/g)].map(([, line]) => line)).toEqual(
      Array.from({ length: 2 }, () => ['ENV KEY=****', 'ARG PASSWORD=****', 'RUN apk add curl', 'ENV OLD=****']).flat(),
    )
  })

  it('has of a secret in the configuration the variable, and nothing that stands around it', () => {
    const Secrets = [secret('pat', '  "A=********hidden",', '  "OTHER=hidden"'), secret('pat', '-H ******** --user me:hidden')]
    const excepted = { Type: 'secret', Finding: secret('key', '  "B=********",', '"C=hidden"') }
    const text = read({ Target: ArtifactName, Class: 'secret', Secrets, ExperimentalModifiedFindings: [excepted] })
    expect(text).not.toContain('hidden')
    expect([...text.matchAll(/"(?:Match|Content)":"([^"]*)"/g)].map(([, line]) => line)).toEqual([
      'A=****',
      'A=****',
      '****',
      '****',
      'B=****',
      'B=****',
    ])
  })

  it('has of a secret in a file no part of the value that its rule overlooks, and no line around it', () => {
    const text = read({
      Target: '/app/.env',
      Class: 'secret',
      Secrets: [secret('stripe', 'KEY="********hidden" # of the shop', 'NEXT=hidden')],
    })
    expect(text).not.toContain('hidden')
    expect(text).toContain('KEY=\\"**************\\" # of the shop')
  })

  it('is not made of what cannot be read', () => {
    expect(() => readable('{"Results":[{"Secrets":[{}]}]}')).toThrow('RuleID')
  })
})

it('what an SBOM is made of has packages and labels, and nothing else of what was looked for and of the configuration', () => {
  const config = { Env: ['KEY=hidden'], Labels: { vendor: 'team' } }
  const Metadata = { ImageID: 'sha256:1', ImageConfig: { architecture: 'amd64', config, history: [{ created_by: 'ENV KEY=hidden' }] } }
  const packages = { Target: 'Python', Class: 'lang-pkgs', Packages: [{ Name: 'httpx' }] }
  const Results = [
    { ...packages, Vulnerabilities: ['hidden'], ExperimentalModifiedFindings: ['hidden'] },
    { Target: 'x', Class: 'secret', Secrets: [{ Match: 'hidden' }] },
  ]
  expect(JSON.parse(packagesOnly(JSON.stringify({ Metadata, Results })))).toEqual({
    Metadata: { ImageID: 'sha256:1', ImageConfig: { config: { Labels: { vendor: 'team' } } } },
    Results: [packages],
  })
})
