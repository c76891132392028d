import { describe, expect, it } from 'vitest'
import {
  downloadDatabase,
  parseDatabaseMetadata,
  parseReport,
  parseVersion,
  reasonOf,
  scanImage,
  scanList,
  version,
} from '../../src/tools/trivy.ts'

const trivy = { file: '/usr/bin/trivy', cacheDir: '/cache', cwd: '/empty' }
const first = ['--cache-dir', '/cache', '--quiet', '--timeout', '30m']
const scanned = [
  ...[...first, 'image', '--format', 'json', '--output', '/out', '--scanners', 'vuln', '--list-all-pkgs', '--exit-code', '0'],
  ...['--skip-db-update', '--no-progress', '--skip-version-check', '--disable-telemetry'],
]

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
      'exceptions, and a cache that another holds',
      { image: { archive: '/image.tar' }, ignoreFile: '/x/.trivyignore.yaml', inMemory: true },
      ['--ignorefile', '/x/.trivyignore.yaml', '--cache-backend', 'memory', '--input', '/image.tar'],
    ],
  ] as const)('scans %s', (_, asked, rest) => {
    const { file, args, cwd } = scanImage(trivy, { output: '/out', ...asked })
    expect([file, cwd, ...args]).toEqual(['/usr/bin/trivy', '/empty', ...scanned, ...rest])
  })

  it('fetches a database, from a mirror or from where Trivy has its own', () => {
    const fetching = [...first, 'image', '--download-db-only', '--no-progress', '--skip-version-check', '--disable-telemetry']
    expect(downloadDatabase(trivy).args).toEqual(fetching)
    expect(downloadDatabase(trivy, { repository: 'ghcr.io/team/trivy-db:2', ca: '/ca.pem' }).args).toEqual([
      ...fetching,
      ...['--db-repository', 'ghcr.io/team/trivy-db:2', '--cacert', '/ca.pem'],
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

  it.each([
    'TRIVY_SEVERITY',
    'TRIVY_IGNORE_UNFIXED',
    'TRIVY_IGNORE_POLICY',
    'TRIVY_VEX',
    'TRIVY_SKIP_FILES',
    'TRIVY_CONFIG',
    'TRIVY_SERVER',
  ])('takes no %s from the environment', (name) => {
    expect(scanImage(trivy, { output: '/out', image: { archive: 'x' } }).env).toMatchObject({ [name]: '' })
  })

  it('takes from the environment how to reach something', () => {
    const { env } = downloadDatabase(trivy, { env: { DOCKER_CONFIG: '/logins' } })
    expect(env).toMatchObject({ DOCKER_CONFIG: '/logins' })
    expect(Object.keys(env ?? {})).not.toContain('TRIVY_DB_REPOSITORY')
    expect(Object.keys(env ?? {})).not.toContain('TRIVY_USERNAME')
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
            Packages: [{}, {}],
            Vulnerabilities: [{ VulnerabilityID: 'CVE-1', PkgName: 'zlib1g', InstalledVersion: '1', Severity: 'HIGH', Title: '' }],
          },
          {
            Class: 'lang-pkgs',
            Packages: [{}],
            Vulnerabilities: [
              { VulnerabilityID: 'CVE-2', PkgName: 'httpx', InstalledVersion: '2', FixedVersion: '3', Severity: 'LOW', Title: 't' },
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
      vulnerabilities: [
        { id: 'CVE-1', severity: 'HIGH', package: 'zlib1g', installed: '1' },
        { id: 'CVE-2', severity: 'LOW', package: 'httpx', installed: '2', fixed: '3', title: 't' },
      ],
    })
  })

  it('of an image without anything has no results', () => {
    expect(parseReport(report({}))).toEqual({ imageId: digest, os: undefined, packages: { os: 0, others: 0 }, vulnerabilities: [] })
  })

  it('takes a severity that it does not know for unknown, which the strictest rule blocks', () => {
    const Vulnerabilities = [{ VulnerabilityID: 'CVE-1', PkgName: 'p', InstalledVersion: '1', Severity: 'SEVERE' }]
    expect(parseReport(report({ Results: [{ Vulnerabilities }] }))?.vulnerabilities).toMatchObject([{ severity: 'UNKNOWN' }])
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
    ['panic: assertion failed\n\ngoroutine 1', 'panic: assertion failed goroutine 1'],
  ])('is why it failed, in one line: %j', (stderr, reason) => {
    expect(reasonOf(stderr)).toBe(reason)
  })

  it('is cut where it is long', () => {
    expect(reasonOf('x'.repeat(1000))).toHaveLength(401)
  })
})
