import { describe, expect, test } from 'vitest'
import { configOf, problems } from './support/config.ts'

describe('among the options of docker run', () => {
  const withOptions = (options: string[]): string => `image: a/b\nenvironments:\n  p: { host: h, options: ${JSON.stringify(options)} }\n`
  const decided = (option: string): string => `launchway itself decides ${option}`
  const keyed = (option: string, key: string): string => `${option} among the options is not seen by launchway; use ${key}`

  const switches: [string, string?][] = [['--detach', '-d'], ['--rm'], ['--help']]
  const decidedValues: [string, string?][] = [['--name'], ['--restart'], ['--cidfile'], ['--pull'], ['--attach', '-a']]
  const withKeys: [key: string, long: string, short?: string][] = [
    ['labels', '--label', '-l'],
    ['labels', '--label-file'],
    ['env', '--env', '-e'],
    ['env-files', '--env-file'],
    ['publish', '--publish', '-p'],
    ['networks', '--network'],
    ['networks', '--net'],
    ['volumes', '--volume', '-v'],
    ['user', '--user', '-u'],
    ['memory', '--memory', '-m'],
    ['cpus', '--cpus'],
    ['devices', '--device'],
    ['cap-add', '--cap-add'],
    ['cap-drop', '--cap-drop'],
    ['group-add', '--group-add'],
    ['entrypoint', '--entrypoint'],
    ['stop-signal', '--stop-signal'],
    ['stop-timeout', '--stop-timeout'],
  ]
  type Words = [option: string, words: string[]]
  /** Every way in which docker reads an option that takes a value. */
  function spellings(long: string, short: string | undefined): Words[] {
    const inFull: Words[] = [
      [long, [`${long}=v`]],
      [long, [long, 'v']],
      [long, ['--init', long, '']],
    ]
    if (short === undefined) return inFull
    const joined = `-it${short.slice(1)}`
    return [
      ...inFull,
      ...[[`${short}v`], [`${short}=v`], [`${joined}v`], [short, 'v'], [joined, 'v']].map((words): Words => [short, words]),
    ]
  }
  const switchSpellings = (long: string, short: string | undefined): Words[] => [
    ...[long, `${long}=false`].map((word): Words => [long, [word]]),
    ...(short === undefined
      ? []
      : [short, `${short}=false`, `-${short.slice(1)}it`, `-it${short.slice(1)}`].map((word): Words => [short, [word]])),
  ]
  type Row = [words: string[], message: string]

  test.each<Row>([
    ...switches.flatMap(([long, short]) => switchSpellings(long, short)).map(([option, words]): Row => [words, decided(option)]),
    ...decidedValues.flatMap(([long, short]) => spellings(long, short)).map(([option, words]): Row => [words, decided(option)]),
    ...withKeys.flatMap(([key, long, short]) => spellings(long, short).map(([option, words]): Row => [words, keyed(option, key)])),
    ...switchSpellings('--publish-all', '-P').map(([option, words]): Row => [words, keyed(option, 'publish')]),
    [['--shm-size=1g', 'busybox'], 'option 2 begins with no "-": docker would take it for the image'],
    [['--', '--init'], 'option 1 begins with no "-": docker would take it for the image'],
    [[''], 'option 1 begins with no "-": docker would take it for the image'],
    [['-'], 'option 1 begins with no "-": docker would take it for the image'],
    [['--shm-size'], 'the option --shm-size lacks its value: docker would take the image for it (one without a value: --shm-size=true)'],
    [['--init', '-w'], 'the option -w lacks its value: docker would take the image for it (one without a value: -w=true)'],
  ])('%j is refused: %s', (options, message) => {
    expect(problems(withOptions(options))).toEqual([expect.stringMatching(/^launchway\.yml:3:\d+: environments\.p: /)])
    expect(problems(withOptions(options))[0]).toContain(`environments.p: ${message}`)
  })

  test('each that is refused is named, at its place', () => {
    expect(problems(withOptions(['--init', '-dp80:80', '--workdir', '/x', '--rm']))).toEqual([
      `launchway.yml:3:36: environments.p: ${decided('-d')}`,
      `launchway.yml:3:36: environments.p: ${keyed('-p', 'publish')}`,
      `launchway.yml:3:64: environments.p: ${decided('--rm')}`,
    ])
  })

  test('no message repeats a value, which may be a password', () => {
    const refused = problems(withOptions(['--env=A=hunter2', '-eA=hunter2', '-e', 'A=hunter2', '--name=hunter2', 'hunter2']))
    expect(refused).toHaveLength(5)
    expect(refused.join('\n')).not.toContain('hunter2')
  })

  test.each<[string[]]>([
    [['--init', '--privileged', '--read-only=false', '-it']],
    [['--network-alias', 'web']],
    [['--shm-size=1g', '--ulimit', 'nofile=9', '-w/srv', '-h', 'web', '-c=2']],
    [['--health-cmd', '--name', '--no-healthcheck']],
    [['--memory-swap', '-1', '--memory-reservation=1g', '--cpuset-cpus=0']],
    [['--pull-through=x', '--namespace=x', '--unheard-of', 'x']],
  ])('%j is left to docker', (options) => {
    expect(() => configOf(withOptions(options))).not.toThrow()
  })
})
