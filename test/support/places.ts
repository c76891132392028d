/** Where a scenario runs: a host of one age, the account that deploys, and the shell and tools that run the program there. */
export interface Place {
  /** As the pages and the names of tests have it: `trixie, sudo only`; `forky, busybox`, where the account is root. */
  name: string
  suite: string
  account: Account
  shell: 'dash' | 'busybox'
}

export const suites = ['bookworm', 'trixie', 'forky'] as const
export const accounts = ['root', 'docker group', 'sudo only'] as const
export type Account = (typeof accounts)[number]
type Kind = Account | 'busybox'
export type PlaceName = `${(typeof suites)[number]}, ${Kind}`

/** A host without GNU's tools has no sudo as a rule: there it is root who deploys. */
export const places: readonly Place[] = suites.flatMap((suite) =>
  ([...accounts, 'busybox'] as const).map((kind): Place => {
    const name: PlaceName = `${suite}, ${kind}`
    return kind === 'busybox' ? { name, suite, account: 'root', shell: kind } : { name, suite, account: kind, shell: 'dash' }
  }),
)

/**
 * Where the tests of a scenario run: a sample, or what LAUNCHWAY_MATRIX says: `sample`, `all`, or parts of the places' names,
 * separated by semicolons (`trixie, sudo only; forky`).
 */
export function placesOf(...sample: readonly PlaceName[]): Place[] {
  const wanted = process.env['LAUNCHWAY_MATRIX']
  if (wanted === undefined || wanted === 'sample') return places.filter(({ name }) => sample.some((one) => one === name))
  const parts = wanted.split(';').map((part) => part.trim())
  return places.filter(({ name }) => wanted === 'all' || parts.some((part) => part !== '' && name.includes(part)))
}

/** The place that a test names by what it ran on; undefined where that is none, or more than one. */
export function placeOf(on: readonly string[]): Place | undefined {
  const [suite, ...others] = suites.filter((one) => on.includes(one))
  const [account, ...more] = accounts.filter((one) => on.includes(one))
  if (suite === undefined || account === undefined || others.length + more.length > 0) return undefined
  const shell = (['dash', 'busybox'] as const).filter((one) => on.includes(one))
  return shell.length > 1 ? undefined : places.find((one) => one.suite === suite && one.account === account && one.shell === shell[0])
}
