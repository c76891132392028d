import type { EventName } from '../../src/core/stages.ts'

/** In which way a test shows something: docs/reference/proven.md says what each of them is. */
export type How = 'act' | 'runner' | 'text' | 'table' | 'lab/github'

export interface Claim {
  says: string
  /** Of which event; each event has to have one that is shown under act. */
  event?: EventName | 'pull_request_target'
  /** How, in which file below test/, and by the test of which name, as the file has it. */
  by: readonly (readonly [how: How, file: string, test: string])[]
}

const [ways, init, starters] = ['e2e/ways-in.test.ts', 'e2e/init.test.ts', 'contract/workflows.test.ts']
const [made, plan, terminal] = ['unit/init-workflows.test.ts', 'unit/plan.test.ts', 'unit/supposed.test.ts']

/**
 * What the workflows and events are said to do, and which test shows it how. The page is made from this list, and
 * test/unit/proven.test.ts fails where a test that it names is not there.
 */
export const claims: Readonly<Record<string, readonly Claim[]>> = {
  'What sets a release off': [
    {
      says: 'a push of a branch: built, tested, scanned, pushed, and live where the branch leads to',
      event: 'push',
      by: [
        ['act', ways, 'docker_dev: built, tested, scanned, pushed, and development answers on its port'],
        ['act', ways, 'master: production answers behind nginx, over TLS with the headers of the application'],
        ['act', init, 'a push: a version that answers, and no file was edited'],
      ],
    },
    {
      says: 'a push of a branch without an environment: nothing is deployed; of one without a rule: nothing is done',
      event: 'push',
      by: [
        ['act', ways, 'docker: built, tested, scanned and pushed, and nothing is deployed'],
        ['act', ways, 'a branch that launchway.yml does not name: nothing to do, because …, and green'],
      ],
    },
    {
      says: 'a push of a branch by a pattern, whatever its name is: a tag that is one, or a refusal; nothing of it is executed',
      event: 'push',
      by: [
        ['act', init, 'the workflow that init writes releases it under a tag that is one, and executes nothing of it'],
        ['act', init, 'a workflow that writes the name into a line of shell would have'],
        [
          'table',
          'unit/hostile-names.test.ts',
          'of a branch, tag or base, known bad ones and any other: every tag is one, or it is refused',
        ],
        [
          'table',
          'unit/hostile-names.test.ts',
          'of an environment, image, service or repository in launchway.yml: it is taken as it is, or refused with its place',
        ],
      ],
    },
    {
      says: 'a tag by a pattern: an image of that version, live',
      event: 'push',
      by: [['act', ways, 'a tag v1.2.3: an image of that version, in production']],
    },
    {
      says: 'a release that is published: live, with its record and SBOMs as files of the release on GitHub',
      event: 'release',
      by: [
        ['act', init, 'where versions are published on GitHub: a push is built, and what is published goes live and gets its files'],
        ['lab/github', 'contract/github-assets.test.ts', 'gets the record and the SBOM, and of a run that is repeated the newer ones'],
      ],
    },
    {
      says: 'a button that puts a version live again, or only says what that would come to',
      event: 'workflow_dispatch',
      by: [
        ['act', ways, 'a button with an older version: it goes live again, and nothing is built, scanned or pushed'],
        ['act', ways, 'a button that only says what would happen: an older version would go live, and nothing does'],
      ],
    },
    {
      says: 'a button that goes back, confirms or aborts, or only says what that would come to',
      event: 'workflow_dispatch',
      by: [
        ['act', ways, 'a button that goes back: the version before answers again, from what the host has kept'],
        ['act', ways, 'a button that confirms: it stays, and nothing waits for another that would leave it'],
        ['act', ways, 'a button that aborts: what waited has gone, and the version before answers again'],
        ['act', ways, 'a button that only says what %s would come to: it still waits'],
        ['runner', 'e2e/actions.test.ts', 'confirm and abort: a version that waits stays, or the one before it comes back'],
      ],
    },
    {
      says: 'a pull request, also from a fork: built, tested and scanned without a secret; nothing is pushed or deployed',
      event: 'pull_request',
      by: [
        ['act', init, 'with it, a commit and a pull request from a fork: it is built without a secret, and nothing is written'],
        ['text', starters, '%s: what a pull request sets off has no secret, and may write nothing'],
        ['table', plan, 'however wide the rules are, a %s leaves nothing behind'],
      ],
    },
    {
      says: 'pull_request_target is refused with the reason, whatever is checked out',
      event: 'pull_request_target',
      by: [
        ['act', init, 'pull_request_target with a checkout of the fork is refused with the reason, before anything is read or built'],
        ['table', plan, 'the event %s with the commit "%s"'],
      ],
    },
    {
      says: 'an entry of the merge queue: tested as what its branch would be; nothing is pushed or deployed',
      event: 'merge_group',
      by: [
        ['act', init, 'an entry of the merge queue: it is tested as what its branch would be, and nothing is written'],
        ['table', plan, 'however wide the rules are, a %s leaves nothing behind'],
      ],
    },
    {
      says: 'a schedule: what runs is scanned again; what blocks is an issue',
      event: 'schedule',
      by: [
        ['act', init, 'and a day later: what runs is scanned again, and nothing else is done'],
        ['lab/github', 'contract/rescan-issue.test.ts', 'has an issue when a newer database knows what is wrong with it'],
      ],
    },
    {
      says: 'a button that releases a branch or tag: as its push; its `environment` overrules where that leads',
      by: [
        ['table', plan, 'what the event leads to: %s'],
        ['table', terminal, '%s %s'],
      ],
    },
    {
      says: 'a pull request from a branch of the repository itself: as that from a fork',
      by: [
        ['runner', 'e2e/actions.test.ts', 'a pull request is built, and nothing is written to the registry'],
        ['table', plan, 'however wide the rules are, a %s leaves nothing behind'],
        ['table', terminal, '%s %s'],
      ],
    },
    {
      says: 'a schedule with `type=schedule` among the image tags: built and pushed, and not deployed',
      by: [['table', plan, 'a schedule with a tag of its own %s']],
    },
    {
      says: 'the deletion of a branch or tag: no job runs, and nobody is asked; a job that deploys its commit has nothing to do',
      by: [
        ['text', made, 'a release goes live, gets its files, and nothing else may write to the repository; a push is built'],
        ['table', plan, 'what the event leads to: %s'],
        ['table', 'unit/found-environment.test.ts', 'does nothing, and asks no registry, when %s'],
      ],
    },
    {
      says: 'the same, asked for at a terminal: `launchway plan --event …` is what a runner would plan',
      by: [
        ['table', terminal, '%s %s'],
        ['table', 'unit/show-plan.test.ts', 'of %s'],
      ],
    },
    {
      says: 'no secret of the repository is in a log, a summary, a record, a journal or an image',
      by: [
        ['act', ways, 'is in a log, a summary, a record, a journal or an image, though the runner hides none'],
        ['act', ways, 'would be missed there'],
      ],
    },
  ],
  'What the workflows say': [
    {
      says: 'the workflows to copy, those of the examples, our own, and what `launchway init` writes are workflows, as GitHub and others read them',
      by: [
        ['text', starters, "%s: GitHub's own parser finds nothing"],
        ['text', starters, '%s: actionlint finds nothing but `queue`, which it does not know yet'],
        ['text', starters, '%s: zizmor finds nothing'],
        ['text', starters, 'actionlint and zizmor find what is planted'],
        ['text', starters, '%s: what is given to an action of ours is what it takes, as GitHub sees it'],
      ],
    },
    {
      says: 'approvals: every job that deploys is one of its GitHub environment, and only that has the secrets',
      by: [['text', made, 'give the secrets to the job that deploys, after the environment’s reviewers, and to no other']],
    },
    {
      says: 'permissions: each job has the rights that it needs, and no other',
      by: [
        ['text', made, 'let a pull request read what runs, to compare with it, and no more: %s'],
        ['text', made, 'a release goes live, gets its files, and nothing else may write to the repository; a push is built'],
        ['text', made, 'log in to a registry other than ghcr.io, and have no right to packages then'],
      ],
    },
    {
      says: 'concurrency: deploys wait in line, none is cancelled or thrown out; a push that has been overtaken skips its deploy',
      by: [
        ['text', starters, 'what actionlint does not know is as GitHub has it: the others wait in line, and none is cancelled'],
        ['table', 'unit/superseded.test.ts', 'skips its deploy with the reason, and the run is done'],
      ],
    },
    {
      says: 'dropped outputs: where a job needs one, another fails when it is lost; nothing is skipped in silence',
      by: [['text', made, 'of a launchway.yml that is there: %s']],
    },
    {
      says: 'an action is started as a runner starts it, and its outputs, annotations and summary are what a runner reads',
      by: [
        ['runner', 'e2e/actions.test.ts', 'plan, build, push and deploy: a step each, handing on one record'],
        ['runner', 'e2e/actions.test.ts', 'a failure is one annotation with the code and what to do, and a failed deployment'],
      ],
    },
  ],
  "What is asked of GitHub's API": [
    {
      says: 'deployments and their states',
      by: [
        [
          'lab/github',
          'contract/github.test.ts',
          'deploys what has passed launchway: no merge, no contexts of others, and the run beside each status',
        ],
        ['lab/github', 'contract/github.test.ts', 'names the permission that the job lacks'],
        ['runner', 'e2e/actions.test.ts', 'launchway: the whole release in one step, recorded as a deployment'],
      ],
    },
    {
      says: 'one comment on a pull request, and none on that of a fork',
      by: [
        [
          'lab/github',
          'contract/github-notices.test.ts',
          'has one comment, which says what the newest run came to, and leaves those of people alone',
        ],
        ['lab/github', 'contract/github-notices.test.ts', 'of a fork has no such right: the run goes on, and says which right that is'],
      ],
    },
    {
      says: 'one issue for what an environment runs and the rules block',
      by: [['lab/github', 'contract/github-notices.test.ts', 'is one issue, told again when more blocks, and closed when nothing does']],
    },
    {
      says: 'results for code scanning',
      by: [['lab/github', 'contract/github-code-scanning.test.ts', 'gets the results for the commit and the ref of the run']],
    },
    {
      says: 'where a branch is',
      by: [
        [
          'lab/github',
          'contract/github-branch.test.ts',
          'GitHub says where a branch is, also one with a slash in its name; of one that is gone nothing, and what it refuses is told',
        ],
      ],
    },
  ],
}
