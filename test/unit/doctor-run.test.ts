import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Ports } from '../../src/core/ports.ts'
import { doctor } from '../../src/doctor/index.ts'
import { lastImages } from '../../src/doctor/look/hosts.ts'
import { fakeExec } from '../fakes/exec.ts'
import { fakeFiles } from '../fakes/files.ts'
import { digest, record } from './support/deploy.ts'
import { plainConfig, plainDockerfile } from './support/doctor.ts'
import { refusal } from './support/config.ts'
import { localPorts, temporaryFolder } from './support/ports.ts'

const tools = fakeExec({
  'docker --version': { stdout: 'Docker version 28.5.2, build 1' },
  'docker version': { stdout: '28.5.2' },
  'docker buildx version': { stdout: 'github.com/docker/buildx v0.20.0 abc' },
  'git --version': { stdout: 'git version 2.47.0' },
  'git rev-parse HEAD': { stdout: '4f2a9c1' },
  'ssh -V': { stderr: 'OpenSSH_9.9p1' },
})

/** A repository on disk. What is beyond this machine fails, as a bug would, when it is reached. */
function repository(files: Readonly<Record<string, string>> = {}): Ports {
  const root = temporaryFolder()
  for (const [path, text] of Object.entries({ 'launchway.yml': plainConfig, Dockerfile: plainDockerfile, 'app.py': '', ...files })) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  const { ports } = localPorts(root)
  return { ...ports, exec: tools, tools: { ...ports.tools, trivy: async () => '/usr/bin/trivy' } }
}

const wish = { config: 'launchway.yml', record: '/nowhere', offline: true, fix: false }

describe('doctor', () => {
  it('finds nothing where all is well, and says what it has not looked at', async () => {
    const report = await doctor(wish, repository())
    expect(report).toMatchObject({ version: 1, findings: [], changes: [], counts: { error: 0, warning: 0, hint: 0 } })
    expect(report.skipped).toEqual([
      { check: 'the right to push', reason: '--offline' },
      { check: "the GitHub token's rights", reason: '--offline' },
      { check: 'the host deploy@a.example.org (production)', reason: '--offline' },
    ])
  })

  it('goes on where a check cannot be made, and says why', async () => {
    const ports = repository({ Dockerfile: 'FROM python\nCOPY app.py /\n' })
    const { findings, skipped } = await doctor({ ...wish, offline: false }, ports)
    expect(findings.map(({ rule }) => rule)).toEqual(['base-floating'])
    expect(skipped).toEqual([
      { check: 'the right to push', reason: 'a bug in launchway: the test reached a registry' },
      { check: "the GitHub token's rights", reason: 'there is no GITHUB_TOKEN and GITHUB_REPOSITORY here' },
      { check: 'the host deploy@a.example.org (production)', reason: 'a bug in launchway: the test reached a host' },
    ])
  })

  it('puts what is worst of a topic first, and the topics in their order', async () => {
    const { findings } = await doctor(wish, {
      ...repository({
        Dockerfile: 'FROM python\nENV API_TOKEN=abc123\nCOPY app.py /\nCMD ["flask", "run", "--host", "0.0.0.0"]\n',
        'launchway.yml': plainConfig.replace(', health: /healthz', ''),
      }),
    })
    expect(findings.map(({ severity, rule }) => `${severity} ${rule}`)).toEqual([
      'warning health-missing',
      'error secret-in-dockerfile',
      'warning development-server',
      'hint base-floating',
    ])
  })

  it('looks at one environment, or one host, and knows which there are', async () => {
    const two = `${plainConfig}  staging: { host: deploy@b.example.org, port: 5000, publish: 80, health: /, secrets: [TOKEN] }\n`
    const hosts = async (of: Partial<typeof wish> & { environment?: string; host?: string }): Promise<string[]> => {
      const { skipped } = await doctor({ ...wish, ...of }, repository({ 'launchway.yml': two }))
      return skipped.flatMap(({ check }) => (check.startsWith('the host ') ? [check.slice('the host '.length)] : []))
    }
    expect(await hosts({})).toEqual(['deploy@a.example.org (production)', 'deploy@b.example.org (staging)'])
    expect(await hosts({ environment: 'staging' })).toEqual(['deploy@b.example.org (staging)'])
    expect(await hosts({ host: 'a.example.org' })).toEqual(['deploy@a.example.org (production)'])
    for (const [of, hint] of [
      [{ environment: 'stagin' }, 'Did you mean "staging"?'],
      [{ host: 'c.example.org' }, 'There are: deploy@a.example.org, deploy@b.example.org'],
    ] as const) {
      const error: unknown = await hosts(of).catch((thrown: unknown) => thrown)
      expect(
        refusal(() => {
          throw error
        }),
      ).toMatchObject({ code: 'USAGE', hint })
    }
  })
})

describe('the images that a host must have room for', () => {
  const repositories = ['r.example.org/app']
  const images = [
    { image: { name: 'app', platforms: [], repositories } },
    { image: { name: 'docs', platforms: ['linux/arm64'], repositories } },
    // What they are built on comes to no host.
    { image: { name: 'base', platforms: [], repositories: [] } },
  ] as never
  const built = { name: 'app', key: '0'.repeat(32), how: 'built' as const, config: { 'linux/amd64': digest }, size: 4_000_000_000 }
  const release = record({ build: { builder: 'b', images: [{ ...built, registries: {}, layers: 1, ms: 1 }] } })
  const sizes = async (app: string, text: string): Promise<unknown[]> => {
    const found = await lastImages('/state/release.json', { app, images }, { files: fakeFiles({ '/state/release.json': text }) })
    return [...found].map(([name, { bytes, platforms }]) => [name, bytes, platforms])
  }

  it('are as large as those that were last built of this application', async () => {
    expect(await sizes(release.app, JSON.stringify(release))).toEqual([
      ['app', 4_000_000_000, ['linux/amd64']],
      ['docs', 0, ['linux/arm64']],
    ])
  })

  it('are of unknown size where that was another application, or the record cannot be read', async () => {
    const unknown = [
      ['app', 0, []],
      ['docs', 0, ['linux/arm64']],
    ]
    expect(await sizes('another', JSON.stringify(release))).toEqual(unknown)
    expect(await sizes(release.app, '{')).toEqual(unknown)
  })
})
