import { describe, expect, it } from 'vitest'
import {
  convert,
  downloadDatabase,
  downloadJavaDatabase,
  listPackages,
  parseDatabaseMetadata,
  parseVersion,
  reasonOf,
  scanImage,
  scanList,
  version,
} from '../../src/tools/trivy.ts'
import { parseHidden, parseReport } from '../../src/tools/trivy-report.ts'
import { unfiltered } from '../../src/tools/trivy-rewritten.ts'

const trivy = { file: '/usr/bin/trivy', cacheDir: '/cache', cwd: '/empty' }
const loud = ['--cache-dir', '/cache', '--timeout', '30m']
const first = [...loud, '--quiet']
const scanned = [
  ...[...loud, 'image', '--format', 'json', '--output', '/out', '--list-all-pkgs', '--show-suppressed', '--exit-code', '0'],
  ...['--scanners', 'vuln', '--skip-db-update', '--no-progress', '--skip-version-check', '--disable-telemetry'],
]
const kept = '--skip-java-db-update'

describe('a call of Trivy', () => {
  it.each([
    ['an image of the engine', { image: { reference: 'a/b:1', from: 'docker' } }, ['--image-src', 'docker', 'a/b:1']],
    [
      'an image of a registry',
      { image: { reference: 'a/b@sha256:0', from: 'remote' }, platform: 'linux/arm64', insecure: false, ca: '/ca.pem' },
      ['--platform', 'linux/arm64', '--cacert', '/ca.pem', '--image-src', 'remote', 'a/b@sha256:0'],
    ],
    [
      'a registry without TLS',
      { image: { reference: 'a/b@sha256:0', from: 'remote' }, insecure: true },
      ['--insecure', '--image-src', 'remote', 'a/b@sha256:0'],
    ],
    ['an archive', { image: { archive: '/image.tar' } }, ['--input', '/image.tar']],
    [
      'exceptions',
      { image: { archive: '/image.tar' }, ignoreFile: '/x/.trivyignore.yaml', vex: ['/x/a.json', '/x/b.json'] },
      ['--ignorefile', '/x/.trivyignore.yaml', '--vex', '/x/a.json', '--vex', '/x/b.json', '--input', '/image.tar'],
    ],
    ['without a network', { image: { archive: '/image.tar' }, offline: true }, ['--offline-scan', '--input', '/image.tar']],
  ] as const)('scans %s', (_, asked, rest) => {
    const { file, args, cwd } = scanImage(trivy, { output: '/out', scanners: ['vuln'], ...asked })
    expect([file, cwd, ...args.filter((word) => word !== kept)]).toEqual(['/usr/bin/trivy', '/empty', ...scanned, ...rest])
    expect(args).toContain(kept)
  })

  it('lists the packages of an image whose system it does not know', () => {
    expect(listPackages(trivy, { output: '/out', image: { reference: 'a/b:1', from: 'docker' } }).args).toEqual([
      ...[...first, 'image', '--format', 'cyclonedx', '--output', '/out', '--offline-scan', '--skip-java-db-update', '--no-progress'],
      ...['--skip-version-check', '--disable-telemetry', '--image-src', 'docker', 'a/b:1'],
    ])
    const list = (type: string): object => ({ properties: [{ name: 'aquasecurity:trivy:PkgType', value: type }] })
    expect(parseHidden(JSON.stringify({ components: [list('none'), list('none'), list('python-pkg'), {}] }))).toBe(2)
    expect(parseHidden('{}')).toBe(0)
    expect(parseHidden('<html>')).toBeUndefined()
  })

  it('looks for secrets in the configuration of the image as well', () => {
    const { args } = scanImage(trivy, { output: '/out', scanners: ['secret'], image: { archive: '/i' } })
    expect(args.join(' ')).toContain(' --image-config-scanners secret ')
    expect(args).not.toContain('--skip-check-update')
  })

  it('looks for misconfigurations of the image itself, by the checks that are part of it', () => {
    const { args } = scanImage(trivy, { output: '/out', scanners: ['vuln', 'secret', 'misconfig'], image: { archive: '/i' } })
    expect(args.join(' ')).toContain('--scanners vuln,secret,misconfig ')
    expect(args.join(' ')).toContain(' --image-config-scanners misconfig,secret --skip-check-update ')
  })

  it.each([
    ['sarif', 'sarif'],
    ['table', 'table'],
    ['cyclonedx', 'cyclonedx'],
    ['spdx', 'spdx-json'],
    ['json', 'json'],
  ] as const)('makes %s of a report', (kind, format) => {
    expect(convert(trivy, { from: '/report.json', to: '/out', kind }).args).toEqual([
      ...[...first, 'convert', '--format', format, '--output', '/out', '--exit-code', '0', '/report.json'],
    ])
  })

  it('says at the head of a table what was looked for', () => {
    expect(convert(trivy, { from: '/report.json', to: '/out', kind: 'table', scanners: ['vuln', 'secret'] }).args).toEqual([
      ...[...first, 'convert', '--format', 'table', '--scanners', 'vuln,secret', '--output', '/out', '--exit-code', '0', '/report.json'],
    ])
  })

  it('fetches a database, from a mirror or from where Trivy has its own', () => {
    const fetching = [...first, 'image', '--download-db-only', '--no-progress', '--skip-version-check', '--disable-telemetry']
    expect(downloadDatabase(trivy).args).toEqual(fetching)
    expect(downloadDatabase(trivy, { repository: 'ghcr.io/team/trivy-db:2', ca: '/ca.pem' }).args).toEqual([
      ...fetching,
      ...['--db-repository', 'ghcr.io/team/trivy-db:2', '--cacert', '/ca.pem'],
    ])
    expect(downloadJavaDatabase(trivy, { repository: '127.0.0.1:5000/java:1', insecure: true }).args).toEqual([
      ...[...first, 'image', '--download-java-db-only', '--no-progress', '--skip-version-check', '--disable-telemetry'],
      ...['--java-db-repository', '127.0.0.1:5000/java:1', '--insecure'],
    ])
  })

  it('fetches the database without TLS where it is told so', () => {
    const [plain, secure] = [true, false].map(
      (insecure) => downloadDatabase(trivy, { repository: 'mirror:5000/trivy-db:2', insecure }).args,
    )
    expect([plain?.includes('--insecure'), secure?.includes('--insecure')]).toEqual([true, false])
  })

  it('looks in a list, and says its version', () => {
    expect(scanList(trivy, '/list.json').args).toEqual([
      ...[...first, 'sbom', '--format', 'json', '--scanners', 'vuln', '--skip-db-update', '--offline-scan'],
      ...['--cache-backend', 'memory', '--skip-version-check', '--disable-telemetry', '/list.json'],
    ])
    expect(version(trivy).args).toEqual([...first, 'version', '--format', 'json'])
  })

  it('takes from the environment how to reach something, and nothing else that Trivy would', () => {
    const { env, drops } = downloadDatabase(trivy, { env: { DOCKER_CONFIG: '/logins' } })
    expect(env).toEqual({ DOCKER_CONFIG: '/logins' })
    expect(drops).toEqual({
      prefix: 'TRIVY_',
      but: ['TRIVY_INSECURE', 'TRIVY_CACERT', 'TRIVY_USERNAME', 'TRIVY_PASSWORD', 'TRIVY_REGISTRY_TOKEN', 'TRIVY_PARALLEL'],
    })
    expect(scanImage(trivy, { output: '/out', scanners: ['vuln'], image: { archive: 'x' } }).drops).toEqual(drops)
  })
})

