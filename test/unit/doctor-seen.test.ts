import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LaunchwayError } from '../../src/core/error.ts'
import { skew } from '../../src/deploy/examine.ts'
import { type Finding, judge, severities, topicNames } from '../../src/doctor/finding.ts'
import type { Machine } from '../../src/doctor/look/machine.ts'
import { variablesIn } from '../../src/doctor/look/render.ts'
import { githubRules } from '../../src/doctor/rules/github.ts'
import { hostRules, keyRules } from '../../src/doctor/rules/host.ts'
import { machineRules } from '../../src/doctor/rules/machine.ts'
import { registryRules } from '../../src/doctor/rules/registry.ts'
import { renderRules } from '../../src/doctor/rules/render.ts'
import { showReport } from '../../src/doctor/show.ts'
import { allRules } from '../../src/doctor/table.ts'
import { told } from './support/doctor.ts'

const there = { version: '28.5.2' }
const machine = (of: Partial<Machine> = {}, tools: [string, { version: string } | { missing: string }][] = []): Machine => ({
  tools: new Map([
    ...(['docker', 'buildx', 'git', 'ssh'] as const).map((name) => [name, there] as const),
    ...tools.map(([name, tool]) => [name as 'git', tool] as const),
  ]),
  engine: there,
  hasCommit: true,
  ...of,
})

describe('doctor says of this machine', () => {
  it.each<[string, Machine, string[]]>([
    ['nothing where all is there', machine(), []],
    [
      'which tool is missing, and what cannot be done without it',
      machine({ engine: undefined }, [
        ['docker', { missing: 'docker is not installed' }],
        ['compose', { missing: "docker: 'compose' is not a docker command." }],
      ]),
      [
        'error tool-missing docker: docker is not there (docker is not installed): nothing can be built',
        "error tool-missing compose: compose is not there (docker: 'compose' is not a docker command.): the stack cannot be started for its test",
      ],
    ],
    [
      'that the engine does not answer, in its words',
      machine({ engine: { missing: 'Is the docker daemon running?' } }),
      ['error engine-silent docker: the Docker engine does not answer: Is the docker daemon running?'],
    ],
    [
      'what is too old',
      machine({ engine: { version: '19.03.15' } }, [['compose', { version: '2.18.1' }]]),
      [
        'error tool-old docker: the Docker engine 19.03.15 is older than 20.10',
        'error tool-old compose: docker compose 2.18.1 is older than 2.19',
      ],
    ],
    ["nothing of a version of somebody's own", machine({ engine: { version: 'dev' } }, [['compose', { version: '2.19.0' }]]), []],
    [
      'that Trivy has to be fetched',
      machine({}, [['trivy', { missing: 'no trivy' }]]),
      ['hint trivy-missing trivy: Trivy is not here yet: the first scan fetches it'],
    ],
    ['that there is no commit', machine({ hasCommit: false }), ['error commit-missing git: there is no commit here']],
    [
      'no more than that git is missing where it is',
      machine({ hasCommit: false }, [['git', { missing: 'no git' }]]),
      ['error tool-missing git: git is not there (no git): nobody knows which commit is released'],
    ],
  ])('%s', (_, seen, expected) => {
    expect(judge(machineRules, seen).map(told)).toEqual(expected)
  })
})

const host = 'deploy@a.example.org'
const well = { lacks: [], held: [], skewMs: 0, freeBytes: 50_000_000_000, absent: [], certificates: [] as string[] }
const seen = (of: Partial<typeof well> & object, imageBytes?: number) =>
  [{ host, environment: 'production', examined: { ...well, ...of }, imageBytes }] as const
const refused = (code: 'SSH_HOST_KEY' | 'SSH_UNREACHABLE' | 'HOST_UNFIT') =>
  [{ host, environment: 'production', refused: new LaunchwayError(code, `it is ${code}`, { hint: 'Do this.' }) }] as const

