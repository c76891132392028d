export interface DeploymentStatus {
  state: 'in_progress' | 'success' | 'failure' | 'error' | 'inactive'
  description: string
  url?: string
}

/** What is asked of GitHub whether or not it keeps deployments. */
export interface Branches {
  /** The commit that a branch is at; undefined where it is not there. */
  branchHead(this: void, branch: string): Promise<string | undefined>
}

/** GitHub's API, for the repository this run belongs to. Absent where there is no GitHub. */
export interface GitHub {
  startDeployment(of: { ref: string; environment: string; description: string }): Promise<number>
  /** Whether the token may write deployments; nothing is written to find out. Throws GITHUB_REFUSED where it is no token. */
  mayDeploy(): Promise<boolean>
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
