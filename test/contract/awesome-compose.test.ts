import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { change, pullFrom } from '../../lab/examples/repository.ts'
import { type Ended, launchway } from '../../lab/examples/launchway.ts'
import { docker } from '../../lab/run.ts'
import { bringImages } from '../../lab/setup/stand-ins.ts'
import { parseRelease } from '../../src/core/release.ts'
import { copySample, frameworks, frontend, foundSamples } from '../support/awesome-compose.ts'
import { openOwnRegistry, type OwnRegistry } from './support/own-registry.ts'

interface Sample {
  /** What its Dockerfiles and its compose file name, beyond the images that every set-up has. */
  images: readonly string[]
  /** Of them those that its compose file names, where that is what is deployed: the plan asks a registry for their digests. */
  pulled?: readonly string[]
  /** By path: what it says, and what the broken one says instead. */
  broken: Readonly<Record<string, readonly [string, string]>>
  code: number
  /** Why that is red. */
  says: RegExp
}

const java = ['maven:3.8.5-eclipse-temurin-17', 'eclipse-temurin:17-jre-focal']

const samples = foundSamples<Sample>({
  flask: {
    images: frameworks.flask,
    broken: { 'app/app.py': ['app = Flask(__name__)', "raise SystemExit('no settings')"] },
    code: 3,
    says: /SMOKE_UNHEALTHY: web exited with code 1[\s\S]*no settings/,
  },
  'flask-redis': {
    images: [...frameworks.flask, 'redislabs/redismod:latest'],
    broken: { 'compose.yaml': ['image: redislabs/redismod', 'image: redislabs/redismod\n    command: redis-server --no-such-option yes'] },
    code: 3,
    says: /SMOKE_UNHEALTHY: redis exited with code 1/,
  },
  fastapi: {
    images: frameworks.fastapi,
    broken: { 'app/main.py': ['app = FastAPI()', 'app = FastAPI('] },
    code: 3,
    says: /SMOKE_UNHEALTHY: api exited with code [13][\s\S]*SyntaxError/,
  },
  django: {
    images: frameworks.django,
    broken: { 'app/example/settings.py': ["    'django.contrib.staticfiles',", "    'django.contrib.staticfiles',\n    'missing_app',"] },
    code: 3,
    says: /SMOKE_CHECK_FAILED: the check "web:8000 takes connections" failed[\s\S]*No module named 'missing_app'/,
  },
  'nginx-golang': {
    images: [frontend, 'golang:1.18-alpine', 'nginx:latest'],
    broken: { 'proxy/nginx.conf': ['http://backend:80', 'http://backnd:80'] },
    code: 3,
    says: /SMOKE_UNHEALTHY: proxy exited with code 1[\s\S]*host not found in upstream "backnd"/,
  },
  'nginx-golang-postgres': {
    images: [frontend, 'golang:1.18-alpine', 'nginx:latest', 'postgres:latest'],
    pulled: ['nginx:latest', 'postgres:latest'],
    broken: { 'compose.yaml': ['POSTGRES_PASSWORD_FILE=/run/secrets/db-password', 'POSTGRES_PASSWORD_FILE=/run/secrets/db-passwort'] },
    code: 3,
    says: /SMOKE_UNHEALTHY: db exited with code 1[\s\S]*db-passwort/,
  },
  'nginx-golang-mysql': {
    images: [frontend, 'golang:1.18-alpine', 'nginx:latest', 'mariadb:10-focal'],
    pulled: ['nginx:latest', 'mariadb:10-focal'],
    broken: { 'compose.yaml': ['--default-authentication-plugin=mysql_native_password', '--no-such-variable=1'] },
    code: 3,
    says: /SMOKE_UNHEALTHY: db exited with code \d[\s\S]*unknown variable/,
  },
  'nginx-nodejs-redis': {
    images: ['node:14.17.3-alpine3.14', 'nginx:1.21.6', 'redislabs/redismod:latest'],
    pulled: ['redislabs/redismod:latest'],
    broken: { 'web/server.js': ['app.listen(5000', 'app.listen(5001'] },
    code: 3,
    says: /SMOKE_CHECK_FAILED: [\s\S]*web[12]:5000 takes connections\n  nobody listens on port 5000\n  web[12] listens on 5001/,
  },
  'apache-php': {
    images: [frontend, 'php:8.0.9-apache'],
    broken: { 'app/Dockerfile': ['CMD ["apache2-foreground"]', 'CMD ["apache2-foregrund"]'] },
    code: 3,
    says: /SMOKE_UNHEALTHY: web could not be started[\s\S]*apache2-foregrund/,
  },
  sparkjava: {
    images: [frontend, ...java],
    broken: { 'sparkjava/src/main/java/App.java': ['port(8080)', 'port(8081)'] },
    code: 3,
    says: /SMOKE_CHECK_FAILED: the check "sparkjava:8080 takes connections" failed[\s\S]*sparkjava listens on 8081/,
  },
  'sparkjava-mysql': {
    images: [frontend, ...java, 'mariadb:10.6.4-focal'],
    pulled: ['mariadb:10.6.4-focal'],
    broken: { 'compose.yaml': ['file: db/password.txt', 'file: db/pasword.txt'] },
    code: 2,
    says: /CONFIG_INVALID: the secret db-password: there is no file db\/pasword\.txt/,
  },
  'spring-postgres': {
    images: [frontend, ...java, 'postgres:latest'],
    pulled: ['postgres:latest'],
    broken: { 'backend/src/main/resources/application.properties': ['//db:5432', '//database:5432'] },
    code: 3,
    says: /SMOKE_UNHEALTHY: backend exited with code 1[\s\S]*UnknownHostException: database/,
  },
})