describe('doctor says of a host', () => {
  it.each<[string, Parameters<(typeof hostRules)[number]['find']>[0], string[]]>([
    ['nothing where all is well', seen({}), []],
    ['that its key is not known', refused('SSH_HOST_KEY'), [`error host-key ${host}: it is SSH_HOST_KEY`]],
    ['that it cannot be reached', refused('SSH_UNREACHABLE'), [`error host-unreachable ${host}: it is SSH_UNREACHABLE`]],
    ['that it does not answer to the end', refused('HOST_UNFIT'), [`error host-unreachable ${host}: it is HOST_UNFIT`]],
    ['that its clock is ahead', seen({ skewMs: 95_000 }), [`warning host-clock ${host}: its clock is 1 min 35 s ahead`]],
    ['that its clock is behind', seen({ skewMs: -3_600_000 }), [expect.stringMatching(/^warning host-clock .* behind$/)]],
    ['nothing of a clock that is nearly right', seen({ skewMs: 29_000 }), []],
    [
      'that little disk is left, where nobody knows the images',
      seen({ freeBytes: 900_000_000 }),
      [`warning host-disk ${host}: 900 MB of disk are free`],
    ],
    [
      'what browsers would say of a certificate',
      seen({ certificates: ['it has ended'] }),
      [`warning host-certificate ${host}: it has ended`],
    ],
    ['nothing of that where the images are known to have room', seen({ freeBytes: 900_000_000 }, 100_000_000), []],
  ])('%s', (_, all, expected) => {
    expect(judge(hostRules, all).map(told)).toEqual(expected)
  })

  it('what known_hosts of the repository does not have', () => {
    const one = { environment: 'production', host, file: '.github/known_hosts', state: 'unknown', onGitHub: true } as const
    expect(judge(keyRules, [one]).map(told)).toEqual([`warning known-hosts-lacks ${host}: .github/known_hosts has no key of it`])
    const none = { ...one, file: undefined, state: 'no file' } as const
    expect(judge(keyRules, [none, { ...none, environment: 'staging' }]).map(told)).toEqual([
      'warning known-hosts-missing .github/known_hosts: there is no .github/known_hosts',
    ])
    expect(judge(keyRules, [{ ...none, onGitHub: false }])).toEqual([])
    expect(judge(keyRules, [{ ...none, file: 'known' }]).map(told)).toEqual(['error known-hosts-missing known: known is not there'])
  })

  it('its clock apart from the time that the question took', () => {
    const at = (ms: number): Date => new Date(1_700_000_000_000 + ms)
    const time = fc.integer({ min: 0, max: 60_000 })
    // The host says whole seconds: within a second of the question there is nothing to say.
    fc.assert(fc.property(time, time, (a, b) => skew(at(Math.min(a, b)), at(Math.min(a, b)), at(Math.max(a, b))) === 0))
    expect(skew(at(-1000), at(0), at(500))).toBe(0)
    expect(skew(at(60_500), at(0), at(500))).toBe(60_000)
    expect(skew(at(-61_000), at(0), at(500))).toBe(-60_000)
  })
})

