import { chmodSync, cpSync, globSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, inject, test } from 'vitest'
import { call } from '../../lab/run.ts'
import { tell } from '../../lab/github/client.ts'
import { startLabGitHub } from '../../lab/github/server.ts'
import { DoctorsAnswer, plain, tree } from './support/doctor.ts'
import { commit, git, open } from './support/doors.ts'
import { openFolder } from './support/folder.ts'

describe('doctor at a terminal', () => {
  test.each(['addie', 'hello'])('finds no error in the example %s, once its workflows say which launchway they run', async (name) => {
    await using folder = await openFolder()
    cpSync(join(import.meta.dirname, '../../examples', name), folder.path, { recursive: true })
    for (const path of globSync('.github/workflows/*.yml', { cwd: folder.path })) {
      const text = readFileSync(join(folder.path, path), 'utf8')
      writeFileSync(join(folder.path, path), text.replaceAll('OWNER/', 'acme/').replaceAll('@COMMIT', `@${'a'.repeat(40)}`))
    }
    git(folder.path, 'init', '-q', '-b', 'master')
    commit(folder.path)
    const { code, out } = open('cli', ['doctor', '--offline'], folder.path)
    expect(out).not.toContain('error: ')
    expect(out).toMatch(/checks were not made\n$/)
    expect(code).toBe(0)
  })

  test('tells every problem of launchway.yml with its line, and looks at the machine all the same', async () => {
    await using folder = await tree({ 'launchway.yml': 'imag: ghcr.io/team/app\nbranches: { main: nowhere }\n' })
    const { code, out } = folder.doctor(['--offline', '--json'], { PATH: join(folder.path, 'none') })
    expect(code).toBe(1)
    const { findings, skipped } = DoctorsAnswer.parse(JSON.parse(out))
    const invalid = findings.filter(({ rule }) => rule === 'configuration-invalid')
    const at = (line: number, column: number): object => ({ file: 'launchway.yml', line, column })
    expect(invalid.map(({ where }) => where)).toEqual([at(1, 1), at(2, 19)])
    expect(invalid.map(({ what }) => what)).toEqual([expect.stringContaining('did you mean "image"?'), expect.stringContaining('nowhere')])
    expect(findings.map(({ rule, where }) => [rule, where['tool']])).toEqual(
      expect.arrayContaining([
        ['tool-missing', 'docker'],
        ['tool-missing', 'git'],
      ]),
    )
    expect(skipped).toEqual([{ check: 'everything that launchway.yml names', reason: 'it has to be mended first' }])
  })

  test('mends line ends, the mode of a script and .dockerignore when it is told to, says so, and leaves links and the rest alone', async () => {
    const script = '#!/bin/sh\r\n# caf\u00E9\r\nexec gunicorn -b :5000 run:app\r\n'
    await using folder = await tree({
      Dockerfile: 'FROM python:3.12\nCOPY . .\nCMD ["./start.sh"]\n',
      'start.sh': script,
      '.dockerignore': '.git\nlaunchway.yml',
      '.env': 'SECRET_KEY=abc\n',
    })
    await using outside = await openFolder()
    writeFileSync(join(outside.path, 'far.sh'), script)
    symlinkSync(join(outside.path, 'far.sh'), join(folder.path, 'far.sh'))
    chmodSync(join(folder.path, 'start.sh'), 0o640)
    expect((await folder.findings()).findings.filter(({ fixable }) => fixable)).toHaveLength(3)
    const { changes, findings, counts } = await folder.findings({ fix: true })
    expect(changes.toSorted()).toEqual(['.dockerignore: added .env', 'start.sh: 3 line ends are LF now', 'start.sh: mode 640 is now 755'])
    expect(findings.filter(({ fixed }) => fixed === true)).toHaveLength(3)
    expect(counts.error).toBe(0)
    expect(readFileSync(join(folder.path, 'start.sh'), 'utf8')).toBe(script.replaceAll('\r', ''))
    expect(statSync(join(folder.path, 'start.sh')).mode & 0o777).toBe(0o755)
    expect(readFileSync(join(folder.path, '.dockerignore'), 'utf8')).toBe('.git\nlaunchway.yml\n.env\n')
    expect(readFileSync(join(outside.path, 'far.sh'), 'utf8')).toBe(script)
    expect((await folder.findings({ fix: true })).changes).toEqual([])
  })
})

