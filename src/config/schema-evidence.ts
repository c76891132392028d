import { z } from 'zod'
import { sbomKinds } from '../core/words.ts'
import { Bytes } from '../core/units.ts'
import { envName, oneOrMany } from './schema-parts.ts'

/** What lies beside an image, who vouches for it, and how large it may be, as launchway.yml has it. */

const KeySigning = z.strictObject({
  key: envName
    .optional()
    .describe(
      'Name of the environment variable that holds the private key in PEM, never the key itself: one that cosign generate-key-pair has made, or ECDSA, RSA or Ed25519 in PKCS #8. Default: COSIGN_PRIVATE_KEY',
    ),
  password: envName
    .optional()
    .describe('Name of the environment variable that holds the password of the key, where it has one. Default: COSIGN_PASSWORD'),
})

export const EvidenceConfig = z.strictObject({
  sbom: z
    .union([z.literal(false), z.array(z.enum(sbomKinds)).min(1)])
    .optional()
    .describe(
      'What each image consists of, from the scan of this run, attached to it once a digest: spdx, cyclonedx; false: nothing. Default: both',
    ),
  provenance: z
    .boolean()
    .optional()
    .describe('From which commit, by which run and with what each image was built (SLSA v1), attached to it once a digest. Default: true'),
  sign: z
    .union([z.literal('keyless'), KeySigning])
    .optional()
    .describe(
      'With what the images are signed, for cosign verify: a key, or keyless, the identity of the workflow (it needs the permission id-token: write). Default: nothing is signed',
    ),
})
export type EvidenceConfig = z.infer<typeof EvidenceConfig>

export const VerifyConfig = z.union([
  z.strictObject({
    key: oneOrMany(z.string()).describe(
      'Path, from the root of the repository, of a public key in PEM, or several of which one is enough. Needed.',
    ),
  }),
  z.strictObject({
    identity: z
      .string()
      .min(1)
      .describe(
        'Who must have signed, as the certificate has it, such as https://github.com/team/app/.github/workflows/release.yml@refs/heads/main; * stands for any text. Needed.',
      ),
    issuer: z
      .url({ protocol: /^https$/ })
      .optional()
      .describe("Who vouches for the identity. Default: GitHub's, https://token.actions.githubusercontent.com"),
  }),
])
export type VerifyConfig = z.infer<typeof VerifyConfig>

const Growth = z
  .string()
  .regex(/^\d+(\.\d+)?\s?(%|kB|MB|GB)$/, 'must be a percentage or a size: 10% or 50MB')
  .describe('A percentage, or a size.')

const SizeLimitConfig = z.strictObject({
  total: Bytes.optional().describe('Size of the image as docker image ls shows it, such as 800MB. Default: any'),
  growth: Growth.optional().describe(
    'Growth beside the release that the environment runs, such as 10% or 50MB; not asked where that is not known. Default: any',
  ),
})

export const SizeConfig = z.strictObject({
  warn: SizeLimitConfig.optional().describe('Above this, the log and the summary say so.'),
  fail: SizeLimitConfig.optional().describe('Above this, no tag moves.'),
})
export type SizeConfig = z.infer<typeof SizeConfig>
