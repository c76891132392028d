import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { forAct, newRunner, thisLaunchway } from '../../lab/act.ts'
import { change } from '../../lab/examples/repository.ts'
import { sshAddress } from '../../lab/lab.ts'
import { call } from '../../lab/run.ts'
import { bringImages } from '../../lab/setup/stand-ins.ts'
import { fingerprint } from '../../src/tools/ssh.ts'
import { answer, clearHost, onHost } from './support/host.ts'
import { bareEnvironment, launchway, run } from './support/programs.ts'
import { newName } from './support/repository.ts'

/** A checkout of https://github.com/docker/awesome-compose: docs/guide/smoke-samples.md. Of the campaign. */
const collection = process.env['LAUNCHWAY_AWESOME_COMPOSE']
const lab = inject('lab')
const host = lab.hosts['forky']
if (host === undefined) throw new Error('the lab has no host forky')

/** Applications that have never seen launchway, and what each says once it is live. */
const samples: Readonly<Record<string, { images: readonly string[]; says: string }>> = {
  flask: { images: ['docker/dockerfile:1.4', 'python:3.10-alpine'], says: 'Hello World!' },
  fastapi: { images: ['tiangolo/uvicorn-gunicorn-fastapi:python3.9-slim'], says: '{"message":"OK"}' },
  django: { images: ['docker/dockerfile:1.4', 'python:3.7-alpine'], says: 'The install worked successfully' },
}

it('finds a copy of docker/awesome-compose', ({ skip }) => {
  skip(collection === undefined, 'LAUNCHWAY_AWESOME_COMPOSE names no checkout of it')
  expect(Object.keys(samples).filter((name) => !existsSync(join(collection ?? '', name, 'compose.yaml')))).toEqual([])
})

describe.each(collection === undefined ? [] : Object.entries(samples))(
  '%s: init, a commit, a push',
  { timeout: 900_000 },
  (name, { images, says }) => {
    const app = newName(name)
    const scratch = mkdtempSync(join(tmpdir(), 'launchway-sample-'))
    const folder = join(scratch, 'repository')

    beforeAll(async () => {
      await bringImages(images)
      cpSync(join(collection ?? '', name), folder, { recursive: true })
      for (const words of [
        ['init', '--quiet', '--initial-branch', 'master'],
        ['config', 'user.name', 'Sample'],
        ['config', 'user.email', 'sample@example.org'],
        ['remote', 'add', 'origin', `https://github.com/example/${app}.git`],
      ])
        await call('git', ['-C', folder, ...words])
      // As a runner has it that fetched Trivy's own database earlier, which cannot be had here: init names no other.
      const kept = join(scratch, 'runner/launchway/trivy')
      const database = ['--download-db-only', '--insecure', '--db-repository', lab.vulnerabilities, '--cache-dir', kept]
      await call('trivy', ['image', '--quiet', ...database])
      writeFileSync(join(kept, 'db/source'), "Trivy's own databases")
    }, 900_000)
    afterAll(async () => {
      await clearHost(host, app)
      rmSync(scratch, { recursive: true, force: true })
    })

    it('answers on the host, and no file was edited', async () => {
      const key = readFileSync(lab.knownHosts, 'utf8')
        .split('\n')
        .find((line) => line.split(' ')[0]?.split(',').includes(`[127.0.0.1]:${host.ports['22']}`))
      const ended = await launchway(folder, [
        ...['init', '--yes', '--host', sshAddress(host, 'deploy'), '--image', `${lab.registry.address}/${app}`],
        ...['--launchway', thisLaunchway, '--publish', '6000', '--trust', fingerprint(key ?? '')?.split(' ')[0] ?? ''],
      ])
      expect(ended, ended.stderr).toMatchObject({ code: 0 })
      await change(folder, 'launchway', {})

      const secrets = { SSH_KEY: readFileSync(lab.key, 'utf8'), GITHUB_TOKEN: lab.github.token }
      const runner = newRunner(join(scratch, 'runner'), { api: lab.github.url, secrets })
      const workflow = join(scratch, 'push.yml')
      writeFileSync(workflow, forAct(readFileSync(join(folder, '.github/workflows/push.yml'), 'utf8')))
      const args = [...runner.args({ event: 'push', workflow }), '--env', `XDG_CACHE_HOME=${join(scratch, 'runner')}`]
      const pushed = await run('act', args, { cwd: folder, env: { ...bareEnvironment(), ...runner.env } })
      expect(pushed.code, pushed.stdout + pushed.stderr).toBe(0)
      expect(await answer(host, '6000')).toMatchObject({ status: 200, body: expect.stringContaining(says) })
      expect(await onHost(host, 'docker', 'ps', '--format', '{{.Ports}}')).toContain('->8000/tcp')
    })
  },
)