describe('doctor looks at secrets', () => {
  const named = `image: ghcr.io/team/app
scan: false
registries: { ghcr.io: { username: team, password: REGISTRY_TOKEN } }
environments:
  production: { host: h.example.org, port: 1, publish: 80, health: /, secrets: [SECRET_KEY, API_KEY], env-files: [app.env] }
`

  test('that are not there, empty, or end with a newline; no value is shown', async () => {
    await using folder = await tree({ 'launchway.yml': named })
    const env = { GITHUB_ACTIONS: 'true', SECRET_KEY: '', API_KEY: 'the-value-of-it\n', SSH_KEY: 'ssh-ed25519 AAAAC3Nza x@y' }
    const { said, ...answer } = await folder.findings({ env })
    expect(said.filter((line) => !line.includes('known-hosts'))).toEqual([
      'error secret-missing: production needs SECRET_KEY, which is empty here',
      'error secret-missing: ghcr.io needs REGISTRY_TOKEN, which is not set here',
      'error key-unreadable: SSH_KEY holds a public key: the private one is the file without .pub',
      'error env-file: app.env: it is not there',
      'warning secret-line-ends: API_KEY has a newline at its end',
    ])
    expect(JSON.stringify(answer)).not.toContain('the-value-of-it')
  })

  test('that no workflow gives to the step that deploys; an example in a comment is none', async () => {
    const job = (lines: string): string => `on: push\njobs:\n  release:\n    steps:\n      - uses: OWNER/launchway@COMMIT\n${lines}`
    const given = '        env:\n          SECRET_KEY: ${{ secrets.SECRET_KEY }}\n          #  API_KEY: ${{ secrets.API_KEY }}\n'
    const keys = '        with: { ssh-key: "${{ secrets.DEPLOY }}", registry-password: x }\n'
    const found = async (files: Record<string, string>): Promise<string[]> => {
      await using folder = await tree({ 'launchway.yml': named, ...files })
      return (await folder.findings()).said.filter((line) => line.includes('secret-ungiven'))
    }
    expect(await found({ '.github/workflows/push.yml': job(`${keys}${given}`) })).toEqual([
      'warning secret-ungiven: no workflow gives API_KEY',
    ])
    expect(await found({ '.github/workflows/push.yml': job(given.replaceAll('#', '')) })).toEqual([
      'warning secret-ungiven: no workflow gives SSH_KEY',
      'warning secret-ungiven: no workflow gives REGISTRY_TOKEN',
    ])
    expect(await found({ '.github/workflows/test.yml': 'on: push\njobs: {}\n' })).toEqual([])
  })

  test('which somebody at a terminal may have elsewhere: then they are hints', async () => {
    await using folder = await tree({ 'launchway.yml': named })
    const { said } = await folder.findings()
    expect(said).toContain('hint secret-missing: production needs SECRET_KEY, which is not set here')
    expect(said.filter((line) => line.startsWith('error'))).toEqual([])
  })

  test.each([
    [
      'with a passphrase',
      ['-N', 'a passphrase'],
      (key: string) => key,
      /^error key-unreadable: SSH_KEY holds a key with a passphrase, which nobody is there to type$/,
    ],
    [
      'of which a half is missing',
      ['-N', ''],
      (key: string) => key.slice(0, 120),
      /^error key-unreadable: SSH_KEY holds no private key that OpenSSH can read: [^\n]+$/,
    ],
    ['with Windows line ends and without the last one', ['-N', ''], (key: string) => key.trim().replaceAll('\n', '\r\n'), /^$/],
  ])('an SSH key %s', async (_, how, change, fault) => {
    await using folder = await tree({ 'launchway.yml': named })
    const file = join(folder.path, 'k')
    await call('ssh-keygen', ['-q', '-t', 'ed25519', '-f', file, ...how])
    const { said } = await folder.findings({ env: { SSH_KEY: change(readFileSync(file, 'utf8')) } })
    expect(said.filter((line) => line.includes('key-unreadable')).join('\n')).toMatch(fault)
  })
})

describe('doctor asks who is beyond this machine', () => {
  const secure = (of: string): string => {
    const { address, ca } = inject('lab').secureRegistry
    return `image: ${address}/doctor/app\nscan: false\nregistries: { "${address}": { ${of}, ca: ${ca} } }\n`
  }

  test.each([
    ['a login that may push', (): string => inject('lab').secureRegistry.password, undefined],
    ['a login that is refused', (): string => 'not-the-password', 'registry-denied'],
  ])('the registry, with %s', async (_, password, rule) => {
    const { username, address } = inject('lab').secureRegistry
    await using folder = await tree({ 'launchway.yml': secure(`username: ${username}, password: REGISTRY_TOKEN`) })
    const { findings } = await folder.findings({ offline: false, env: { REGISTRY_TOKEN: password() } })
    const found = findings.filter(({ topic }) => topic === 'registry')
    expect(found.map((one) => [one.rule, one.where])).toEqual(rule === undefined ? [] : [[rule, { registry: `${address}/doctor/app` }]])
  })

  test('a registry that nobody is logged in to from here is not asked, and that is said', async () => {
    await using folder = await tree({})
    const { findings, skipped } = await folder.findings({ offline: false })
    expect(findings.filter(({ topic }) => topic === 'registry')).toEqual([])
    expect(skipped).toContainEqual({
      check: 'the right to push to ghcr.io/team/app',
      reason: expect.stringContaining('there is no login for ghcr.io here (docker login ghcr.io)'),
    })
  })

  test.each([
    ['that asks for them', "with: { deployments: 'true' }", ['warning github-deployments: the token may not write deployments']],
    ['that leaves them to GitHub', 'with: { redeploy: v1 }', []],
  ])('GitHub, whether the token may write deployments, for a workflow %s', async (_, inputs, said) => {
    const github = await startLabGitHub({ token: 'ghs_doctor' })
    try {
      const job = `    environment: production\n    steps:\n      - uses: acme/launchway@${'a'.repeat(40)}\n        ${inputs}\n`
      await using folder = await tree({
        '.github/workflows/push.yml': `on: push\njobs:\n  deploy:\n${job}`,
        'launchway.yml': `${plain['launchway.yml']}environments: { production: { host: "deploy@127.0.0.1:1", port: 1, publish: 80, health: / } }\n`,
      })
      const ask = async (token: string): Promise<string[]> => {
        const env = { GITHUB_API_URL: github.url, GITHUB_REPOSITORY: 'team/shop', GITHUB_TOKEN: token }
        return (await folder.findings({ offline: false, env })).said.filter((line) => line.includes('github-'))
      }
      expect(await ask('ghs_doctor')).toEqual([])
      await tell(github, 'permissions', { deployments: 'read' })
      expect(await ask('ghs_doctor')).toEqual(said)
      expect(await ask('ghs_old')).toEqual([expect.stringMatching(/^error github-token: GitHub refused to show the repository/)])
    } finally {
      await github.close()
    }
  })
})
