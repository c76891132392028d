import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { root } from '../../lab/paths.ts'
import { ask, docker } from '../../lab/run.ts'
import { newName } from './support/repository.ts'

describe('examples/addie, as an image', () => {
  const name = newName('addie')
  let address: string

  /** Asks until the answer is the one that is meant; what came last if it never is. */
  async function eventually(
    path: string,
    meant: (answer: { status: number; body: string }) => boolean,
  ): Promise<{ status: number; body: string }> {
    const deadline = Date.now() + 30_000
    for (;;) {
      const answer = await get(path).catch((error: unknown) => ({ status: 0, body: String(error) }))
      if (meant(answer) || Date.now() > deadline) return answer
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }

  async function get(path: string): Promise<{ status: number; body: string; headers: Headers }> {
    const response = await fetch(`${address}${path}`)
    return { status: response.status, body: await response.text(), headers: response.headers }
  }

  beforeAll(async () => {
    await docker('build', '--quiet', '--tag', name, join(root, 'examples/addie'))
    await docker('run', '--detach', '--name', name, '--env', 'SECRET_KEY=test', '--publish', '127.0.0.1::5000', name)
    address = `http://${await docker('port', name, '5000/tcp')}`
  })
  afterAll(async () => {
    await ask('docker', ['rm', '--force', '--volumes', name])
    await ask('docker', ['image', 'rm', name])
  })

  it('is well once the worker is there, and says its version', async () => {
    const { status, body } = await eventually('/healthz', (answer) => answer.status === 200)
    expect([status, JSON.parse(body)]).toEqual([200, { status: 'ok', redis: 'ok', worker: 'ok', version: '1.0.0' }])
    const page = await get('/')
    expect(page.body).toContain('version 1.0.0')
    expect(page.headers.get('x-frame-options')).toBe('DENY')
    expect(page.headers.get('strict-transport-security')).toBe('max-age=31536000; includeSubDomains; preload;')
  })

  it('does a job that is queued, and refuses one that cannot be computed', async () => {
    expect(await docker('exec', name, 'python', 'check_job.py')).toBe('SUCCESS [3.1355]')
    const body = JSON.stringify({ wavelength: 1.5, angles: [200] })
    const refused = await fetch(`${address}/api/jobs`, { method: 'POST', body, headers: { 'content-type': 'application/json' } })
    expect([refused.status, await refused.json()]).toEqual([400, { error: 'an angle must be a number of degrees between 0 and 180' }])
  })

  it('is unwell without its worker, and well again when it goes on', async () => {
    const signal = (word: string): Promise<string> => docker('exec', name, 'sh', '-c', `kill -${word} $(pidof -x celery)`)
    await signal('STOP')
    const stopped = await eventually('/healthz', ({ status }) => status === 503)
    expect([stopped.status, JSON.parse(stopped.body)]).toEqual([
      503,
      expect.objectContaining({ redis: 'ok', worker: 'gives no sign of life' }),
    ])
    await signal('CONT')
    expect(await eventually('/healthz', ({ status }) => status === 200)).toMatchObject({ status: 200 })
  })

  it('is unwell without Redis, takes no jobs, and still shows its page', async () => {
    await docker('exec', name, 'sh', '-c', 'kill -9 $(pidof redis-server)')
    const { status, body } = await eventually('/healthz', (answer) => answer.status === 503)
    expect([status, JSON.parse(body)]).toEqual([503, expect.objectContaining({ status: 'unwell', redis: 'does not answer' })])
    expect(await get('/')).toMatchObject({ status: 200 })
  })

  it('ends by itself when it is asked to, so that docker need not kill it', async () => {
    await docker('stop', '--time', '30', name)
    expect(await docker('inspect', '--format', '{{.State.ExitCode}}', name)).toBe('0')
  })

  it('says which secret it lacks', async () => {
    await expect(docker('run', '--rm', name)).rejects.toMatchObject({ hint: expect.stringContaining('SECRET_KEY: is not set') })
  })
})
