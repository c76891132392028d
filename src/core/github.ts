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
  /** The one open issue with this label and mark, with what it says after the mark; undefined where none is open. */
  findIssue(of: { label: string; mark: string }): Promise<{ number: number; title: string; body: string } | undefined>
  openIssue(of: Issue & { label: string }): Promise<void>
  changeIssue(number: number, of: Issue): Promise<void>
  closeIssue(number: number): Promise<void>
  /** A comment on an issue, which tells all who watch it. */
  say(number: number, word: string): Promise<void>
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
  /** What nobody sees, at the beginning of the text: by it the issue is found again. */
  mark: string
  title: string
  body: string
}

/** The files of a release on GitHub. */
export interface Assets {
  /**
   * Attaches files to the release of a tag, each in the place of one of its name.
   * Throws GITHUB_REFUSED.
   */
  put(tag: string, files: readonly AssetFile[]): Promise<void>
}
