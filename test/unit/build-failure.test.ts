import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { buildFailure } from '../../src/build/failure.ts'
import type { Told } from '../../src/build/progress.ts'
import { fakeEngine } from '../fakes/engine.ts'
import { localPorts, temporaryFolder } from './support/ports.ts'

const source = { context: '.', dockerfile: 'Dockerfile' }

/** What buildx printed at the end, read as a person reads it. */
async function read(text: string, failed: Told['failed'] = [], driver = 'docker') {
  const root = temporaryFolder()
  writeFileSync(join(root, 'Dockerfile'), 'FROM python:3\nRUN make\n')
  return buildFailure({ failed, warnings: [], text: text.split('\n') }, [source], { driver, logins: new Map() }, localPorts(root).ports)
}

const excerpt = ['Dockerfile:2', '--------------------', '   1 |     FROM python:3', '   2 | >>> RUN make', '--------------------'].join(
  '\n',
)
const solving = 'ERROR: failed to solve: '
const resolving = `${solving}failed to resolve source metadata for docker.io/team/base:1: `

// Each as the BuildKit of an engine 26.1, or BuildKit 0.25, has printed it.
describe('what BuildKit says of a failure is put into words', () => {
  test.each<[string, string, string, string | RegExp]>([
    [
      'a command',
      `${excerpt}\n${solving}process "/bin/sh -c make" did not complete successfully: exit code: 2`,
      'the command ended with exit code 2',
      /^Dockerfile:2$/m,
    ],
    [
      'a command that was killed',
      `${solving}process "/bin/sh -c make" did not complete successfully: exit code: 137`,
      'the command was killed (exit code 137)',
      /too little memory/,
    ],
    [
      'a syntax error',
      `${solving}dockerfile parse error on line 2: unknown instruction: RUM (did you mean RUN?)`,
      'unknown instruction: RUM (did you mean RUN?)',
      '',
    ],
    [
      'a file that is not there',
      `${solving}failed to compute cache key: failed to calculate checksum of ref a::b: "/nope": not found`,
      '/nope is not in the build context',
      /\.dockerignore/,
    ],
    [
      'a full disk',
      `${solving}failed to copy files: write /x: no space left on device`,
      'the disk of the builder is full',
      /docker builder prune/,
    ],
    [
      'a base that does not exist',
      `${resolving}docker.io/team/base:1: not found`,
      'the base image docker.io/team/base:1 cannot be had',
      /name and tag/,
    ],
    [
      'a base that needs a login',
      `${resolving}pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed`,
      'the base image docker.io/team/base:1 cannot be had',
      /docker login/,
    ],
    [
      'a limit on pulls',
      `${resolving}unexpected status: 429 Too Many Requests`,
      'the base image docker.io/team/base:1 cannot be had',
      /limits pulls/,
    ],
    [
      'a registry out of reach',
      `${resolving}dial tcp: lookup registry.example.org: no such host`,
      'the base image docker.io/team/base:1 cannot be had',
      /no such host/,
    ],
    [
      'a stage that is not there',
      `${solving}target stage "prod" could not be found`,
      'the Dockerfile has no stage prod',
      /images\.<name>\.target/,
    ],
  ])('%s', async (_, text, says, hint) => {
    const { code, message, hint: shown } = await read(text)
    expect([code, message.replace(/^the build failed( at [^:]+:\d+)?: /, '')]).toEqual(['BUILD_FAILED', says])
    expect(shown).toMatch(hint)
  })

  test.each<[string, string, RegExp]>([
    ['a secret', `${excerpt}\n${solving}secret npm: not found`, /^the build failed at Dockerfile:2: it asks for the secret npm/],
    ['SSH', `${excerpt}\n${solving}unset ssh forward key default`, /^the build failed at Dockerfile:2: it asks for SSH \(default\)/],
  ])('%s that the Dockerfile asks for and nobody gives', async (_, text, says) => {
    const { code, message } = await read(text)
    expect([code, says.test(message)]).toEqual(['SECRET_MISSING', true])
  })

  test('a builder of its own does not see the images of the engine, which is said of a base that it does not find', async () => {
    expect((await read(`${resolving}not found`, [], 'docker-container')).hint).toMatch(/only this engine has/)
    expect((await read(`${resolving}not found`)).hint).not.toMatch(/only this engine has/)
  })

  test('a buildx that knows no rawjson is too old', async () => {
    expect((await read('ERROR: invalid progress mode rawjson')).code).toBe('TOOL_MISSING')
  })
})