describe("Trivy's report", () => {
  const digest = `sha256:${'a'.repeat(64)}`
  const report = (of: object): string => JSON.stringify({ SchemaVersion: 2, Metadata: { ImageID: digest }, ...of })

  it('gives what was scanned, how much of it was seen, and what was found', () => {
    const found = parseReport(
      report({
        Metadata: { ImageID: digest, OS: { Family: 'debian', Name: '9.13', EOSL: true } },
        Results: [
          {
            Class: 'os-pkgs',
            Packages: [
              { Name: 'zlib1g', ID: 'zlib1g@1', Identifier: { PURL: 'pkg:deb/debian/zlib1g@1?distro=debian-12.5' } },
              { Name: 'x', Version: '2' },
            ],
            Vulnerabilities: [
              {
                ...{ VulnerabilityID: 'CVE-1', PkgName: 'zlib1g', InstalledVersion: '1', Severity: 'HIGH', Title: '' },
                ...{ PublishedDate: '2026-11-01T00:00:00Z', Layer: { DiffID: 'sha256:1' } },
                PkgIdentifier: { PURL: 'pkg:deb/debian/zlib1g@1?distro=debian-12.6' },
              },
            ],
          },
          {
            Class: 'lang-pkgs',
            Packages: [{ Name: 'httpx', Version: '2', ID: 'httpx@2' }],
            Vulnerabilities: [
              {
                ...{ VulnerabilityID: 'CVE-2', PkgName: 'httpx', InstalledVersion: '2', FixedVersion: '3', Severity: 'LOW', Title: 't' },
                ...{ PkgID: 'httpx@2', PublishedDate: '0001-01-01T00:00:00Z' },
              },
            ],
          },
          { Class: 'lang-pkgs' },
        ],
      }),
    )
    expect(found).toEqual({
      imageId: digest,
      os: { family: 'debian', name: '9.13', ended: true },
      packages: { os: 2, others: 1 },
      packageKeys: ['pkg:deb/debian/zlib1g@1', 'x@2', 'httpx@2'],
      layers: [],
      findings: [
        {
          ...{ class: 'os', id: 'CVE-1', severity: 'HIGH', package: 'zlib1g', installed: '1', packageKey: 'pkg:deb/debian/zlib1g@1' },
          ...{ published: Date.parse('2026-11-01T00:00:00Z'), layer: 'sha256:1' },
        },
        { class: 'library', id: 'CVE-2', severity: 'LOW', package: 'httpx', installed: '2', fixed: '3', title: 't', packageKey: 'httpx@2' },
      ],
    })
  })

  const secret = { RuleID: 'aws', Severity: 'CRITICAL', Title: 'AWS key', StartLine: 3 }
  const others = [
    { Target: '/app/.env', Class: 'secret', Secrets: [secret] },
    {
      ...{ Target: 'image', Class: 'config' },
      Misconfigurations: [
        { ID: 'DS-2', Severity: 'HIGH', Status: 'FAIL' },
        { ID: 'DS-3', Severity: 'HIGH', Status: 'PASS' },
      ],
    },
    { Target: 'OS Packages', Class: 'license', Licenses: [{ Name: 'GPL-3.0', Severity: 'HIGH', Category: 'restricted', PkgName: 'bash' }] },
  ]

  it('gives secrets, misconfigurations that there are, and licences, by the file or the package', () => {
    expect(parseReport(report({ Results: others }))?.findings).toEqual([
      { class: 'secret', id: 'aws', severity: 'CRITICAL', package: '/app/.env', installed: 'line 3', title: 'AWS key' },
      { class: 'misconfig', id: 'DS-2', severity: 'HIGH', package: 'image', installed: '' },
      { class: 'license', id: 'GPL-3.0', severity: 'HIGH', package: 'bash', installed: '', title: 'restricted' },
    ])
  })

  const vulnerability = { VulnerabilityID: 'CVE-1', PkgName: 'zlib1g', InstalledVersion: '1', Severity: 'HIGH' }
  const filtered = {
    ...{ Target: 'debian', Class: 'os-pkgs' },
    ExperimentalModifiedFindings: [
      { Type: 'vulnerability', Status: 'ignored', Statement: 'why', Source: '/x/.trivyignore.yaml', Finding: vulnerability },
    ],
  }

  it('gives what an exception took out, with the reason', () => {
    expect(parseReport(report({ Results: [filtered] }))?.findings).toMatchObject([
      { class: 'os', id: 'CVE-1', exempt: { reason: 'why', source: '/x/.trivyignore.yaml' } },
    ])
  })

  it('is none where an exception took out what cannot be read: nothing vanishes', () => {
    const odd = { ...filtered, ExperimentalModifiedFindings: [{ Type: 'novelty', Finding: {} }] }
    expect(parseReport(report({ Results: [odd] }))).toBeUndefined()
  })

  it('has everything in one list again for formats that know no exceptions', () => {
    const whole: unknown = JSON.parse(unfiltered(report({ Results: [filtered, ...others] })))
    expect(whole).toEqual({
      ...{ SchemaVersion: 2, Metadata: { ImageID: digest } },
      Results: [{ Target: 'debian', Class: 'os-pkgs', Vulnerabilities: [vulnerability] }, ...others],
    })
  })

  it('of an image without anything has no results', () => {
    expect(parseReport(report({}))).toMatchObject({ imageId: digest, os: undefined, packages: { os: 0, others: 0 }, findings: [] })
  })

  it('takes a severity that it does not know for unknown, which the strictest rule blocks', () => {
    const Vulnerabilities = [{ VulnerabilityID: 'CVE-1', PkgName: 'p', InstalledVersion: '1', Severity: 'SEVERE' }]
    expect(parseReport(report({ Results: [{ Vulnerabilities }] }))?.findings).toMatchObject([{ severity: 'UNKNOWN' }])
  })

  it.each(['', 'null', '[]', '<html>', JSON.stringify({ Results: [{ Vulnerabilities: [{}] }] })])('is not %j', (text) => {
    expect(parseReport(text)).toBeUndefined()
  })
})

