import { describe, expect, it } from 'vitest'
import type { ScanRule } from '../../src/core/gates.ts'
import type { Asked } from '../../src/core/scan-rule.ts'
import { explain } from '../../src/scan/gate.ts'

const finding = (of: Partial<Asked>): Asked => ({
  ...{ class: 'os', id: 'CVE-2026-0001', severity: 'HIGH', package: 'openssl', installed: '1.0', status: 'new' },
  ...of,
})
const rule: ScanRule = { action: 'fail', classes: ['os', 'library'], packages: [], ids: [] }

describe('a finding that blocks', () => {
  it.each<[Partial<Asked>, string]>([
    [{ class: 'secret', package: 'image-configuration', installed: 'KEY', title: 'A key' }, "A key, KEY in the image's configuration"],
    [{ class: 'secret', package: 'image-configuration', installed: '', title: 'A key' }, "A key, in the image's configuration"],
    [{ class: 'misconfig', package: 'app/Dockerfile', installed: '', title: 'Image user' }, 'Image user'],
    [{ class: 'license', package: 'copyleft', installed: '', title: 'restricted' }, 'restricted license'],
    [{ class: 'secret', package: '/k', installed: '' }, 'secret'],
  ])('that is no vulnerability is told by what it is: %j', (of, text) => {
    const { hint } = explain([{ image: 'app', finding: finding(of), rule }], 'x')
    expect(hint).toContain(`  ${text}  (`)
  })
})
