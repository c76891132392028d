import { hash } from 'node:crypto'
import { z } from 'zod'
import { type FindingClass, Severity } from '../core/gates.ts'
import { parseJson } from '../core/json.ts'
import { Digest } from '../core/names.ts'
import { imageConfiguration } from '../core/words.ts'
import { isOfConfiguration, variableIn, variableOf } from './image-configuration.ts'

/** What Trivy's JSON report says, as far as a verdict needs it. */

const layer = z.object({ DiffID: z.string().optional() }).optional()
const severity = Severity.catch('UNKNOWN')
const identifier = z.object({ PURL: z.string().optional() }).optional()

const Vulnerability = z.object({
  VulnerabilityID: z.string(),
  PkgID: z.string().optional(),
  PkgName: z.string(),
  PkgIdentifier: identifier,
  InstalledVersion: z.string().default(''),
  FixedVersion: z.string().optional(),
  Severity: severity,
  Title: z.string().optional(),
  PublishedDate: z.string().optional(),
  Layer: layer,
})
const Secret = z.object({
  RuleID: z.string(),
  Severity: severity,
  Title: z.string().optional(),
  StartLine: z.int().optional(),
  Match: z.string().optional(),
  Layer: layer,
})
const Misconfiguration = z.object({
  ID: z.string(),
  Severity: severity,
  Title: z.string().optional(),
  Message: z.string().optional(),
  Status: z.string().optional(),
  Layer: layer,
})
const License = z.object({
  Name: z.string(),
  Severity: severity,
  Category: z.string().optional(),
  PkgName: z.string().optional(),
  FilePath: z.string().optional(),
})
const Package = z.object({
  ID: z.string().optional(),
  Name: z.string().default(''),
  Version: z.string().default(''),
  Identifier: identifier,
})

/** What an exception took out of the lists. */
export const Modified = z.object({
  Type: z.string(),
  Statement: z.string().default(''),
  Source: z.string().default(''),
  Finding: z.unknown(),
})

const Result = z.object({
  Target: z.string().default(''),
  Class: z.string().optional(),
  Packages: z.array(Package).nullish(),
  Vulnerabilities: z.array(Vulnerability).nullish(),
  Secrets: z.array(Secret).nullish(),
  Misconfigurations: z.array(Misconfiguration).nullish(),
  Licenses: z.array(License).nullish(),
  ExperimentalModifiedFindings: z.array(Modified).nullish(),
})
type Result = z.infer<typeof Result>

const TrivyReport = z.object({
  ArtifactName: z.string().optional(),
  Metadata: z
    .object({
      OS: z.object({ Family: z.string(), Name: z.string().default(''), EOSL: z.boolean().optional() }).optional(),
      ImageID: Digest.optional(),
      DiffIDs: z.array(z.string()).nullish(),
    })
    .default({}),
  Results: z.array(Result).nullish(),
})

export interface Found {
  class: FindingClass
  id: string
  severity: Severity
  /** Of a secret or a misconfiguration the file, or `image-configuration`. */
  package: string
  /** Of a secret the line, or in the image's configuration the variable. */
  installed: string
  /** Absent where no version ends it. */
  fixed?: string
  title?: string
  /** In milliseconds since 1970. */
  published?: number
  /** The layer that it came with. */
  layer?: string
  /** What its package is called in `packages`. */
  packageKey?: string
  /** An exception lets it pass. */
  exempt?: { reason: string; source: string }
}

export interface Report {
  /** The digest of the image's configuration; the containerd store gives Trivy that of a manifest instead. */
  imageId: string | undefined
  os: { family: string; name: string; ended: boolean } | undefined
  /** How many packages of the operating system, and of all others. */
  packages: { os: number; others: number }
  /** A name for each package in its version. */
  packageKeys: readonly string[]
  /** The layers, the lowest first. */
  layers: readonly string[]
  findings: readonly Found[]
}

/** Undefined for what is no report of Trivy's. */
export function parseReport(text: string): Report | undefined {
  const report = parseJson(text, TrivyReport)
  if (report === undefined) return undefined
  const { OS, ImageID, DiffIDs } = report.Metadata
  const results = (report.Results ?? []).map((one) =>
    isOfConfiguration(one, report.ArtifactName) ? { ...one, Target: imageConfiguration } : one,
  )
  const count = (of: typeof results): number => of.reduce((sum, { Packages }) => sum + (Packages?.length ?? 0), 0)
  const suppressed = results.flatMap(exempted)
  // An exception that cannot be read must not make a finding vanish: then it is no report that can be judged.
  if (suppressed.includes(undefined)) return undefined
  return {
    imageId: ImageID,
    os:
      OS === undefined || OS.Family === '' || OS.Family === 'none'
        ? undefined
        : { family: OS.Family, name: OS.Name, ended: OS.EOSL === true },
    packages: {
      os: count(results.filter((result) => result.Class === 'os-pkgs')),
      others: count(results.filter((result) => result.Class !== 'os-pkgs')),
    },
    packageKeys: results.flatMap(({ Packages }) =>
      (Packages ?? []).map(({ ID, Name, Version, Identifier }) => keyOf(Identifier?.PURL, ID, `${Name}@${Version}`)),
    ),
    layers: DiffIDs ?? [],
    findings: [...results.flatMap(findingsOf), ...suppressed.filter((one) => one !== undefined)],
  }
}