describe('what Trivy says of itself', () => {
  it('is a version', () => {
    expect(parseVersion('{"Version":"0.71.2","VulnerabilityDB":{}}')).toBe('0.71.2')
    expect(parseVersion('Version: 0.71.2')).toBeUndefined()
  })

  it('is when its database was made', () => {
    expect(parseDatabaseMetadata('{"UpdatedAt":"2026-11-21T06:00:00Z","NextUpdate":"2026-11-22T06:00:00.5Z"}')).toEqual({
      updated: new Date('2026-11-21T06:00:00Z'),
      next: new Date('2026-11-22T06:00:00.500Z'),
    })
  })

  it.each([
    '',
    '{}',
    '{"UpdatedAt":"soon","NextUpdate":"later"}',
    '{"UpdatedAt":"0001-01-01T00:00:00Z","NextUpdate":"0001-01-01T00:00:00Z"}',
  ])('is no date: %j', (text) => {
    expect(parseDatabaseMetadata(text)).toBeUndefined()
  })

  it.each([
    [
      'x\tFATAL\tFatal error\trun error: init error: DB error: failed: 1 error occurred:\n\t* Get "https://h/v2/": refused\n\n\n',
      'Get "https://h/v2/": refused',
    ],
    ['x\tFATAL\tFatal error\trun error: init error: DB error: invalid database\n', 'invalid database'],
    ['x\tWARN\tbefore\nx\tFATAL\tFatal error\tunknown flag: --x\n', 'unknown flag: --x'],
    ['x\tFATAL\tFatal error\trun error: VEX error: unable to load VEX: %!w(<nil>)\n', 'VEX error: unable to load VEX'],
    ['panic: assertion failed\n\ngoroutine 1', 'panic: assertion failed goroutine 1'],
  ])('is why it failed, in one line: %j', (stderr, reason) => {
    expect(reasonOf(stderr)).toBe(reason)
  })

  it('is cut where it is long', () => {
    expect(reasonOf('x'.repeat(1000))).toHaveLength(401)
  })
})
