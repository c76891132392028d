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

/** What people are told on GitHub, beside the run itself. Each throws GITHUB_REFUSED. */
export interface Notices {
  /** The one comment with this mark on a pull request: written, or replaced where it says something else. */
  comment(of: { pull: number; mark: string; body: string }): Promise<void>
  /** The one open issue with this mark and label: opened, or brought to this text. @param news what to say of a text that changes */
  keepIssue(of: Issue & { title: string; body: string; news(this: void, before: string): string | undefined }): Promise<void>
  /** Closes it with a last word; nothing where none is open. */
  closeIssue(of: Issue & { word: string }): Promise<void>
  /**
   * Takes results to code scanning, as SARIF that fits its limits.
   * @param name what to call them where they are refused
   * @returns by what to ask for what became of them; undefined where GitHub does not say
   */
  uploadSarif(of: { name: string; sha: string; ref: string; sarif: Buffer }): Promise<string | undefined>
  /** What became of an upload: it is taken first, and looked at afterwards. */
  sarifStatus(upload: string): Promise<SarifStatus>
}

export interface SarifStatus {
  state: 'pending' | 'complete' | 'failed'
  /** In GitHub's words. */
  errors: readonly string[]
}

interface Issue {
  label: string
  /** What nobody sees, in the text: by it the issue is found again. */
  mark: string
}

/** The files of a release on GitHub. */
export interface Assets {
  /**
   * Attaches files to the release of a tag, each in the place of one of its name.
   * Throws GITHUB_REFUSED.
   */
  put(tag: string, files: readonly AssetFile[]): Promise<void>
}
