import { existsSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { LaunchwayError } from '../../src/core/error.ts'
import { init, showInitialised } from '../../src/init/index.ts'
import { pin, dockerfile, host, repository, options, type Asked, run, refusal, read, config, shop } from './support/init.ts'
import { localPorts, temporaryFolder } from './support/ports.ts'

describe('what is there already', () => {
  it('is not replaced with --yes: it is named, and nothing at all is written', async () => {
    const folder = repository({ Dockerfile: dockerfile, '.github/workflows/push.yml': 'name: mine\n' })
    expect(await refusal(folder)).toMatchObject({
      code: 'USAGE',
      message: '.github/workflows/push.yml is there already, and different; nothing was written',
      hint: expect.stringContaining('--force'),
    })
    expect([existsSync(join(folder, 'launchway.yml')), read(folder, '.github/workflows/push.yml')]).toEqual([false, 'name: mine\n'])
    await run(folder, { force: true })
    expect(read(folder, '.github/workflows/push.yml')).toContain('until: push')
  })

  it("launchway.yml is nobody's to replace but who says so: --force renews what is made of it, --anew writes it too", async () => {
    const folder = repository({ Dockerfile: dockerfile })
    await run(folder)
    const edited = read(folder).replace(/^branches: .*$/m, 'branches: { main: production, staging: production } # by hand')
    writeFileSync(join(folder, 'launchway.yml'), edited)
    await run(folder, { force: true })
    expect(read(folder)).toBe(edited)
    expect(read(folder, '.github/workflows/push.yml')).toContain('staging')
    await run(folder, { anew: true })
    expect(read(folder)).not.toContain('# by hand')
    expect(read(folder, '.github/workflows/push.yml')).not.toContain('staging')
  })

  it.each<[string, string, string[], string[]]>([
    ['COPY .env.example /app/.env', 'takes a sample of the variables', ['!.env.example'], []],
    ['COPY [".env.example", "./.env.test", "/app/"]', 'takes two', ['!.env.example', '!.env.test'], []],
    ['COPY --from=build .env.prod /app', 'takes them from another stage', [], ['!.env.prod']],
    ['RUN git describe --tags > version', 'asks git', [], ['.git']],
  ])('the .dockerignore of a Dockerfile that says %s: it %s', async (line, _, there, missing) => {
    const folder = repository({ Dockerfile: `${dockerfile}${line}\n` })
    await run(folder)
    const lines = read(folder, '.dockerignore').split('\n')
    expect(lines).toEqual(expect.arrayContaining(['.env.*', ...there]))
    for (const one of missing) expect(lines).not.toContain(one)
  })

  it('compose files by other names, and in other folders, are named where none is read', async () => {
    const folder = repository({ Dockerfile: dockerfile, 'docker/docker-compose.yml': 'services: {}\n', 'docker-compose.prod.yml': '' })
    const { notes } = await run(folder)
    expect(notes.join('\n')).toMatch(/not looked at: .*docker-compose\.prod\.yml/)
    expect(notes.join('\n')).toContain('docker/docker-compose.yml')
  })

  it('stays as it is when it is run again: what was written is unchanged', async () => {
    const folder = repository({ Dockerfile: dockerfile })
    await run(folder)
    const { files } = await run(folder)
    expect(new Set(files.map(({ state }) => state))).toEqual(new Set(['unchanged']))
  })

  it('a dry run shows every file, and writes none', async () => {
    const folder = repository({ Dockerfile: dockerfile })
    const shown = showInitialised(await run(folder, { dryRun: true }), true)
    expect(shown).toContain('--- launchway.yml\n# yaml-language-server')
    expect(shown).toMatch(/^\.github\/workflows\/push\.yml +would be written$/m)
    expect([existsSync(join(folder, 'launchway.yml')), existsSync(join(folder, '.github'))]).toEqual([false, false])
  })

  it('a workflow that deploys on a push as well is named', async () => {
    const folder = repository({
      Dockerfile: dockerfile,
      '.github/workflows/old.yml': 'on:\n  push:\njobs: { a: { steps: [{ run: docker compose up }] } }\n',
    })
    expect((await run(folder)).next).toContain('.github/workflows/old.yml builds or deploys on a push as well: take that out of it.')
  })
})

describe('what to do next', () => {
  it('stands in its order: the host key, the key for deploys, the environment, the secrets, the push', async () => {
    const { next } = await run(repository(shop))
    const firsts = [
      'Read launchway.yml',
      'The host key: 127.0.0.1:1 shows no host key now',
      'A key for the deploys alone',
      'Is the repository private',
      'The environment',
      'The secret: gh secret set SSH_KEY --env production < ../deploy-key',
      'The secret: gh secret set SECRET_KEY --env production',
      'The secret: gh secret set DATABASE_URL',
      'The secret: gh secret set POSTGRES_PASSWORD',
      'See what would happen: launchway plan',
      'Commit and push',
    ]
    expect(next.map((step, index) => step.slice(0, firsts[index]?.length))).toEqual(firsts)
  })
})

describe('a host that hangs up before it has shown a key', () => {
  it('is said to do so for a while, and not to be away', async () => {
    const server = createServer((connection) => connection.end())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    try {
      const address = server.address()
      const { next } = await run(repository({ Dockerfile: dockerfile }), {
        given: { host: `deploy@127.0.0.1:${typeof address === 'object' ? address?.port : ''}` },
      })
      expect(next.join('\n')).toMatch(
        /The host key: 127\.0\.0\.1:\d+ hangs up before it shows a host key: .* In a minute: mkdir -p \.github && ssh-keyscan/,
      )
    } finally {
      server.close()
    }
  })
})

describe('what to do next without workflows', () => {
  it('is what the terminal needs: a login, the secrets of the shell, a server that is ready', async () => {
    const { next } = await run(repository(shop), { ci: 'none' })
    const text = next.join('\n')
    expect(text).toContain('May this machine push? docker login ghcr.io')
    for (const name of ['SECRET_KEY', 'DATABASE_URL', 'POSTGRES_PASSWORD']) expect(text).toContain(`export ${name}=…`)
    expect(text).not.toContain('export SSH_KEY')
    expect(text).toContain('launchway doctor -e production says what is missing')
    expect(text).not.toContain('gh ')
  })
})

describe('where nobody has said which launchway', () => {
  const nobody = { given: { launchway: '' } }

  it('the workflows say what is to be filled in, and where to find it, and so does the first of the next steps', async () => {
    const folder = repository({ Dockerfile: dockerfile })
    const { files, next } = await run(folder, nobody)
    const written = files.flatMap(({ path }) => (path.startsWith('.github/workflows/') ? [read(folder, path)] : []))
    expect(written.length).toBeGreaterThan(3)
    for (const text of written) {
      expect(text).toMatch(/uses: OWNER\/launchway[\w/]*@COMMIT$/m)
      expect(text).toContain(`# STILL TO FILL IN below: for OWNER the account that launchway's repository is under, and for COMMIT`)
      expect(text).toContain('# git ls-remote https://github.com/OWNER/launchway')
    }
    expect(next[1]).toMatch(/^Which launchway the workflows run: .*git ls-remote https:\/\/github.com\/OWNER\/launchway/)
    expect(read(folder)).not.toContain('OWNER')
  })

  it('they are what init makes of them once it is said', async () => {
    const folder = repository({ Dockerfile: dockerfile })
    await run(folder, nobody)
    await run(folder, { force: true })
    expect(read(folder, '.github/workflows/push.yml')).toContain(`uses: ${pin}`)
    expect(read(folder, '.github/workflows/push.yml')).not.toContain('FILL IN')
  })

  it('a terminal asks, and nothing is an answer', async () => {
    const folder = repository({ Dockerfile: dockerfile })
    const asked: string[] = []
    const { ports } = localPorts(folder)
    const prompt = async (question: string): Promise<string> => {
      asked.push(question)
      return ''
    }
    const given = { host, environment: 'production', image: 'ghcr.io/a/b', branch: 'main', live: 'push', port: 'none' }
    await init({ ...options, yes: false, given }, { ...ports, prompt })
    expect(asked).toEqual([expect.stringMatching(/^launchway for the workflows, as OWNER\/launchway@COMMIT: .*filled in later/)])
  })
})

describe('questions at a terminal', () => {
  const live =
    'What goes live there: push (whatever comes to main), tag (a version, when its tag v… is pushed) or release (a version, when it is published on GitHub)'

  it('are those that the repository does not answer, with the default shown; a wrong answer is asked for again', async () => {
    const folder = repository({ Dockerfile: dockerfile })
    const asked: string[] = []
    const typed = ['', '-oProxyCommand=x', 'deploy@127.0.0.1:1', '', '', 'never', '', 'web', '5001', '', '', '/up']
    const { ports } = localPorts(folder)
    const prompt = async (question: string): Promise<string> => {
      asked.push(question)
      return typed.shift() ?? ''
    }
    await init({ ...options, yes: false, given: { launchway: pin } }, { ...ports, prompt })
    expect(asked).toEqual([
      'Repository of the image, without a tag: where it is pushed [ghcr.io/team/shop]: ',
      'SSH address of the server, such as deploy@app.example.org: ',
      'must be host, user@host or user@host:port\nSSH address of the server, such as deploy@app.example.org: ',
      'Name of the environment [production]: ',
      'Branch that goes there [main]: ',
      `${live} [push]: `,
      `must be push, tag or release\n${live} [push]: `,
      'Port on which the application listens in its container; none for a worker [5000]: ',
      'must be a port, from 1 to 65535\nPort on which the application listens in its container; none for a worker [5000]: ',
      'Address for visitors (https://…): nginx on the server leads it to the application. Empty, a port of the server does: ',
      'Port of the server for visitors [80]: ',
      'Path that answers 2xx when the application is well. Empty, it is well when it stays up: ',
    ])
    expect(config(folder)).toHaveProperty('environments.production', { host, port: 5001, publish: 80, health: '/up' })
  })
})

describe('what cannot be used', () => {
  it.each<[string, () => string, Asked, string, string]>([
    ['no Dockerfile', () => repository({ 'app.py': '' }), {}, 'there is no Dockerfile in ', 'docker init'],
    ['no repository', temporaryFolder, {}, 'this is not a git repository', 'git init --initial-branch main'],
    [
      'several Dockerfiles',
      () => repository({ 'a/Dockerfile': dockerfile, 'b/Dockerfile': dockerfile }),
      {},
      'which of 2 Dockerfiles is the application’s?'.replace('’', "'"),
      '--dockerfile a/Dockerfile, or --dockerfile b/Dockerfile',
    ],
    [
      'a Dockerfile that is not there',
      () => repository({ Dockerfile: dockerfile }),
      { dockerfile: 'x' },
      'there is no Dockerfile at x',
      'There is: Dockerfile',
    ],
    [
      'a compose file that is none',
      () => repository({ Dockerfile: dockerfile, 'compose.yaml': 'services: [a]\n' }),
      {},
      'compose.yaml cannot be read: ',
      'docker compose config',
    ],
    [
      'a tag for launchway',
      () => repository({ Dockerfile: dockerfile }),
      { given: { launchway: 'acme/launchway@v1' } },
      'is not OWNER/launchway@ and the full hash of a commit',
      'A tag can be moved',
    ],
    [
      'workflows of another',
      () => repository({ Dockerfile: dockerfile }),
      { ci: 'gitlab' },
      'there are no workflows for "gitlab"',
      '--ci none',
    ],
    [
      'a terminal without anybody',
      () => repository({ Dockerfile: dockerfile }),
      { yes: false },
      'there is nobody here to be asked',
      '--yes',
    ],
    [
      'a launchway.yml that is not valid',
      () => repository({ Dockerfile: dockerfile, 'launchway.yml': 'imgae: a\n' }),
      {},
      'launchway.yml has a problem',
      'did you mean',
    ],
  ])('%s is told with what to do', async (_, folder, more, message, hint) => {
    const told = await refusal(folder(), more)
    expect(told.message).toContain(message)
    expect(told.hint).toContain(hint)
  })

  it('a folder of a repository: its root is named', async () => {
    const folder = repository({ 'below/Dockerfile': dockerfile })
    expect((await refusal(join(folder, 'below'))).message).toMatch(/^the root of this repository is .*launchway-unit-/)
  })

  it('with --yes everything that is missing or wrong is told at once', async () => {
    const folder = repository(
      { Dockerfile: 'FROM scratch\n' },
      {
        remote: '',
        git: [
          ['checkout', '-q', '--detach'],
          ['branch', '-D', 'main'],
        ],
      },
    )
    const error = await init({ ...options, given: { url: 'shop.example.org', launchway: pin } }, localPorts(folder).ports).catch(
      (thrown: unknown) => thrown,
    )
    expect(error).toMatchObject({ code: 'USAGE', message: 'init cannot see everything by itself' })
    expect((error as LaunchwayError).hint?.split('\n').map((line) => line.split(':')[0])).toEqual([
      'Say it, or leave --yes out to be asked',
      '--image',
      '--host',
      '--branch',
      '--port',
      '--url shop.example.org',
    ])
  })
})
