import { z } from 'zod'
import { Duration } from '../core/units.ts'
import { oneOrMany } from './schema-parts.ts'

/** What is said of the way through nginx to a service. What stands in nginx's configuration as it is has nothing that nginx would take apart. */

const hostPath = z.string().regex(/^\/[\w./-]+$/, 'must be a path on the host, from /, of letters, digits and / . _ -')

/** `$` would be a variable of nginx's, and a control character the end of the header. */
const headerValue = z.string().regex(/^[^$\p{Cc}]*$/u, 'must have neither $, which nginx takes for a variable, nor a line break')

/** What stands in server_name as it is. */
export const serverName = /^[A-Za-z0-9*]([A-Za-z0-9._*-]*[A-Za-z0-9_*-])?$/

const AcmeConfig = z.strictObject({
  email: z
    .string()
    .regex(/^[^\s@-][^\s@]*@[^\s@]+\.[^\s@]+$/, 'must be an address such as ops@example.org')
    .describe('Address of the account at the certificate authority. Needed.'),
  'agree-terms': z
    .literal(true, 'must be true: the certificate authority asks you to agree to its terms')
    .describe(
      "true: you have read the terms of the certificate authority, and agree to them. Let's Encrypt's: https://letsencrypt.org/repository/. Needed.",
    ),
  server: z
    .string()
    .regex(/^https:\/\/[^\s]+$/, 'must be the https URL of a directory, as RFC 8555 has it')
    .optional()
    .describe("URL of the directory of another certificate authority. Default: Let's Encrypt's"),
})

/** Every word of it begins with what is no dot. */
const belowServer = (example: string): z.ZodString =>
  z
    .string()
    .regex(/^(\/[\w~-][\w.~-]*)+$/, `must be a path such as ${example}: from /, without one at its end, of letters, digits and / . _ ~ -`)

const Assets = z.strictObject({
  path: belowServer('/static').describe(
    "Path below which visitors ask for the files, with the service's own nginx.path before it if it has one: /static. Needed.",
  ),
  folder: z
    .string()
    .regex(
      /^(\/(?!\.\.?(\/|$))[\w.@+~-]+)+$/,
      'must be a folder in the image such as /app/static: from /, without one at its end, of letters, digits and / . _ ~ @ + -',
    )
    .describe('Folder in the image that has them: /app/static. What lies in it is given to whoever asks. Needed.'),
})

/** What nginx gives of both versions. */
export const AssetsConfig = oneOrMany(Assets)

export const NginxConfig = z.strictObject({
  container: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]+$/, 'must be the name of a container, such as edge or proxy-nginx-1')
    .optional()
    .describe(
      'Name of the container of the host in which nginx runs, with --network host; the same for all services of an environment. Paths are then as that container sees them. Default: nginx is a program of the host',
    ),
  'server-name': oneOrMany(z.string().regex(serverName, 'must be the name of a server, such as www.example.org'))
    .optional()
    .describe(
      'Names that the server answers to; one, or a list. Default: the host name in url, which must then be a name and no IPv6 address',
    ),
  server: z
    .enum(['launchway', 'existing'])
    .optional()
    .describe(
      'Whose server block it is. launchway: launchway writes it. existing: it is there already and stays yours; launchway writes locations, which it includes by one line. Default: launchway',
    ),
  tls: z
    .union([
      z.literal(false),
      z.strictObject({
        certificate: hostPath.describe('Path on the host of the certificate and its chain, in PEM. Needed.'),
        key: hostPath.describe('Path on the host of the private key. Needed.'),
      }),
    ])
    .optional()
    .describe(
      'Certificate for HTTPS; false for plain HTTP: with an https url behind the TLS of somebody else, and the application is told https. Default: with an https url the one that certbot keeps in /etc/letsencrypt/live/<first server-name>, else plain HTTP',
    ),
  acme: AcmeConfig.optional().describe(
    'A certificate for all of server-name that certbot on the host asks for when there is none, and renews. One that is there already is left in peace.',
  ),
  redirect: z.boolean().optional().describe('Whether plain HTTP is sent to HTTPS; false answers both. Default: true'),
  path: belowServer('/api')
    .optional()
    .describe(
      'What comes at or below this path is for the service. Services of one host, of other applications too, share a server-name by it; the longest wins. Default: everything that no other service has',
    ),
  'strip-prefix': z
    .boolean()
    .optional()
    .describe('Whether the application is asked without path: /x for /api/x, with X-Forwarded-Prefix. Default: false'),
  headers: z
    .record(z.string().regex(/^[A-Za-z0-9-]+$/, 'must be the name of a header'), headerValue)
    .optional()
    .describe(
      'Headers of every answer, errors included. Each takes the place of what the application sends under its name; "" takes that away.',
    ),
  hsts: z
    .union([z.boolean(), headerValue])
    .optional()
    .describe('Strict-Transport-Security: true for max-age=31536000, or the value. Default: only what the application sends'),
  'body-size': z
    .string()
    .regex(/^\d+[kKmMgG]?$/, 'must be a size such as 20m; 0 for any')
    .optional()
    .describe("Largest body of a request, as client_max_body_size. Default: nginx's own, 1m"),
  timeout: Duration.optional().describe('Time between two reads from the application, or writes to it. Default: 300s'),
  errors: z
    .literal('json')
    .optional()
    .describe(
      'Form of the errors that nginx answers by itself, such as 502 when nothing answers: json is {"error":{"code":502,"message":"Bad Gateway"}}. Those of the application are not touched. Default: the pages of nginx',
    ),
  'maintenance-page': hostPath
    .optional()
    .describe('Path on the host of the page that visitors get during maintenance. Default: a short page of launchway, or JSON with errors'),
})
export type NginxConfig = z.infer<typeof NginxConfig>