describe.each(samples)('%s', { timeout: 900_000 }, (name, { images, pulled = [], broken, code, says }) => {
  const scratch = mkdtempSync(join(tmpdir(), `launchway-${name}-`))
  const folder = join(scratch, name)
  const env = { XDG_CACHE_HOME: join(scratch, 'cache'), XDG_STATE_HOME: join(scratch, 'state') }
  let registry: OwnRegistry

  beforeAll(async () => {
    await bringImages(images)
    registry = await openOwnRegistry({})
    await copySample(name, folder)
    await pullFrom(registry.address, folder, pulled)
    const asked = ['--ci', 'none', '--host', 'deploy@app.example.org', '--image', `${registry.address}/${name}`]
    const { code: ended, stderr } = await launchway(folder, ['init', '--yes', ...asked], env)
    if (ended !== 0) throw new Error(stderr)
    await change(folder, 'As it is', {})
  }, 900_000)
  afterAll(async () => {
    const ofRegistry = [`${registry.address}/*`, `${registry.address}/*/*`].flatMap((one) => ['--filter', `reference=${one}`])
    const listed = await docker('image', 'ls', '--digests', '--format', '{{.Repository}} {{.Tag}} {{.Digest}}', ...ofRegistry)
    // By their names there: images of others have more of them, which are not of this test.
    const names = listed.split('\n').flatMap((line) => {
      const [repository = '', tag, digest] = line.split(' ')
      return tag !== '<none>' ? `${repository}:${tag}` : digest === '<none>' ? [] : `${repository}@${digest}`
    })
    if (listed !== '') await docker('image', 'rm', '--force', ...new Set(names))
    await registry[Symbol.asyncDispose]()
    rmSync(scratch, { recursive: true, force: true })
  })

  async function smoked(): Promise<Ended> {
    let ended: Ended = { code: null, stdout: '', stderr: '' }
    for (const verb of ['plan', 'build', 'smoke']) {
      ended = await launchway(folder, [verb], env)
      if (ended.code !== 0) break
    }
    return ended
  }

  test('comes up and answers, with what init wrote', async () => {
    const ended = await smoked()
    expect(ended, ended.stderr).toMatchObject({ code: 0 })
    expect(ended.stderr).toMatch(/^smoke +│ passed: .* takes connections/m)
    const [, path = ''] = /^record: (.*)$/m.exec(ended.stdout) ?? []
    expect(parseRelease(readFileSync(path, 'utf8'), path).smoke).toMatchObject({ verdict: 'passed' })
  })

  test('broken once it is red, and says why', async () => {
    await change(folder, 'Broken', broken)
    const ended = await smoked()
    expect(ended.stderr).toMatch(says)
    expect(ended.code).toBe(code)
  })
})
