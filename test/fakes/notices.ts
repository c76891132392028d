import type { Notices } from '../../src/core/ports.ts'

interface FakeIssue {
  mark: string
  title: string
  body: string
  state: 'open' | 'closed'
  /** Comments, oldest first. */
  said: string[]
}

export interface FakeNotices extends Notices {
  /** The oldest first, by their numbers but one. */
  readonly issues: readonly FakeIssue[]
}

/** A repository on GitHub in memory, for tests of what is told there; test/contract/github-notices.test.ts has the real client. */
export function fakeNotices(): FakeNotices {
  const issues: FakeIssue[] = []
  const at = (number: number): FakeIssue => {
    const issue = issues[number - 1]
    if (issue === undefined) throw new Error(`there is no issue ${number}`)
    return issue
  }
  return {
    issues,
    comment: async () => undefined,
    findIssue: async ({ mark }) => {
      const index = issues.findIndex((one) => one.mark === mark && one.state === 'open')
      return index < 0 ? undefined : { number: index + 1, ...at(index + 1) }
    },
    openIssue: async ({ mark, title, body }) => void issues.push({ mark, title, body, state: 'open', said: [] }),
    changeIssue: async (number, of) => void Object.assign(at(number), of),
    closeIssue: async (number) => void Object.assign(at(number), { state: 'closed' }),
    say: async (number, word) => void at(number).said.push(word),
    uploadSarif: async () => undefined,
    sarifStatus: async () => ({ state: 'complete', errors: [] }),
  }
}
