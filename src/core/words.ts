// Words of the record, apart from its schema, which takes a part of an action's start to set up: launchway.yml and the
// summary have the same words, and are read where no record is checked.

/** From the worst to the least. */
export const severities = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW', 'UNKNOWN'] as const

/** What is looked for, in Trivy's words. */
export const scanners = ['vuln', 'secret', 'misconfig', 'license'] as const

/** Kinds of findings: vulnerabilities of the system's packages and of a language's, and what the other scanners find. */
export const findingClasses = ['os', 'library', 'secret', 'misconfig', 'license'] as const

/** The scanner that finds each class. */
export const scannerOf = {
  os: 'vuln',
  library: 'vuln',
  secret: 'secret',
  misconfig: 'misconfig',
  license: 'license',
} as const satisfies Record<(typeof findingClasses)[number], (typeof scanners)[number]>

/** What a rule of the scan decides of what it matches. */
export const decisions = ['fail', 'warn', 'ignore'] as const

/** Files that are made of what was found, in the formats of others. */
export const reportKinds = ['sarif', 'table', 'cyclonedx', 'spdx', 'json'] as const

/** What an image consists of, in the formats that others read. */
export const sbomKinds = ['spdx', 'cyclonedx'] as const

/** How the rules of a scan name a finding: the same package may be in several images. */
export function findingName(
  image: string,
  of: { id: string; package: string; installed: string; platforms?: readonly string[] | undefined },
): string {
  const where = of.platforms === undefined ? '' : ` (${of.platforms.join(', ')})`
  return `${image}: ${of.id} in ${of.package} ${of.installed}${where}`.trimEnd()
}

/** What stands in the place of a file where something was found in the configuration of an image: a relative URI, as SARIF wants it. */
export const imageConfiguration = 'image-configuration'

/** Of what is no vulnerability what it is, and where in its file: `Stripe Secret Key, STRIPE_KEY in the image's configuration`. */
export function findingText(of: {
  class: (typeof findingClasses)[number]
  package: string
  installed: string
  title?: string | undefined
}): string {
  const what = of.title === undefined ? of.class : of.class === 'license' ? `${of.title} license` : of.title
  const where = of.package === imageConfiguration ? `${of.installed} in the image's configuration`.trimStart() : of.installed
  return where === '' ? what : `${what}, ${where}`
}
