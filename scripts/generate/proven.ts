import { type Claim, claims, type How } from '../../test/support/proven.ts'
import { type GeneratedFile, page, prose, table } from './page.ts'

const ways: Readonly<Record<How, string>> = {
  act: 'act runs the workflow, as `launchway init` or the example has it, with the event as GitHub sends it, against registries and hosts of the lab. The test reads the release record that the run has kept, the registry and the host.',
  runner: 'The action alone, started by Node as a runner starts it, against the same lab.',
  text: "The workflows are read, and not run: by GitHub's own parser (`@actions/workflow-parser`), actionlint and zizmor, or by the test.",
  table: 'What is decided, for a table of events and names or for any of them: nothing is run.',
  'lab/github': "Every request goes to a server made from GitHub's published description of its API, which refuses what does not fit it.",
}

/** What nobody has seen: it would take GitHub itself. */
const unseen = [
  'reviewers and waiting times of an environment, and that its secrets reach the job: the workflow names the environment, the rest is GitHub;',
  'that GitHub keeps runs of one concurrency group in line, `queue: max` among them: act runs one workflow at a time and does not know the key;',
  'that the token of a run has the rights which `permissions` say, and that of a fork those to read: in the lab the server refuses what a test tells it to;',
  'that GitHub drops an output with the value of a secret in it;',
  'its filters (`on.push.branches`, `types`), the time of a schedule, and the ref and the commit that a run in a merge queue gets: act runs what it is told to, with what is checked out;',
  'its services for artifacts and caches, for which a folder and a server of the tests stand in; ghcr.io; and the identity of a workflow, by which `sign: keyless` signs.',
]

export function provenPage(): GeneratedFile {
  return page('docs/reference/proven.md', 'What is proven, and how', 'test/support/proven.ts', [
    'What the workflows and the events that set them off are said to do, and the test that shows it. A test of `npm test` fails where one that is named here is not there. What has been tried on which hosts is a page of its own: [scenarios](scenarios.md).',
    table(
      ['how', 'means'],
      Object.entries(ways).map(([how, means]) => [how, prose(means)]),
    ),
    ...Object.entries(claims).flatMap(([title, list]) => [
      `## ${title}`,
      table(
        ['what', 'how', 'test'],
        list.flatMap(({ says, by }) =>
          by.map(([how, file, test], index) => [index === 0 ? prose(says) : '', how, `\`${file}\`: ${prose(test)}`]),
        ),
      ),
      ...notRun(list),
    ]),
    '## On GitHub itself: nothing',
    'No line above was shown by a run on GitHub. What only GitHub can show is therefore not proven here, but read in its documentation and checked as text:',
    unseen.map((line) => `- ${line}`).join('\n'),
  ])
}

/** Of a list in which act shows some, those that it does not. */
function notRun(list: readonly Claim[]): string[] {
  const isRun = ({ by }: Claim): boolean => by.some(([how]) => how === 'act')
  if (!list.some(isRun)) return []
  return [
    'Of these not run under act, but shown by no more than their lines say:',
    list.flatMap((one) => (isRun(one) ? [] : [`- ${prose(one.says)}`])).join('\n'),
  ]
}
