import { describe, expect, test } from 'vitest'
import { type Trigger, triggerOf } from '../../src/plan/index.ts'
import { plan } from '../../src/plan/plan.ts'
import { configOf, refusal, systemText } from './support/config.ts'
import { seen } from './support/seen.ts'

const sha = '4f2a9c1d2e3b4a5968778695a4b3c2d1e0f01234'

interface Event {
  name: string
  ref?: string
  payload?: object
  environment?: string
}

function triggered({ name, ref, payload = {}, environment }: Event): Trigger {
  const trigger = triggerOf({ GITHUB_EVENT_NAME: name, GITHUB_REF: ref, GITHUB_SHA: sha }, JSON.stringify(payload))
  return { ...trigger, ...(environment === undefined ? {} : { environment }) }
}

const nothing = { builds: false, tags: [], goesTo: undefined }
const pullRequest = { number: 7, head: { sha: 'b'.repeat(40), repo: { fork: true } } }
const nowhere = 'branches has master, docker, docker_dev, release/*'

describe('the plan', () => {
  test.each<[string, Event, object]>([
    [
      'a push to a branch with an environment',
      { name: 'push', ref: 'refs/heads/master' },
      { builds: true, tags: ['master', 'sha-4f2a9c1'], goesTo: 'production', why: 'the branch master goes to production' },
    ],
    [
      'a push to a channel: pushed, not deployed',
      { name: 'push', ref: 'refs/heads/docker' },
      { builds: true, tags: ['docker', 'sha-4f2a9c1'], goesTo: undefined, why: 'the branch docker is not deployed' },
    ],
    [
      'a branch by a pattern, with tags of its own',
      { name: 'push', ref: 'refs/heads/release/1.2' },
      {
        builds: true,
        tags: ['candidate', 'sha-4f2a9c1'],
        goesTo: 'development',
        why: 'the branch release/1.2 (by release/*) goes to development',
      },
    ],
    [
      'a branch below a pattern',
      { name: 'push', ref: 'refs/heads/release/1/2' },
      { ...nothing, why: `no rule for the branch "release/1/2": ${nowhere}` },
    ],
    [
      'a branch of another case',
      { name: 'push', ref: 'refs/heads/Master' },
      { ...nothing, why: `no rule for the branch "Master": ${nowhere}` },
    ],
    [
      'a tag, on whatever branch its commit is',
      { name: 'push', ref: 'refs/tags/v1.2.3', payload: { base_ref: 'refs/heads/feature' } },
      { builds: true, tags: ['1.2.3', 'v1.2.3', 'sha-4f2a9c1'], goesTo: 'production', why: 'the tag v1.2.3 (by v*) goes to production' },
    ],
    ['a branch called like a tag', { name: 'push', ref: 'refs/heads/v1' }, { ...nothing, why: `no rule for the branch "v1": ${nowhere}` }],
    [
      'a tag called like a branch',
      { name: 'push', ref: 'refs/tags/master' },
      { ...nothing, why: 'no rule for the tag "master": tags has v*' },
    ],
    [
      'a branch called like a ref',
      { name: 'push', ref: 'refs/heads/refs/tags/v1' },
      { ...nothing, why: `no rule for the branch "refs/tags/v1": ${nowhere}` },
    ],
    // The runner then names the default branch and its commit.
    [
      'the deletion of a branch',
      { name: 'push', ref: 'refs/heads/master', payload: { deleted: true } },
      { ...nothing, why: 'the branch or tag was deleted' },
    ],
    [
      'the deletion of a tag, with an environment asked for',
      { name: 'push', ref: 'refs/tags/v1.2.3', payload: { deleted: true }, environment: 'production' },
      { ...nothing, why: 'the branch or tag was deleted' },
    ],
    [
      'a published release',
      { name: 'release', ref: 'refs/tags/v2.0.0', payload: { action: 'published', release: { tag_name: 'v2.0.0' } } },
      { builds: true, tags: ['2.0.0', 'v2.0.0', 'sha-4f2a9c1'], goesTo: 'production', why: 'the tag v2.0.0 (by v*) goes to production' },
    ],
    [
      'a published prerelease: its tag decides',
      {
        name: 'release',
        ref: 'refs/tags/v2.0.0-rc.1',
        payload: { action: 'prereleased', release: { tag_name: 'v2.0.0-rc.1', prerelease: true } },
      },
      {
        builds: true,
        tags: ['2.0.0-rc.1', 'v2.0.0-rc.1', 'sha-4f2a9c1'],
        goesTo: 'production',
        why: 'the tag v2.0.0-rc.1 (by v*) goes to production',
      },
    ],
    ...['created', 'edited', 'deleted', 'unpublished'].map((action): [string, Event, object] => [
      `a release that was ${action}`,
      { name: 'release', ref: 'refs/tags/v2.0.0', payload: { action, release: { tag_name: 'v2.0.0' } }, environment: 'production' },
      { ...nothing, why: `the release was ${action}, not published` },
    ]),
    [
      'a pull request from a fork',
      { name: 'pull_request', ref: 'refs/pull/7/merge', payload: { action: 'opened', pull_request: pullRequest } },
      { builds: true, tags: [], goesTo: undefined, why: 'a pull request is built; nothing is written' },
    ],
    [
      'a pull request that asks for an environment',
      { name: 'pull_request', ref: 'refs/pull/7/merge', payload: { pull_request: pullRequest }, environment: 'production' },
      { builds: true, tags: [], goesTo: undefined, why: 'a pull request is built; nothing is written' },
    ],
    [
      'an entry of the merge queue',
      { name: 'merge_group', ref: 'refs/heads/gh-readonly-queue/master/pr-7-b', environment: 'production' },
      { builds: true, tags: [], goesTo: undefined, why: 'an entry of the merge queue is built; nothing is written' },
    ],
    [
      'the push of a branch of the merge queue',
      { name: 'push', ref: 'refs/heads/gh-readonly-queue/master/pr-7-b', environment: 'production' },
      { ...nothing, why: 'a branch of the merge queue is built on merge_group only' },
    ],
    [
      'a schedule',
      { name: 'schedule', ref: 'refs/heads/master' },
      { ...nothing, why: 'a schedule builds where image-tags has type=schedule, and here it has not' },
    ],
    [
      'a button press on a branch without a rule',
      { name: 'workflow_dispatch', ref: 'refs/heads/fix' },
      { ...nothing, why: `no rule for the branch "fix": ${nowhere}` },
    ],
    [
      'a button press that asks for an environment',
      { name: 'workflow_dispatch', ref: 'refs/heads/fix', environment: 'development' },
      { builds: true, tags: ['fix', 'sha-4f2a9c1'], goesTo: 'development', why: 'development was asked for' },
    ],
    [
      'a button press that asks for another environment than the rule of the branch: the tags stay those of the rule',
      { name: 'workflow_dispatch', ref: 'refs/heads/release/1.2', environment: 'production' },
      { builds: true, tags: ['candidate', 'sha-4f2a9c1'], goesTo: 'production', why: 'production was asked for' },
    ],
    [
      'a button press without a ref',
      { name: 'workflow_dispatch' },
      { ...nothing, why: 'there is neither a branch nor a tag; name one with --ref, or an environment with --environment' },
    ],
  ])('what the event leads to: %s', (_, event, expected) => {
    expect(seen(plan(configOf(systemText), triggered(event), undefined))).toEqual(expected)
  })

  const nightly = `${systemText}image-tags: ["type=schedule,pattern=nightly", "type=ref,event=branch"]\n`

  test.each<[string, string, Event, object]>([
    [
      'is built and pushed, and not deployed',
      nightly,
      { name: 'schedule', ref: 'refs/heads/master' },
      { builds: true, tags: ['nightly', 'master'], goesTo: undefined, why: 'a schedule builds and pushes; nothing is deployed' },
    ],
    [
      'that names an environment builds nothing and goes nowhere: it is the daily look at what runs',
      nightly,
      { name: 'schedule', ref: 'refs/heads/master', environment: 'development' },
      { ...nothing, why: 'a schedule that names an environment only looks at what development runs' },
    ],
    [
      'needs no rule for its branch',
      nightly,
      { name: 'schedule', ref: 'refs/heads/trunk' },
      { builds: true, tags: ['nightly', 'trunk'], goesTo: undefined, why: 'a schedule builds and pushes; nothing is deployed' },
    ],
    [
      'that the branch has other tags for is not built',
      nightly,
      { name: 'schedule', ref: 'refs/heads/release/1' },
      { ...nothing, why: 'a schedule builds where image-tags has type=schedule, and here it has not' },
    ],
  ])('a schedule with a tag of its own %s', (_, text, event, expected) => {
    expect(seen(plan(configOf(text), triggered(event), undefined))).toEqual(expected)
  })

  test('image-tags that are written down are read as docker/metadata-action does, with latest', () => {
    const push = (ref: string) => triggered({ name: 'push', ref })
    const written = configOf(`${systemText}image-tags: ["type=semver,pattern={{version}}", "type=ref,event=branch"]\n`)
    expect(plan(written, push('refs/tags/v1.2.3'))).toMatchObject({ version: '1.2.3', tags: ['1.2.3', 'latest'] })
    expect(plan(written, push('refs/heads/master')).tags).toEqual(['master'])
    // Nobody who wrote nothing has asked for it; who says flavor alone has.
    expect(plan(configOf(systemText), push('refs/tags/v1.2.3')).tags).not.toContain('latest')
    expect(plan(configOf(`${systemText}flavor: latest=auto\n`), push('refs/tags/v1.2.3')).tags).toContain('latest')
  })

  test('labels tell what the event tells: of the repository, the version and the commit', () => {
    const repository = { name: 'shop', description: 'Sells.', html_url: 'https://github.com/team/shop', license: { spdx_id: 'MIT' } }
    const payload = { repository, head_commit: { id: sha, timestamp: '2026-11-21T11:15:00+01:00' } }
    expect(plan(configOf(systemText), triggered({ name: 'push', ref: 'refs/heads/master', payload })).labels).toEqual({
      'org.opencontainers.image.title': 'shop',
      'org.opencontainers.image.description': 'Sells.',
      'org.opencontainers.image.url': 'https://github.com/team/shop',
      'org.opencontainers.image.source': 'https://github.com/team/shop',
      'org.opencontainers.image.version': 'master',
      'org.opencontainers.image.created': '2026-11-21T10:15:00.000Z',
      'org.opencontainers.image.revision': sha,
      'org.opencontainers.image.licenses': 'MIT',
    })
    // Each of several images has a name of its own, which the build gives it.
    const several = configOf(
      'images: { web: { repositories: [ghcr.io/team/web] }, db: { repositories: [ghcr.io/team/db] } }\nbranches: { docker: {} }\n',
    )
    const ofSeveral = plan(several, triggered({ name: 'push', ref: 'refs/heads/docker', payload }))
    expect(ofSeveral.images).toHaveLength(2)
    expect(ofSeveral.labels).not.toHaveProperty(['org.opencontainers.image.title'])
    expect(ofSeveral.labels).toHaveProperty(['org.opencontainers.image.description'], 'Sells.')
    // The head of a push with several commits may be another than the one that is built.
    const other = { ...payload, head_commit: { ...payload.head_commit, id: 'c'.repeat(40) } }
    const labels = plan(configOf(systemText), triggered({ name: 'push', ref: 'refs/heads/master', payload: other })).labels
    expect(labels).not.toHaveProperty(['org.opencontainers.image.created'])
  })

  test.each(['pull_request', 'merge_group'])('however wide the rules are, a %s leaves nothing behind', (name) => {
    const config = configOf(systemText.replace('master: production', '"**": production'))
    const section = plan(config, triggered({ name, ref: 'refs/heads/gh-readonly-queue/master/pr-7-b' }), undefined)
    expect(section.stages['push']).toEqual({ run: false, reason: `a ${name} writes nothing to a registry` })
    expect(section.stages['deploy']?.run).toBe(false)
    expect(section.environment).toBeUndefined()
  })

  test('a pull request is called by its number and the head of its branch', () => {
    const section = plan(
      configOf(systemText),
      triggered({ name: 'pull_request', ref: 'refs/pull/7/merge', payload: { pull_request: pullRequest } }),
      undefined,
    )
    expect(section).toMatchObject({ version: 'pr-7', sha: 'b'.repeat(40), tags: ['pr-7', 'sha-bbbbbbb'] })
  })
})