function findingsOf(result: Result): Found[] {
  const { Target } = result
  return [
    ...(result.Vulnerabilities ?? []).map((one) => vulnerability(one, result.Class)),
    ...(result.Secrets ?? []).map((one) => secret(one, result)),
    ...(result.Misconfigurations ?? []).filter(({ Status = 'FAIL' }) => Status === 'FAIL').map((one) => misconfiguration(one, Target)),
    ...(result.Licenses ?? []).map((one) => license(one, Target)),
  ]
}

/** Undefined in the place of what cannot be read. */
function exempted(result: Result): (Found | undefined)[] {
  return (result.ExperimentalModifiedFindings ?? []).map(({ Type, Statement, Source, Finding }) =>
    read(Type, Finding, result, { reason: Statement, source: Source }),
  )
}

function read(type: string, finding: unknown, result: Result, exempt: NonNullable<Found['exempt']>): Found | undefined {
  const { Class, Target } = result
  const of = (found: Found | undefined): Found | undefined => (found === undefined ? undefined : { ...found, exempt })
  const parsed = <T, R>(schema: z.ZodType<T>, make: (one: T) => R): R | undefined => {
    const { data } = schema.safeParse(finding)
    return data === undefined ? undefined : make(data)
  }
  if (type === 'vulnerability') return of(parsed(Vulnerability, (one) => vulnerability(one, Class)))
  if (type === 'secret') return of(parsed(Secret, (one) => secret(one, result)))
  if (type === 'misconfiguration') return of(parsed(Misconfiguration, (one) => misconfiguration(one, Target)))
  if (type === 'license') return of(parsed(License, (one) => license(one, Target)))
  return undefined
}

function vulnerability(one: z.infer<typeof Vulnerability>, resultClass: string | undefined): Found {
  const { VulnerabilityID, PkgName, InstalledVersion, FixedVersion = '', Title = '', PublishedDate = '', Layer } = one
  const published = Date.parse(PublishedDate)
  return {
    class: resultClass === 'os-pkgs' ? 'os' : 'library',
    id: VulnerabilityID,
    severity: one.Severity,
    package: PkgName,
    installed: InstalledVersion,
    ...(FixedVersion === '' ? {} : { fixed: FixedVersion }),
    ...(Title === '' ? {} : { title: Title }),
    // Go writes a time that it does not have as one of the year 1.
    ...(published > 0 ? { published } : {}),
    ...(Layer?.DiffID === undefined ? {} : { layer: Layer.DiffID }),
    packageKey: keyOf(one.PkgIdentifier?.PURL, one.PkgID, `${PkgName}@${InstalledVersion}`),
  }
}

/** Two in one file are two. */
function secret(one: z.infer<typeof Secret>, of: Result): Found {
  const { RuleID, Severity, Title, StartLine, Layer } = one
  const line = StartLine === undefined ? '' : `line ${StartLine}`
  const installed = of.Target === imageConfiguration ? variableOf(one, secretsOf(of)) : line
  return { class: 'secret', id: RuleID, severity: Severity, package: of.Target, installed, ...titled(Title), ...from(Layer) }
}

/** With those that an exception let pass. */
function secretsOf({ Secrets, ExperimentalModifiedFindings }: Result): z.infer<typeof Secret>[] {
  const excepted = (ExperimentalModifiedFindings ?? []).flatMap(({ Finding }) => Secret.safeParse(Finding).data ?? [])
  return [...(Secrets ?? []), ...excepted]
}

function misconfiguration({ ID, Severity, Title, Message, Layer }: z.infer<typeof Misconfiguration>, file: string): Found {
  const installed = file === imageConfiguration ? variableIn(Message) : ''
  return { class: 'misconfig', id: ID, severity: Severity, package: file, installed, ...titled(Title), ...from(Layer) }
}

function license({ Name, Severity, Category, PkgName = '', FilePath = '' }: z.infer<typeof License>, target: string): Found {
  const where = [PkgName, FilePath, target].find((one) => one !== '') ?? ''
  return { class: 'license', id: Name, severity: Severity, package: where, installed: '', ...titled(Category) }
}

const titled = (title = ''): Pick<Found, 'title'> => (title === '' ? {} : { title })
const from = (of: { DiffID?: string | undefined } | undefined): Pick<Found, 'layer'> =>
  of?.DiffID === undefined ? {} : { layer: of.DiffID }

/** The qualifiers of a package URL name the system around it: another point release of that is no other package. */
function keyOf(purl: string | undefined, id: string | undefined, name: string): string {
  return (purl ?? id ?? name).replace(/[?#].*$/s, '')
}

const Components = z.object({
  components: z.array(z.object({ properties: z.array(z.object({ name: z.string(), value: z.string() })).default([]) })).default([]),
})

/** How many packages of a system stand in a list of Trivy's that does not know which system; undefined for what is no list. */
export function parseHidden(text: string): number | undefined {
  return parseJson(text, Components)?.components.filter(({ properties }) =>
    properties.some(({ name, value }) => name === 'aquasecurity:trivy:PkgType' && value === 'none'),
  ).length
}

/** The first four bytes of a name's SHA-256: two of three thousand packages share them once in a million times. */
const printBytes = 4

/** The packages of an image, small enough for a record: by these it is told whether a package in its version was there. */
export function fingerprints(keys: readonly string[]): string {
  const prints = new Set(keys.map((key) => hash('sha256', key).slice(0, printBytes * 2)))
  return Buffer.from([...prints].toSorted().join(''), 'hex').toString('base64')
}

/** @param prints as `fingerprints` made them */
export function holdsPackage(prints: string): (key: string) => boolean {
  const hex = Buffer.from(prints, 'base64').toString('hex')
  const known = new Set(hex.match(/.{8}/g))
  return (key) => known.has(hash('sha256', key).slice(0, printBytes * 2))
}
