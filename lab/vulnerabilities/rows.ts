/**
 * The lab's vulnerability database: a few public advisories, in the shape that Trivy's database has. Some are about what
 * the lab's images really hold, so that a known-bad image is found out and the mended one is not.
 */

/** As Trivy's database numbers them: 2 medium, 3 high, 4 critical. */
type Severity = 2 | 3 | 4
/** As Trivy's database numbers what has no fix. */
const willNotFix = 5

interface Row {
  ID: string
  Bucket: string
  /** Of an operating system: the source package. */
  Package: string
  Advisory: object
  Vulnerability: { Title: string; VendorSeverity: Record<string, Severity>; References: string[]; PublishedDate: string }
  Source: { ID: string; Name: string; URL: string }
}

/** GitHub's advisories for a language. @param url the advisory */
function github(
  ecosystem: { bucket: string; name: string },
  of: {
    id: string
    package: string
    severity: Severity
    title: string
    url: string
    /** The day on which it became public. */
    published: string
    vulnerable: string[]
    patched: string[]
  },
): Row {
  const Name = `GitHub Security Advisory ${ecosystem.name}`
  return {
    ID: of.id,
    Bucket: `${ecosystem.bucket}::${Name}`,
    Package: of.package,
    Advisory: { VulnerableVersions: of.vulnerable, PatchedVersions: of.patched },
    Vulnerability: {
      Title: of.title,
      VendorSeverity: { ghsa: of.severity },
      References: [of.url],
      PublishedDate: `${of.published}T00:00:00Z`,
    },
    Source: { ID: 'ghsa', Name, URL: 'https://github.com/advisories' },
  }
}

const pip = { bucket: 'pip', name: 'pip' }
const maven = { bucket: 'maven', name: 'Maven' }

export const rows: readonly Row[] = [
  github(pip, {
    id: 'CVE-2021-41945',
    package: 'httpx',
    severity: 4,
    title: 'httpx: a URL that is made for it is not checked',
    url: 'https://github.com/advisories/GHSA-h8pj-cxx2-jfg2',
    published: '2022-04-28',
    vulnerable: ['<0.23.0'],
    patched: ['0.23.0'],
  }),
  github(pip, {
    id: 'CVE-2023-25577',
    package: 'werkzeug',
    severity: 3,
    title: 'Werkzeug: a form of many parts exhausts the memory',
    url: 'https://github.com/advisories/GHSA-xg9f-g7g7-2323',
    published: '2023-02-14',
    vulnerable: ['<2.2.3'],
    patched: ['2.2.3'],
  }),
  github(pip, {
    id: 'CVE-2023-32681',
    package: 'requests',
    severity: 2,
    title: 'requests: Proxy-Authorization reaches the destination of a redirect',
    url: 'https://github.com/advisories/GHSA-j8r2-6x86-q33q',
    published: '2023-05-26',
    vulnerable: ['>=2.3.0, <2.31.0'],
    patched: ['2.31.0'],
  }),
  // What every database of vulnerabilities knows: the scan stage asks for it before it believes one.
  github(maven, {
    id: 'CVE-2021-44228',
    package: 'org.apache.logging.log4j:log4j-core',
    severity: 4,
    title: 'Log4j: a message that is logged runs code from elsewhere',
    url: 'https://github.com/advisories/GHSA-jfh8-c2jp-5v3q',
    published: '2021-12-10',
    vulnerable: ['>=2.13.0, <2.15.0', '>=2.4, <2.12.2', '>=2.0-beta9, <2.3.1'],
    patched: ['2.15.0', '2.12.2', '2.3.1'],
  }),
  // In every image that is made from Debian 12, and never mended there: the part that has the fault is not built.
  {
    ID: 'CVE-2023-45853',
    Bucket: 'debian 12',
    Package: 'zlib',
    Advisory: { Status: willNotFix },
    Vulnerability: {
      Title: 'zlib: an integer overflow in MiniZip',
      VendorSeverity: { nvd: 4 },
      References: ['https://security-tracker.debian.org/tracker/CVE-2023-45853'],
      PublishedDate: '2023-10-14T00:00:00Z',
    },
    Source: { ID: 'debian', Name: 'Debian Security Tracker', URL: 'https://salsa.debian.org/security-tracker-team/security-tracker' },
  },
  // In an image of Alpine, whose packages Trivy reads in another way.
  {
    ID: 'CVE-2022-37434',
    Bucket: 'alpine 3.20',
    Package: 'zlib',
    Advisory: { FixedVersion: '1.2.12-r2' },
    Vulnerability: {
      Title: 'zlib: a buffer overflow in inflate by a large extra field of a gzip header',
      VendorSeverity: { nvd: 4 },
      References: ['https://nvd.nist.gov/vuln/detail/CVE-2022-37434'],
      PublishedDate: '2022-08-05T00:00:00Z',
    },
    Source: { ID: 'alpine', Name: 'Alpine Secdb', URL: 'https://secdb.alpinelinux.org/' },
  },
]
