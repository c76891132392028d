import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { thisLaunchway } from '../../lab/act.ts'
import { change } from '../../lab/examples/repository.ts'
import { sshAddress } from '../../lab/lab.ts'
import { call } from '../../lab/run.ts'
import { bringImages } from '../../lab/setup/stand-ins.ts'
import { copySample, frameworks, foundSamples } from '../support/awesome-compose.ts'
import { newInitRunner } from './support/act.ts'
import { answer, clearHost, fingerprintsOf, onHost } from './support/host.ts'
import { launchway } from './support/programs.ts'
import { newName } from './support/repository.ts'

const lab = inject('lab')
const host = lab.hosts['forky']
if (host === undefined) throw new Error('the lab has no host forky')

/** Applications that have never seen launchway, and what each says once it is live. Of the campaign. */
const samples = foundSamples({
  flask: { images: frameworks.flask, says: 'Hello World!' },
  fastapi: { images: frameworks.fastapi, says: '{"message":"OK"}' },
  django: { images: frameworks.django, says: 'The install worked successfully' },
})

describe.each(samples)('%s: init, a commit, a push', { timeout: 900_000 }, (name, { images, says }) => {
  const app = newName(name)
  const scratch = mkdtempSync(join(tmpdir(), 'launchway-sample-'))
  const folder = join(scratch, 'repository')
  const runner = newInitRunner(join(scratch, 'runner'))

  beforeAll(async () => {
    await bringImages(images)
    await copySample(name, folder)
    await call('git', ['-C', folder, 'remote', 'add', 'origin', `https://github.com/example/${app}.git`])
    await runner.keepDatabase()
  }, 900_000)
  afterAll(async () => {
    await clearHost(host, app)
    rmSync(scratch, { recursive: true, force: true })
  })

  it('answers on the host, and no file was edited', async () => {
    const ended = await launchway(folder, [
      ...['init', '--yes', '--host', sshAddress(host, 'deploy'), '--image', `${lab.registry.address}/${app}`],
      ...['--launchway', thisLaunchway, '--publish', '6000', ...fingerprintsOf(host).flatMap((one) => ['--trust', one])],
    ])
    expect(ended, ended.stderr).toMatchObject({ code: 0 })
    await change(folder, 'launchway', {})

    const pushed = await runner.act(folder, 'push', 'push.yml')
    expect(pushed.code, pushed.stdout + pushed.stderr).toBe(0)
    expect(await answer(host, '6000')).toMatchObject({ status: 200, body: expect.stringContaining(says) })
    expect(await onHost(host, 'docker', 'ps', '--format', '{{.Ports}}')).toContain('->8000/tcp')
  })
})