describe('a program of another kind of machine', () => {
  /** As an engine 26.1 without emulation has said it. */
  const ended = `${solving}process "/bin/sh -c uname" did not complete successfully: exit code: 1`
  const failure = async (step: string, platforms: string[], engine: string | undefined, last = 'exec /bin/sh: exec format error') => {
    const { ports } = localPorts(temporaryFolder())
    const failed = [{ step, error: '', lines: ['and before', last] }]
    const platform = async (): Promise<string> => engine ?? Promise.reject(new Error('no engine'))
    const found = await buildFailure(
      { failed, warnings: [], text: [ended] },
      [{ ...source, platforms }],
      { driver: 'docker', logins: new Map() },
      { ...ports, engine: { ...fakeEngine(), platform } },
    )
    return { says: found.message.replace(/^the build failed: /, ''), hint: found.hint }
  }

  test.each<[string, string, string[], string | undefined, string]>([
    [
      'that is asked for',
      '[2/2] RUN uname',
      ['linux/arm64'],
      'linux/amd64',
      'a program for linux/arm64, which this machine (linux/amd64) cannot run',
    ],
    [
      'of several that are',
      '[linux/arm/v7 2/2] RUN uname',
      ['linux/amd64', 'linux/arm/v7'],
      'linux/amd64',
      'a program for linux/arm/v7, which',
    ],
    [
      'of several, in a stage',
      '[linux/arm64 build 2/2] RUN uname',
      ['linux/amd64', 'linux/arm64'],
      'linux/amd64',
      'a program for linux/arm64, which',
    ],
    [
      'where the engine does not say what it is',
      '[2/2] RUN uname',
      ['linux/arm64'],
      undefined,
      'a program for linux/arm64, which this machine cannot run',
    ],
  ])('%s is named', async (_, step, platforms, engine, expected) => {
    const { says, hint } = await failure(step, platforms, engine)
    expect(says).toContain(expected)
    expect(hint).toMatch(/setup-qemu-action[^]*binfmt --install arm/)
  })

  test('is told from a program that nobody can run, and from one that only writes so', async () => {
    const { says, hint } = await failure('[2/2] RUN uname', ['linux/amd64'], 'linux/amd64')
    expect([says, hint]).toEqual(['this machine cannot run the program (exec format error)', expect.stringMatching(/without #!/)])
    const other = await failure('[2/2] RUN uname', ['linux/arm64'], 'linux/amd64', 'it was no exec format error, said the test')
    expect(other.says).toBe('the command ended with exit code 1')
  })
})

test('the last lines of the step that failed come first, then the place, and nothing of other steps', async () => {
  const lines = Array.from({ length: 60 }, (_, index) => `cc file${index}.c`)
  const error = await read(`ignored\n${excerpt}\n${solving}process "make" did not complete successfully: exit code: 2`, [
    { step: '[2/2] RUN make', error: 'exit code: 2', lines: [...lines, ''] },
    { step: '[web 2/2] RUN other', error: 'exit code: 1', lines: ['other'] },
  ])
  expect(error.place).toEqual({ file: 'Dockerfile', line: 2 })
  expect(error.hint?.split('\n')).toEqual([
    '[2/2] RUN make',
    ...lines.slice(-20),
    ...excerpt.split('\n'),
    `${solving}process "make" did not complete successfully: exit code: 2`,
  ])
})
