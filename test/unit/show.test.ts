import { describe, expect, it } from 'vitest'
import { showRecord } from '../../src/report/record.ts'
import { digest, record } from './support/deploy.ts'

describe('what a record says in a few lines', () => {
  const of = record()

  it('is the release, where it came from, its digests and its verdicts', () => {
    const image = { name: 'app', key: '0'.repeat(32), how: 'built' as const, size: 1, layers: 1, ms: 1 }
    const shown = showRecord({
      ...of,
      build: {
        builder: 'b',
        images: [{ ...image, config: { 'linux/amd64': digest }, registries: { 'registry.example.org/addie': { digest, mediaType: 'm' } } }],
      },
      smoke: { project: 'p', services: [], checks: [{ name: 'web', passed: true, ms: 1 }], verdict: 'passed', ms: 1 },
      scan: {
        tool: { name: 'trivy', version: '0.71.2' },
        database: { updated: '2026-11-20T00:00:00Z' },
        lists: [{ kind: 'kev', path: 'kev.json', made: '2026-11-19T00:00:00Z', entries: 1450, digest }],
        images: [],
        rules: [{ rule: 'CRITICAL', action: 'fail', passed: false, findings: ['CVE-1'] }],
        exceptions: [],
        reports: [],
        verdict: 'failed',
        ms: 1,
      },
      push: { references: [{ reference: 'registry.example.org/addie:v1', digest }], ms: 1 },
    })
    expect(shown).toContain(`release  addie master (${of.id}), planned ${of.created}\n`)
    expect(shown).toContain('from     refs/heads/master at bbbbbbb00000, push\n')
    expect(shown).toContain(`         configuration linux/amd64 ${digest}\n         registry.example.org/addie@${digest}\n`)
    expect(shown).toContain('smoke    passed, 1 checks\n')
    expect(shown).toContain(
      `scan     failed, 0 findings by trivy 0.71.2 with the database of 2026-11-20T00:00:00Z and kev.json (2026-11-19T00:00:00Z, 1450 vulnerabilities, ${digest}), broken: CRITICAL\n`,
    )
    expect(shown).toContain(`tag      registry.example.org/addie:v1 ${digest}\n`)
  })

  it('says why a gate was not run', () => {
    const stages = { ...of.plan.stages, scan: { run: false, reason: 'scan: false' } }
    expect(showRecord({ ...of, plan: { ...of.plan, stages } })).toContain('scan     scan: false\n')
  })

  it('does not say of a gate that was to run, and did not, why it was to', () => {
    expect(showRecord({ ...of, outcome: { state: 'failed', stage: 'build' } })).toContain('smoke    not run\nscan     not run\n')
  })

  it('names what lies beside its image, by digest; of another release the record too', () => {
    const documents = [
      { image: 'app', kind: 'SBOM (SPDX)', digest },
      { image: 'app', kind: 'release record', digest, release: of.id },
    ]
    expect(showRecord(of, documents)).toContain(`beside   SBOM (SPDX) ${digest}\nbeside   release record ${of.id} ${digest}\n`)
  })
})
