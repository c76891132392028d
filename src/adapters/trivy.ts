import { fetchArchive } from './archive.ts'
import { type Around, findTool, type ToolRelease } from './tool-release.ts'

/**
 * The Trivy that is fetched where PATH has none. SHA-256 of the official archives, each found in agreement in several
 * public repositories (three for Linux, two for macOS).
 */
export const trivyRelease: ToolRelease = {
  version: '0.71.2',
  archives: {
    'linux-x64': { file: 'trivy_0.71.2_Linux-64bit.tar.gz', sha256: '0510e71e2fd39bf863856d499c8dc19feb4e7336546394c502a8f5cc7ab27460' },
    'linux-arm64': { file: 'trivy_0.71.2_Linux-ARM64.tar.gz', sha256: 'fe1c7106e15a5365d485b098a8c338f91e3b7ba71cb0e4963b98a3a098763cfc' },
    'darwin-x64': { file: 'trivy_0.71.2_macOS-64bit.tar.gz', sha256: 'c27bcf4ddd281aecb7267eb5df804ec49ac0f8fa23fe018d33932e17f30a38bf' },
    'darwin-arm64': { file: 'trivy_0.71.2_macOS-ARM64.tar.gz', sha256: 'a9f585cad53542a54ef286b5fa4199d081e5a061f8894635bdf3ce2608ece7a9' },
  },
  bases: ['https://github.com/aquasecurity/trivy/releases/download'],
}

/**
 * The path of Trivy: that of PATH, of an earlier run or of the runner, else the release, kept in the folder.
 * @param how offline: nothing is fetched; trivyMirrors: who is asked for it instead of Trivy's own server
 * @throws LaunchwayError TOOL_MISSING, DIGEST_MISMATCH
 */
export async function findTrivy(
  around: Around,
  { offline, trivyMirrors }: { offline: boolean; trivyMirrors?: readonly string[] | undefined },
  release: ToolRelease = trivyRelease,
  platform = `${process.platform}-${process.arch}`,
): Promise<string> {
  const tool = {
    name: 'trivy',
    title: 'Trivy',
    manual: 'https://trivy.dev/latest/getting-started/installation/',
    saysVersion: ['--version'],
    fetch: fetchArchive,
    release: trivyMirrors === undefined ? release : { ...release, bases: trivyMirrors },
  }
  return findTool(tool, { around, platform, refusal: offline ? 'scan.offline is set, so nothing is' : undefined })
}
