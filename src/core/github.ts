export interface DeploymentStatus {
  state: 'in_progress' | 'success' | 'failure' | 'error' | 'inactive'
  description: string
  url?: string
}

/** GitHub's API, for the repository this run belongs to. Absent where there is no GitHub. */
export interface GitHub {
  startDeployment(of: { ref: string; environment: string; description: string }): Promise<number>
  setDeploymentStatus(deployment: number, status: DeploymentStatus): Promise<void>
}

export interface AssetFile {
  name: string
  body: Buffer
  /** Its media type. */
  type: string
}

/** The files of a release on GitHub. */
export interface Assets {
  /**
   * Attaches files to the release of a tag, each in the place of one of its name.
   * Throws GITHUB_REFUSED.
   */
  put(tag: string, files: readonly AssetFile[]): Promise<void>
}