describe('what stands before the tags', () => {
  test.each([
    ['no gate', 'scan: false\n', {}, 'the tags move once the image is there'],
    ['the scan alone', '', {}, 'the tags move once scan has passed'],
    ['both gates', '', { compose: 'compose.yaml' }, 'the tags move once smoke and scan have passed'],
  ])('is said: %s', (_, more, found, reason) => {
    const trigger = triggered({ name: 'push', ref: 'refs/heads/master' })
    expect(plan(configOf(`${systemText}${more}`), trigger, found).stages.push.reason).toBe(reason)
  })
})

describe('what is refused', () => {
  test.each([
    ['pull_request_target', sha, 'launchway does not run on pull_request_target'],
    ['issues', sha, 'launchway has nothing to do on the event "issues"'],
    // A terminal's event: an environment variable must not get around what a runner's event forbids.
    ['local', sha, 'launchway has nothing to do on the event "local"'],
    ['push', '', 'the event names no commit: GITHUB_SHA is ""'],
    ['push', '0'.repeat(40), `the event names no commit: GITHUB_SHA is "${'0'.repeat(40)}"`],
    ['push', '--upload-pack=x', 'the event names no commit: GITHUB_SHA is "--upload-pack=x"'],
  ])('the event %s with the commit "%s"', (event, commit, message) => {
    const error = refusal(() => triggerOf({ GITHUB_EVENT_NAME: event, GITHUB_REF: 'refs/heads/master', GITHUB_SHA: commit }, ''))
    expect([error.code, error.message]).toEqual(['USAGE', message])
    expect(error.hint).toBeDefined()
  })

  test.each([
    ['{', 'the event of this run is not JSON'],
    ['[]', 'the event of this run is not one of GitHub'],
    ['{"pull_request":{"number":"7"}}', 'the event of this run is not one of GitHub'],
  ])('the event file %s', (payload, message) => {
    const error = refusal(() => triggerOf({ GITHUB_EVENT_NAME: 'push', GITHUB_REF: 'refs/heads/master', GITHUB_SHA: sha }, payload))
    expect([error.code, error.message]).toEqual(['USAGE', message])
  })

  test.each([
    ['prodution', 'Did you mean "production"?'],
    ['eu', 'launchway.yml has: production, development'],
    ['constructor', 'launchway.yml has: production, development'],
  ])('the environment "%s", which is not there', (environment, hint) => {
    const error = refusal(() =>
      plan(configOf(systemText), triggered({ name: 'workflow_dispatch', ref: 'refs/heads/master', environment }), undefined),
    )
    expect([error.code, error.message, error.hint]).toEqual(['USAGE', `there is no environment "${environment}"`, hint])
  })

  test.each(['launchway-env-production', `launchway-${'0f'.repeat(16)}`, `sha256-${'0f'.repeat(32)}`])(
    'the branch %s, whose tag would replace one of launchway',
    (branch) => {
      const config = configOf('image: a/b\nbranches: { "**": {} }\n')
      const error = refusal(() => plan(config, triggered({ name: 'push', ref: `refs/heads/${branch}` }), undefined))
      expect([error.code, error.message]).toEqual(['USAGE', `the image tag ${branch} is kept for launchway itself`])
    },
  )
})
