import { z } from 'zod'
import { JsonScalar } from '../core/http-check.ts'
import { Duration } from '../core/units.ts'
import { oneOrMany } from './schema-parts.ts'

/** What is asked of the stack that a smoke test brings up, as launchway.yml has it. */

export const words = z.array(z.string()).min(1)
const service = z.string()
/** Neither absolute nor out of the repository. */
const file = z.string().regex(/^(?!\/)(?!(.*\/)?\.\.(\/|$)).+$/, 'must be a path inside the repository, from its root')
const headerName = z.string().regex(/^[\w!#$%&'*+.^`|~-]+$/, 'must be the name of a header')
const headerValue = z.string().regex(/^[\t\x20-\x7e]*$/, 'must be a line of plain characters')
const pointer = z.string().regex(/^(\/([^~]|~[01])*)?$/, 'must be a JSON Pointer, such as /status or /workers/0/name')

const ofCheck = {
  after: oneOrMany(z.string())
    .optional()
    .describe('Name of a check, or several, that must have passed before this one is asked. Default: asked at once'),
  name: z.string().optional().describe('Name of the check in lists. Default: what it asks'),
  timeout: Duration.optional().describe('Time until it must have passed; it is tried again until then. Default: 30s'),
}
const stdout = z.string().optional().describe('Text that its standard output must contain.')

/** What is asked over HTTP, and what passes as an answer. */
const httpCheck = {
  method: z
    .enum(['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE'])
    .optional()
    .describe('Method of the request. Default: GET, with a body POST'),
  'request-headers': z
    .record(headerName, headerValue)
    .optional()
    .describe(
      'Headers to send. `Host` is the service unless it is given here. They are readable in this file and the record: no secrets of yours.',
    ),
  body: z
    .union([z.string(), z.record(z.string(), z.unknown()), z.array(z.unknown())])
    .optional()
    .describe('Body to send: a text as it is, a mapping or a list as JSON.'),
  status: z.int().min(100).max(599).optional().describe('The one status that passes. Default: any from 200 to 299'),
  contains: z.string().optional().describe('Text that the body must contain.'),
  matches: z.string().optional().describe('Regular expression that the body must match; ^ and $ are the ends of its lines.'),
  json: z
    .record(pointer, JsonScalar)
    .optional()
    .describe('Values that a body of JSON must have, by JSON Pointer (RFC 6901). Text, number, true or false, and null are told apart.'),
  headers: z
    .record(headerName, z.string())
    .optional()
    .describe('Headers that the answer must have, with their values; an empty text means any value.'),
  security: z
    .boolean()
    .optional()
    .describe(
      'true: the answer must have X-Content-Type-Options, X-Frame-Options (or frame-ancestors of a Content-Security-Policy), and over https Strict-Transport-Security. Default: false',
    ),
}

export const SmokeCheckConfig = z.union([
  z.strictObject({
    http: z
      .string()
      .regex(/^https?:\/\/[^/\s:]+(:\d+)?(\/\S*)?$/, 'must be a URL with a service as its host, such as http://web:5000/healthz')
      .describe('URL to ask, a service of the stack being the host and its port that inside the container.'),
    ...httpCheck,
    redirects: z
      .int()
      .min(0)
      .max(20)
      .optional()
      .describe('How many redirects are followed; the last answer is the one that counts. They must stay in the stack. Default: 0'),
    ca: file
      .optional()
      .describe(
        'File of certificates (PEM), from the root of the repository, one of which must have signed that of the service for its name. Default: any certificate is taken',
      ),
    ...ofCheck,
  }),
  z.strictObject({
    tcp: z
      .string()
      .regex(/^[^/\s:]+:\d{1,5}$/, 'must be a service and a port inside its container, such as redis:6379')
      .describe('Service, a colon, and the port inside its container on which it must take connections.'),
    ...ofCheck,
  }),
  z.strictObject({
    exec: service.describe('Service in whose container the command runs; exit code 0 passes.'),
    command: words.describe('Command, a list of words. Needed.'),
    stdout,
    ...ofCheck,
  }),
  z.strictObject({
    run: service.describe('Service whose image and settings a container of its own gets, for this command alone; exit code 0 passes.'),
    command: words.describe('Command, a list of words. Needed.'),
    stdout,
    ...ofCheck,
  }),
  z.strictObject({
    script: file.describe(
      'Executable file, from the root of the repository, that runs on this machine with the addresses of the stack in its environment; exit code 0 passes.',
    ),
    args: z.array(z.string()).optional().describe('Arguments of the script.'),
    stdout,
    ...ofCheck,
    timeout: Duration.optional().describe('Time until it must have ended; it runs once. Default: 5m'),
  }),
  z.strictObject({
    log: service.describe('Service whose log is read, from its beginning.'),
    matches: z.string().optional().describe('Regular expression that a line must match.'),
    never: z
      .string()
      .optional()
      .describe('Regular expression that no line may match until the other checks have ended. Either this or matches is needed.'),
    ...ofCheck,
  }),
])
export type SmokeCheckConfig = z.infer<typeof SmokeCheckConfig>
