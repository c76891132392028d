import { fetchProgram } from './archive.ts'
import { type Around, findTool, type ToolRelease } from './tool-release.ts'

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
  bases: ['https://github.com/sigstore/cosign/releases/download'],
}

/**
 * The path of cosign: that of PATH, of an earlier run or of the runner, else the release, kept in the folder.
 * @throws LaunchwayError TOOL_MISSING, DIGEST_MISMATCH
 */
export async function findCosign(
  around: Around,
  release: ToolRelease = cosignRelease,
  platform = `${process.platform}-${process.arch}`,
): Promise<string> {
  const manual = 'https://docs.sigstore.dev/cosign/system_config/installation/'
  const tool = { name: 'cosign', title: 'cosign', manual, saysVersion: ['version'], fetch: fetchProgram, release }
  return findTool(tool, { around, platform })
}
