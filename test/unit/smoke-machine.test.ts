import { describe, expect, it } from 'vitest'
import { refuseFarEngine, refuseOldCompose } from '../../src/smoke/machine.ts'
import { fakeLog } from '../fakes/log.ts'
import { failureIn } from './support/deploy.ts'

describe('compose', () => {
  it.each(['2.18.1', 'v2.5.0-desktop.1', '1.29.2'])('%s is refused by its version', (version) => {
    expect(failureIn(() => refuseOldCompose(version))).toMatchObject({
      code: 'TOOL_MISSING',
      message: `docker compose ${version} is too old for the smoke test`,
      hint: expect.stringContaining('2.19 or later'),
    })
  })

  it.each(['2.19.0', 'v2.26.1-4', '2.100.0', '5.0.1', 'dev', ''])('"%s" is taken', (version) => {
    expect(() => refuseOldCompose(version)).not.toThrow()
  })
})

describe('an engine', () => {
  it('that is reached by SSH is refused', () => {
    expect(failureIn(() => refuseFarEngine({ host: 'ssh://ada@build.example.org' }, { log: fakeLog() }))).toMatchObject({
      code: 'TOOL_MISSING',
      message: 'the Docker engine at ssh://ada@build.example.org is on another machine, where the smoke test reaches no port',
    })
  })

  const told = expect.stringContaining('published ports are asked on the loopback of this machine')
  it.each<[string | undefined, unknown[], unknown[]]>([
    [undefined, [], []],
    ['unix:///run/user/1000/docker.sock', [], []],
    ['npipe:////./pipe/docker_engine', [], []],
    ['tcp://127.0.0.1:2375', [told], []],
    ['tcp://[::1]:2375', [told], []],
    ['tcp://docker:2375', [], [told]],
    ['tcp://10.0.0.7:2376', [], [told]],
  ])('at %s is told with where its ports are asked, if there is doubt', (host, lines, warnings) => {
    const log = fakeLog()
    refuseFarEngine(host === undefined ? {} : { host }, { log })
    expect(log.said('line')).toEqual(lines)
    expect(log.said('warning')).toEqual(warnings)
  })
})
