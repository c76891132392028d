import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findingName } from '../../src/core/words.ts'
import type { Release } from '../../src/core/release.ts'
import { keepPage, page } from '../../src/report/page.ts'
import { summary } from '../../src/report/summary.ts'
import { fakeFiles } from '../fakes/files.ts'
import { fakeLog } from '../fakes/log.ts'
import { digest, record } from './support/deploy.ts'
import { httpx, scanned } from './support/scanned.ts'

/** What a page is made of: nothing else may come out of what others wrote. */
const known =
  /<!doctype html>|<\/?(?:html|head|body|meta|title|style|h[1-6]|p|table|thead|tbody|tr|th|td|code|pre|strong|em|details|summary)\b[^<>]*>/gi

const failed = (message: string, evidence: string): Release =>
  record({ outcome: { state: 'failed', stage: 'deploy', code: 'DEPLOY_ROLLED_BACK', message, evidence } })

describe('the page of a release', () => {
  it('says what the summary says, in tables, and what failed with its evidence', async () => {
    const html = await page(failed('web: healthy failed', 'Traceback\n  <module>\nKeyError: "DATABASE_URL"'))
    expect(html).toContain('<h2>addie master@\u200Bbbbbbbb failed</h2>')
    expect(html).toContain('<strong><code>DEPLOY_ROLLED_BACK</code></strong> in deploy: web: healthy failed')
    expect(html).toContain('Traceback\n  &lt;module&gt;\nKeyError: &quot;DATABASE_URL&quot;')
    expect(html).toContain('<th>stage</th>')
  })

  it('lists every finding, of which a summary shows fifty', async () => {
    const findings = Array.from({ length: 300 }, (_, index) => ({ ...httpx, id: `CVE-2026-${index}` }))
    const rules = [
      {
        ...scanned.rules[0],
        rule: 'any',
        action: 'fail' as const,
        passed: false,
        findings: findings.map((one) => findingName('app', one)),
      },
    ]
    const html = await page(record({ scan: { ...scanned, images: [{ name: 'app', config: digest, findings }], rules } }))
    expect(html.match(/<td><code>CVE-2026-/g)).toHaveLength(2 * 300)
    expect(html).toContain('All that was found in app')
    expect(html).not.toContain('more that block')
  })

  it('has all that a failed check showed, of which a summary shows 2,000 characters', async () => {
    const evidence = `begins\n${'x'.repeat(3_000)}\nends`
    const checks = [{ name: 'home', passed: false, ms: 1, evidence }]
    const failed = record({ smoke: { project: 'p', services: [], checks, verdict: 'failed', ms: 1 } })
    expect(await page(failed)).toContain(evidence)
    expect(summary(failed)).not.toContain('ends')
  })

  it('loads nothing, runs nothing, and is the same whenever it is made', async () => {
    const html = await page(record({ scan: scanned }))
    expect(html).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`)
    expect(html).not.toMatch(/<(?:script|link|img|iframe|a|form)\b/i)
    expect(await page(record({ scan: scanned }))).toBe(html)
  })

  it.each([
    '<script>alert(1)</script>',
    '</code></pre><img src=x onerror=alert(1)>',
    '[x](javascript:alert(1)) <a href="javascript:1">',
    '```\n</details><h1>passed</h1>',
    '<!-- | a | b |\n# passed -->',
    'https://evil.example.org/ www.evil.example.org',
  ])('makes text of %j', async (text) => {
    expect((await page(failed(text, text))).replaceAll(known, '')).not.toMatch(/<(?!\/?style)/)
  })

  it('makes text of whatever others wrote', async () => {
    const bits = fc.constantFrom(
      '<',
      '>',
      '&',
      '"',
      '`',
      '```',
      '\n',
      '|',
      '[',
      '](',
      ')',
      '#',
      '*',
      '_',
      '\\',
      '<b>',
      '</details>',
      '<!--',
      'x',
      ' ',
      '~~~',
    )
    await fc.assert(
      fc.asyncProperty(fc.array(bits, { maxLength: 24 }), async (parts) => {
        const html = await page(failed(parts.join(''), parts.join('')))
        expect(html.replaceAll(known, '')).not.toContain('<')
      }),
    )
  })

  it('is kept beside the rest of the evidence', async () => {
    const [files, log] = [fakeFiles(), fakeLog()]
    expect(await keepPage(record(), { evidence: '/state/launchway-evidence', files, log })).toBe('/state/launchway-evidence/report.html')
    expect((await files.read('/state/launchway-evidence/report.html'))?.toString()).toBe(await page(record()))
    expect(log.said('warning')).toEqual([])
  })

  it('that cannot be kept is a warning with the path and the reason, and no failure', async () => {
    const log = fakeLog()
    const full = (): Promise<void> => Promise.reject(Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' }))
    expect(await keepPage(record(), { evidence: '/state', files: { ...fakeFiles(), write: full }, log })).toBeUndefined()
    expect(log.said('warning')).toEqual([expect.stringMatching(/\/state\/report\.html: ENOSPC: no space left on device/)])
  })
})
