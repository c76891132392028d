import { z } from 'zod'

/**
 * SARIF 2.1.0, as far as a scan writes it: what the specification demands of the objects that are there, and what code
 * scanning needs of them. Anything else in them is an error, so that nothing goes unchecked.
 * @see https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
 */
const uriReference = z.string().regex(/^[^\s<>"{}|\\^`]*$/)
const text = z.strictObject({ text: z.string() })
const level = z.enum(['none', 'note', 'warning', 'error'])
const bag = z.record(z.string(), z.unknown())
const artifact = z.strictObject({ uri: uriReference, uriBaseId: z.string().optional() })

const Rule = z.strictObject({
  id: z.string(),
  name: z.string().optional(),
  shortDescription: text,
  fullDescription: text,
  defaultConfiguration: z.strictObject({ level }).optional(),
  helpUri: z.url().optional(),
  help: z.strictObject({ text: z.string(), markdown: z.string().optional() }),
  properties: bag.and(z.object({ 'security-severity': z.string().regex(/^(10\.0|\d\.\d)$/), tags: z.array(z.string()).max(20) })),
})

const Result = z.strictObject({
  ruleId: z.string(),
  ruleIndex: z.int().min(0),
  level,
  message: text,
  locations: z
    .array(
      z.strictObject({
        physicalLocation: z.strictObject({
          artifactLocation: artifact,
          region: z.strictObject({
            startLine: z.int().min(1),
            startColumn: z.int().min(1),
            endLine: z.int().min(1),
            endColumn: z.int().min(1),
          }),
        }),
        message: text,
      }),
    )
    .min(1)
    .max(1_000),
})

export const Sarif = z.strictObject({
  version: z.literal('2.1.0'),
  $schema: z.url(),
  runs: z
    .array(
      z.strictObject({
        tool: z.strictObject({
          driver: z.strictObject({
            name: z.string(),
            fullName: z.string(),
            informationUri: z.url(),
            version: z.string(),
            rules: z.array(Rule).max(25_000),
          }),
        }),
        results: z.array(Result).max(25_000),
        columnKind: z.enum(['utf16CodeUnits', 'unicodeCodePoints']),
        originalUriBaseIds: z.record(z.string(), z.strictObject({ uri: z.url() })).optional(),
        automationDetails: z.strictObject({ id: z.string() }),
        invocations: z.array(z.strictObject({ executionSuccessful: z.boolean(), toolExecutionNotifications: z.array(bag) })).optional(),
        properties: bag.optional(),
      }),
    )
    .length(1),
})
