import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { startContainerdEngine } from '../../lab/second-engine.ts'
import { ask, call, docker } from '../../lab/run.ts'
import { configuration, fileOf, nonce, plannedHere } from './support/built.ts'
import { failureOf } from './support/errors.ts'
import { type Folder, openFolder, setEnv } from './support/folder.ts'

const { address, username, password, ca } = inject('lab').secureRegistry
const path = `contract-logins-${nonce}`
/** The same registry under another name: to docker it is another one, with a login of its own. */
const alias = address.replace('127.0.0.1', 'localhost')
const [base, other] = [`${address}/${path}/base:1`, `${alias}/${path}/other:1`]
const auth = (text: string): { auth: string } => ({ auth: Buffer.from(text).toString('base64') })
const right = auth(`${username}:${password}`)

let folder: Folder
const own = (): string => join(folder.path, 'docker')
beforeAll(async () => {
  folder = await openFolder()
  mkdirSync(join(own(), 'cli-plugins'), { recursive: true })
  const buildx = (await call('docker', ['info', '--format', '{{range .ClientInfo.Plugins}}{{.Name}} {{.Path}}\n{{end}}'])).stdout
  const [, real = ''] = /^buildx (.*)$/m.exec(buildx) ?? []
  // docker looks in the user's folder first: a plugin of theirs is the one that builds.
  write('docker/cli-plugins/docker-buildx', `#!/bin/sh\necho "$@" >> ${folder.path}/called\nexec ${real} "$@"\n`, 0o755)
  // As real helpers do it: a login for the one registry, and a wrong one for the other.
  write(
    'docker-credential-own',
    `#!/bin/sh\nread -r server\necho "$server" >> ${folder.path}/helped\ncase $server in
  ${alias}) printf '{"ServerURL":"%s","Username":"${username}","Secret":"${password}"}' "$server" ;;
  *) printf '{"ServerURL":"%s","Username":"somebody","Secret":"else"}' "$server" ;;\nesac\n`,
    0o755,
  )
  using _ = withDocker({ auths: { [address]: right, [alias]: right } })
  for (const [reference, file] of [
    [base, 'base.txt'],
    [other, 'other.txt'],
  ] as const) {
    write('context/Dockerfile', `FROM scratch\nCOPY ${file} /\n`)
    write(`context/${file}`, `${nonce} ${file}`)
    await docker('buildx', 'build', '--quiet', '--provenance=false', '--load', '--tag', reference, join(folder.path, 'context'))
    await docker('push', '--quiet', reference)
    await docker('image', 'rm', '--force', reference)
  }
})
afterAll(async () => {
  await ask('docker', ['image', 'rm', '--force', base, other])
  await folder[Symbol.asyncDispose]()
})

function write(name: string, text: string, mode = 0o644): void {
  mkdirSync(join(folder.path, name, '..'), { recursive: true })
  writeFileSync(join(folder.path, name), text, { mode })
}

/** A configuration of docker as a user may have it, for as long as this. */
function withDocker(config: object): Disposable {
  write('docker/config.json', JSON.stringify(config))
  return setEnv({ DOCKER_CONFIG: own(), PATH: `${folder.path}:${process.env['PATH']}` })
}

const files = (image: object = {}, dockerfile = `FROM ${base}\nCOPY text /\n`) => ({
  'launchway.yml': configuration({ app: image }, { registries: { [address]: { username, password: 'LAB', ca } } }),
  Dockerfile: dockerfile,
  '.dockerignore': '*\n!text\n',
  text: nonce,
})

describe('a login that launchway has', () => {
  it("opens a private base image to the build, beside what the user's own helpers open", async () => {
    using _ = withDocker({ credsStore: 'own' })
    const before = readdirSync(own()).filter((name) => name !== 'buildx')
    const here = await plannedHere(files({}, `FROM ${base}\nCOPY --from=${other} /other.txt /\nCOPY text /\n`), { LAB: password })
    const [app] = await here.build()
    expect(['base.txt', 'other.txt'].map((file) => fileOf(app, `/${file}`).toString())).toEqual([`${nonce} base.txt`, `${nonce} other.txt`])
    expect(readFileSync(join(folder.path, 'called'), 'utf8')).toMatch(/bake /)
    expect(readFileSync(join(folder.path, 'helped'), 'utf8')).toContain(`${alias}\n`)
    const lent = String(here.calls.find(({ args }) => args.includes('bake'))?.env?.['DOCKER_CONFIG'])
    expect([lent.includes('docker-config'), existsSync(lent), readdirSync(own()).filter((name) => name !== 'buildx')]).toEqual([
      true,
      false,
      before,
    ])
  })

  it('that is wrong is named by a build that it does not open anything to', async () => {
    using _ = withDocker({})
    const here = await plannedHere(files(), { LAB: 'wrong' })
    expect(await failureOf(here.build())).toMatchObject({
      code: 'BUILD_FAILED',
      hint: expect.stringContaining(`There is no such image at ${address}, or ${username} may not read it.`),
    })
  })

  it('opens a cache in a registry, and a cache that is refused is said', async () => {
    await using engine = await startContainerdEngine()
    using _ = setEnv({ DOCKER_HOST: engine.address, DOCKER_CONTEXT: undefined })
    using __ = withDocker({})
    const place = `type=registry,ref=${address}/${path}/cache:1`
    const cache = { from: place, to: place }
    const dockerfile = 'FROM scratch\nCOPY text /\n'
    const stranger = await plannedHere({ ...files({}, dockerfile), 'launchway.yml': configuration({ app: { cache } }) })
    await stranger.build()
    const refused = `the build cache at ${address} is not read and not written: it refuses anybody without a login (401 Unauthorized)`
    expect(stranger.log.said('warning')).toEqual([expect.stringContaining(refused)])

    const first = await plannedHere(files({ cache }, dockerfile), { LAB: password })
    await first.build()
    expect(first.log.said('warning')).toEqual([])
    await call('docker', ['buildx', 'prune', '--all', '--force'])
    const again = await plannedHere(files({ cache }, dockerfile), { LAB: password })
    await again.build()
    expect([again.log.said('warning'), again.log.said('line').filter((line) => line.endsWith('COPY text /: cached'))]).toEqual([
      [],
      [expect.any(String)],
    ])
  })
})
