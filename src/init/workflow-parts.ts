/** What the workflows have in common, as lines of YAML. */

/** Which launchway the workflows run: `OWNER/launchway` at a commit, since a tag can be moved to other code. */
export interface Pin {
  repository: string
  commit: string
  /** What people call that commit: a comment that update tools follow. */
  tag?: string
}

/** Where nobody has said which: GitHub refuses a workflow with it, and doctor names the line. */
export const unfilled: Pin = { repository: 'OWNER/launchway', commit: 'COMMIT' }

/** How to find out what to write instead of it, wherever it stands. */
export const howToFill = {
  owner: "the account that launchway's repository is under",
  commit: 'the full hash of the release of launchway that you have read',
  list: "git ls-remote https://github.com/OWNER/launchway 'refs/tags/*'",
} as const

/** What decides how the workflows of a repository look. */
export interface Setting {
  pin: Pin
  /** Path of launchway.yml, where it is another. */
  config?: string
  /** What `on.push` names, as GitHub's filters have it. */
  branches: readonly string[]
  tags: readonly string[]
  /** A version is what somebody publishes as a release on GitHub: its tag alone releases nothing then, or it would be released twice. */
  published: boolean
  environments: readonly Target[]
  /** Images are pushed to ghcr.io, where the job's own token is the login. */
  ghcr: boolean
  /** Images are pushed elsewhere, with a login of its own. */
  login: boolean
  /** Passwords of registries that launchway.yml names. */
  passwords: readonly string[]
  /** Names of secrets that builds ask for, and the key that signs. */
  building: readonly string[]
  /** The release is signed as the workflow that runs. */
  identity: boolean
}

/** An environment that releases are deployed to. */
export interface Target {
  name: string
  url?: string
  /** The expression that says which pushes go there; undefined where none does. */
  pushed?: string
  /** Which releases that are published on GitHub go there. */
  published?: string
  /** Names of secrets that the application and launchway.yml ask for. */
  secrets: readonly string[]
}

/** What stands at the top of workflows in which that is to be filled in. */
export function toFill({ pin }: Setting): string[] {
  if (pin !== unfilled) return []
  return ['#', `# STILL TO FILL IN below: for OWNER ${howToFill.owner}, and for COMMIT`, `# ${howToFill.commit}:`, `# ${howToFill.list}`]
}

const checkout = 'actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1'
const uploadArtifact = 'actions/upload-artifact@ea165f8d65b6e75b540449e92b4886f43607fa02 # v4.6.2'

/** What YAML reads as something else than text: that of today, or that of 1.1, which some readers still go by. */
const readOtherwise = /^(?:true|false|null|yes|no|on|off|y|n)$/i

/** A word of YAML, in quotes where it needs them: also a name such as 1e3, 007 or null. */
export function plain(word: string): string {
  const isBare = /^[\w./][\w./-]*$|^https?:\/\/[\w./:-]*\w$/.test(word) && !/^[\d.-]/.test(word) && !readOtherwise.test(word)
  return isBare ? word : `'${word.replaceAll("'", "''")}'`
}

/** As YAML has a list in one line. */
export function list(words: readonly string[]): string {
  return `[${words.map(plain).join(', ')}]`
}

export const indent = (lines: readonly string[], by: number): string[] =>
  lines.map((line) => (line === '' ? '' : `${' '.repeat(by)}${line}`))

export function uses({ repository, commit, tag }: Pin, folder = ''): string {
  return `uses: ${repository}${folder}@${commit}${tag === undefined ? '' : ` # ${tag}`}`
}

/** Runs of one group wait in line; without `queue: max` a third would throw the second out. */
export function queued(group: string): string[] {
  return ['concurrency:', `  group: ${group}`, '  cancel-in-progress: false', '  queue: max']
}

export function rights({ ghcr }: Setting, packages: 'read' | 'write', { contents = 'read', why = 'for ghcr.io' } = {}): string[] {
  return ['permissions:', `  contents: ${contents}`, ...(ghcr ? [`  packages: ${packages} # ${why}`] : [])]
}

export const checkedOut = [`- uses: ${checkout}`, '  with:', '    persist-credentials: false']

export function registryInputs({ login }: Setting): string[] {
  return login ? ['registry-username: ${{ secrets.REGISTRY_USERNAME }}', 'registry-password: ${{ secrets.REGISTRY_PASSWORD }}'] : []
}

/** Which file says what to do. */
export function configInput({ config }: Setting): string[] {
  return config === undefined ? [] : [`config: ${plain(config)}`]
}

/** A step of ours. */
export function step(line: string, inputs: readonly string[], secrets: readonly string[] = [], condition?: string): string[] {
  return [
    `- ${line}`,
    ...(condition === undefined ? [] : [`  if: ${condition}`]),
    ...(inputs.length === 0 ? [] : ['  with:', ...indent(inputs, 4)]),
    ...(secrets.length === 0 ? [] : ['  env:', ...indent(secrets.map(fromSecret), 4)]),
  ]
}

export const fromSecret = (name: string): string => `${plain(name)}: \${{ secrets.${name} }}`

export const sshKey = 'ssh-key: ${{ secrets.SSH_KEY }}'

/** For whoever wants to know why: also of a run that failed, and of its second attempt. @param of one name for each job of a run */
export function keptEvidence(of?: string): string[] {
  return [
    of === undefined ? '# The record, and all that the smoke test and the scan have seen.' : '# The record of this job, with its page.',
    '- if: always()',
    `  uses: ${uploadArtifact}`,
    '  with:',
    `    name: launchway${of === undefined ? '' : `-${of}`}`,
    '    path: |',
    '      ${{ runner.temp }}/launchway/release.json',
    '      ${{ runner.temp }}/launchway/launchway-evidence',
    '    if-no-files-found: ignore',
    '    overwrite: true',
  ]
}

/** Where a step has no secrets yet. */
export const noSecrets = [
  '  # Every name under `secrets:` in launchway.yml is read from here:',
  '  # env:',
  '  #   DATABASE_URL: ${{ secrets.DATABASE_URL }}',
]

/** Reviewers, rules and secrets of the environment hold for the job. */
export function environment(name: string, url?: string): string[] {
  return url === undefined ? [`environment: ${plain(name)}`] : ['environment:', `  name: ${plain(name)}`, `  url: ${plain(url)}`]
}
