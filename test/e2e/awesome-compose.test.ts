import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { thisLaunchway } from '../../lab/act.ts'
import { clearSystem } from '../../lab/examples/open.ts'
import { change, pullFrom } from '../../lab/examples/repository.ts'
import { sshAddress } from '../../lab/lab.ts'
import { call } from '../../lab/run.ts'
import { bringImages } from '../../lab/setup/stand-ins.ts'
import { copySample, frameworks, frontend, foundSamples } from '../support/awesome-compose.ts'
import { newInitRunner } from './support/act.ts'
import { fingerprintsOf, onHost } from './support/host.ts'
import { launchway } from './support/programs.ts'
import { newName } from './support/repository.ts'

const lab = inject('lab')
const host = lab.hosts['forky']
if (host === undefined) throw new Error('the lab has no host forky')

interface Sample {
  images: readonly string[]
  /** Of others, which its compose file names: hosts pull them. */
  pulled?: readonly string[]
  /** What it says once it is live. */
  says: string
  /** Its compose file is deployed as it is, and visitors come through nginx of the host, since its own port is taken there. */
  isProject?: true
}

const go = { images: [frontend, 'golang:1.18-alpine'], says: '["Blog post #0","Blog post #1"', isProject: true } as const

/** Applications that have never seen launchway. Of the campaign. */
const samples = foundSamples<Sample>({
  flask: { images: frameworks.flask, says: 'Hello World!' },
  fastapi: { images: frameworks.fastapi, says: '{"message":"OK"}' },
  django: { images: frameworks.django, says: 'The install worked successfully' },
  'nginx-golang-postgres': { ...go, pulled: ['nginx:latest', 'postgres:latest'] },
  'nginx-golang-mysql': { ...go, pulled: ['nginx:latest', 'mariadb:10-focal'] },
})
const url = 'http://sample.example.org'

describe.each(samples)('%s: init, a commit, a push', { timeout: 900_000 }, (name, { images, pulled = [], says, isProject }) => {
  const app = newName(name)
  const scratch = mkdtempSync(join(tmpdir(), 'launchway-sample-'))
  const folder = join(scratch, 'repository')
  const runner = newInitRunner(join(scratch, 'runner'))

  beforeAll(async () => {
    await bringImages(images)
    await copySample(name, folder)
    await pullFrom(lab.registry.address, folder, pulled)
    await call('git', ['-C', folder, 'remote', 'add', 'origin', `https://github.com/example/${app}.git`])
    await runner.keepDatabase()
  }, 900_000)
  afterAll(async () => {
    await clearSystem({ lab, host, app, folder, onHost: (...words) => onHost(host, ...words) })
    rmSync(scratch, { recursive: true, force: true })
  })

  it('answers on the host, and no file was edited', async () => {
    const ended = await launchway(folder, [
      ...['init', '--yes', '--host', sshAddress(host, 'ops'), '--image', `${lab.registry.address}/${app}`],
      ...[
        '--launchway',
        thisLaunchway,
        ...(isProject === true ? ['--url', url] : ['--publish', '6000']),
        ...fingerprintsOf(host).flatMap((one) => ['--trust', one]),
      ],
    ])
    expect(ended, ended.stderr).toMatchObject({ code: 0 })
    await change(folder, 'launchway', {})

    const pushed = await runner.act(folder, 'push', 'push.yml')
    expect(pushed.code, pushed.stdout + pushed.stderr).toBe(0)
    // Some answer to their own name alone.
    const [port, named] = isProject === true ? (['80', ['--header', `Host: ${new URL(url).host}`]] as const) : (['6000', []] as const)
    const asked = ['--silent', '--fail', '--max-time', '20', ...named, `http://127.0.0.1:${host.ports[port]}/`]
    const { stdout } = await call('curl', asked)
    expect(stdout).toContain(says)
    const there = await onHost(host, 'docker', 'ps', '--format', '{{.Ports}} {{.Mounts}}', '--no-trunc')
    expect(there).toContain(isProject === true ? `${app}-production_db-data` : '->8000/tcp')
  })
})