describe('doctor says of registries, GitHub and compose', () => {
  it('what a registry refuses', () => {
    const of = (code: 'REGISTRY_DENIED' | 'REGISTRY_UNAVAILABLE' | 'SECRET_MISSING') => ({
      repository: 'ghcr.io/team/app',
      refused: new LaunchwayError(code, 'no'),
    })
    expect(judge(registryRules, [of('REGISTRY_DENIED')]).map(told)).toEqual(['error registry-denied ghcr.io/team/app: no'])
    expect(judge(registryRules, [of('SECRET_MISSING')]).map(told)).toEqual(['error registry-denied ghcr.io/team/app: no'])
    expect(judge(registryRules, [of('REGISTRY_UNAVAILABLE')]).map(told)).toEqual(['error registry-unavailable ghcr.io/team/app: no'])
    expect(judge(registryRules, [{ repository: 'ghcr.io/team/app', refused: undefined }])).toEqual([])
  })

  it('what the token may not', () => {
    const token = { repository: 'team/app', isToDeploy: true, mayDeploy: true, refused: undefined }
    expect(judge(githubRules, token)).toEqual([])
    expect(judge(githubRules, { ...token, mayDeploy: false }).map(told)).toEqual([
      'warning github-deployments team/app: the token may not write deployments',
    ])
    // A job with `environment:` has its deployment from GitHub.
    expect(judge(githubRules, { ...token, isToDeploy: false, mayDeploy: false })).toEqual([])
  })

  it('which variables a compose file asks for', () => {
    const text = 'a: ${A} $B $${C} ${D:-x} ${E-x} ${F:+x} # ${G}\n# ${H:?}\nb: "${I:?needed}:${J?}" $$$K\n'
    expect(variablesIn(text)).toEqual([
      { name: 'A', isRequired: false },
      { name: 'B', isRequired: false },
      { name: 'I', isRequired: true },
      { name: 'J', isRequired: true },
      { name: 'K', isRequired: false },
    ])
  })

  it('where compose refuses, and what to do in its words', () => {
    const place = { file: 'compose.yaml', line: 3 }
    const of = new LaunchwayError('CONFIG_INVALID', 'docker compose cannot read compose.yaml', { hint: 'services.a is wrong', place })
    const [found] = judge(renderRules, [{ variables: [{ name: 'A', isRequired: false, at: undefined }], refused: of }]).toReversed()
    expect(found).toMatchObject({ where: place, fix: 'services.a is wrong', severity: 'error' })
  })
})

describe('the rules', () => {
  it('have each a name of their own, a topic, and words for why and what to do', () => {
    const names = allRules.map(({ id }) => id)
    expect(names.length).toBeGreaterThan(40)
    expect(new Set(names).size).toBe(names.length)
    for (const { id, topic, severity, looks, why, fix } of allRules) {
      expect(id).toMatch(/^[a-z]+(-[a-z]+)*$/)
      expect(topicNames).toContain(topic)
      expect(severities).toContain(severity)
      // A sentence for why; what it looks for goes on from "looks for".
      expect(why).toMatch(/[.!]$/)
      expect(looks).not.toMatch(/^[A-Z][a-z]+s |\.$/)
      expect(fix).not.toBe('')
    }
  })
})

describe('a person reads', () => {
  const finding = (of: Partial<Finding>): Finding => ({
    rule: 'script-mode',
    topic: 'image',
    severity: 'error',
    where: { file: 'start.sh', line: 3 },
    what: 'it is not executable',
    why: 'It ends with 126.',
    fix: 'chmod +x',
    fixable: true,
    ...of,
  })

  it('by topic what was found, the common words once, what was not looked at, and one line at the end', () => {
    const report = {
      version: 1 as const,
      findings: [
        finding({}),
        finding({ where: { file: 'b.sh' } }),
        finding({ topic: 'host', severity: 'hint', rule: 'host-held', where: { host: 'a' }, fix: 'one\ntwo', fixable: false }),
        { ...finding({ what: 'mended' }), fixed: true as const },
      ],
      skipped: [{ check: 'the right to push', reason: '--offline' }],
      changes: ['c.sh: mode 644 is now 755'],
      counts: { error: 2, warning: 0, hint: 1 },
    }
    expect(showReport(report)).toBe(`Images and what they start
  error: start.sh:3: it is not executable
  error: b.sh: it is not executable
    It ends with 126.
    → chmod +x
    (script-mode; --fix does it)

Hosts
  hint: a: it is not executable
    It ends with 126.
    → one
      two
    (host-held)

Not looked at
  the right to push: --offline

Changed
  c.sh: mode 644 is now 755

2 errors, 1 hint; 1 check was not made; --fix mends 2
`)
    expect(showReport({ version: 1, findings: [], skipped: [], changes: [], counts: { error: 0, warning: 0, hint: 0 } })).toBe(
      'Nothing found\n',
    )
  })
})
