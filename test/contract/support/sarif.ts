import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { call } from '../../../lab/run.ts'
import { openFolder } from './folder.ts'

/**
 * SARIF as others judge it: the schema of the standard and the validator of its authors (MIT), which knows what GitHub's
 * code scanning asks of a file as well. The program comes by platform, and some have none.
 */
const program = programOf()

/** Why nothing can be validated here; undefined where it can. */
export const noValidator = program === undefined ? `there is no SARIF validator for ${process.platform} ${process.arch}` : undefined

function programOf(): string | undefined {
  try {
    const main = createRequire(import.meta.url).resolve('@microsoft/sarif-multitool')
    const found = join(dirname(main), `../sarif-multitool-${process.platform}/Sarif.Multitool`)
    return process.arch === 'x64' && existsSync(found) ? found : undefined
  } catch {
    return undefined
  }
}

/** What the validator says: all of its own rules and those of GitHub. */
const Said = z.object({
  runs: z.tuple([
    z.object({
      invocations: z.tuple([z.object({ executionSuccessful: z.literal(true) })]),
      results: z.array(
        z.object({
          ruleId: z.string(),
          level: z.enum(['error', 'warning']),
          message: z.object({ id: z.string().optional(), arguments: z.array(z.string()).optional() }),
        }),
      ),
    }),
  ]),
})

/** Every fault of a file, as the schema and the validator have it: `error GH1015: runs[0].results[0]`. */
export async function faultsOf(text: string): Promise<string[]> {
  if (program === undefined) throw new TypeError(noValidator)
  // The validator overlooks a value that is none of an enumeration, and then says nothing of the rest of the file.
  const shape = schema(dirname(program)).safeParse(JSON.parse(text))
  const wrong = shape.error?.issues.map(({ path, message }) => `schema: ${path.join('.')}: ${message}`) ?? []
  await using folder = await openFolder()
  const [file, output] = [join(folder.path, 'judged.sarif'), join(folder.path, 'said.sarif')]
  writeFileSync(file, text)
  // Its package sets this by a script at install time, and here none runs.
  chmodSync(program, 0o755)
  await call('env', [
    // No rule that is asked fetches an address that stands in the file; were there one, it would reach nobody.
    ...['HTTPS_PROXY=http://127.0.0.1:9', 'HTTP_PROXY=http://127.0.0.1:9', program],
    ...['validate', file, '--output', output, '--rule-kind', 'Sarif;Gh', '--level', 'Error;Warning', '--max-file-size-in-kb', '100000'],
  ])
  const [run] = Said.parse(JSON.parse(readFileSync(output, 'utf8'))).runs
  return [...wrong, ...run.results.map(({ level, ruleId, message }) => `${level} ${ruleId}: ${(message.arguments ?? []).join(' ')}`)]
}

let kept: z.ZodType | undefined

/** The schema of the standard. What a relative URI is says the validator: zod knows absolute ones alone. */
function schema(folder: string): z.ZodType {
  const text = readFileSync(join(folder, 'sarif-2.1.0.json'), 'utf8').replaceAll('"format": "uri-reference"', '"format": "text"')
  kept ??= z.fromJSONSchema({
    ...z.record(z.string(), z.json()).parse(JSON.parse(text)),
    $schema: 'http://json-schema.org/draft-07/schema#',
  })
  return kept
}

/**
 * What neither of them asks: by its documentation, code scanning sorts by a score with one digit after the point, and takes
 * so many tags of a rule, locations of a result, rules and results.
 * @see https://docs.github.com/en/code-security/reference/code-scanning/sarif-files/sarif-support
 */
export const Sarif = z.object({
  runs: z.tuple([
    z.object({
      tool: z.object({
        driver: z.object({
          rules: z
            .array(
              z.object({
                id: z.string(),
                properties: z.object({ 'security-severity': z.string().regex(/^(10\.0|\d\.\d)$/), tags: z.array(z.string()).max(20) }),
              }),
            )
            .max(25_000),
        }),
      }),
      results: z
        .array(
          z.object({
            ruleId: z.string(),
            locations: z.array(z.unknown()).min(1).max(1_000),
            suppressions: z.array(z.object({ kind: z.string(), justification: z.string() })).optional(),
          }),
        )
        .max(25_000),
      automationDetails: z.object({ id: z.string() }),
    }),
  ]),
})
