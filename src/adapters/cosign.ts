import { join } from 'node:path'
import { LaunchwayError } from '../core/error.ts'
import { fetchProgram } from './archive.ts'
import { findProgram } from './programs.ts'
import { archiveFor, type ToolRelease } from './trivy.ts'

/**
 * The cosign that is fetched where PATH has none: a program of 140 MB, for signatures by identity alone. SHA-256 of the
 * official files, each found in agreement in several public repositories.
 */
export const cosignRelease: ToolRelease = {
  version: '3.1.3',
  archives: {
    'linux-x64': { file: 'cosign-linux-amd64', sha256: '4629c757b7618056f8ddd7e2625ae9fdd94c0372a65049520bc7d9df9efc7f71' },
    'linux-arm64': { file: 'cosign-linux-arm64', sha256: 'c5d324e091826b0d7a78eb16fef316450b4eb9aaec045611c08ba06f5e73220a' },
    'darwin-x64': { file: 'cosign-darwin-amd64', sha256: '2347488e5d5b25336644024dfeca5601b190e91197a71a917bda44744aff106c' },
    'darwin-arm64': { file: 'cosign-darwin-arm64', sha256: '5cf948c2f4dfe59687bdd0b8523709067383e03982cc543475c8a7dc70e92a76' },
  },
  base: 'https://github.com/sigstore/cosign/releases/download/v3.1.3',
}

/**
 * The path of cosign: that of PATH, else the release, kept in the folder.
 * @throws LaunchwayError TOOL_MISSING, DIGEST_MISMATCH
 */
export async function findCosign(
  env: Record<string, string | undefined>,
  folder: string,
  release: ToolRelease = cosignRelease,
  platform = `${process.platform}-${process.arch}`,
): Promise<string> {
  const kept = join(folder, `cosign-${release.version}`)
  const found = findProgram('cosign', env, kept)
  if (found !== undefined) return found
  const file = archiveFor(release, platform)
  const why =
    file === undefined
      ? `there is no release of cosign for ${platform} that launchway knows`
      : await fetchProgram(file.url, file.sha256, 'cosign', kept)
  if (why === undefined) return join(kept, 'cosign')
  throw new LaunchwayError('TOOL_MISSING', `cosign is not in PATH, and could not be fetched: ${why}`, {
    hint: [
      `Install cosign ${release.version} so that \`cosign\` is in PATH: https://docs.sigstore.dev/cosign/system_config/installation/`,
      ...(file === undefined ? [] : [`The release that launchway would take: ${file.url}\nSHA-256 ${file.sha256}`]),
    ].join('\n'),
  })
}
