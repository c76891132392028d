import { describe, expect, it } from 'vitest'
import { LaunchwayError } from '../../src/core/error.ts'
import { planProject } from '../support/compose-project.ts'

/** A project of one service that is built here. */
const one = (keys: string, rest = ''): string => `name: p\nservices:\n  web:\n    build: .\n${keys.replaceAll(/^/gm, '    ')}\n${rest}`

describe('what cannot be deployed', () => {
  async function refusal(...of: Parameters<typeof planProject>): Promise<{ message: string; hint: string; place: unknown }> {
    try {
      await planProject(...of)
    } catch (error) {
      if (error instanceof LaunchwayError) return { message: error.message, hint: error.hint ?? '', place: error.place }
      throw error
    }
    throw new Error('it was planned')
  }

  it('is told with its place and the way out, all at once', async () => {
    const rows: [string, string][] = [
      ['command: ["run", "--key=${A}"]', 'services.k0.command: the value of A is secret, and would be readable in command'],
      ['ports: ["5000"]', 'a port that docker chooses leads to 5000'],
      ['ports: ["8000-8009:5000"]', 'docker chooses one of 8000-8009 for 5000'],
      ['ports: ["80:80"]', 'port 80 is published by b already'],
      ['ports: ["8888:80"]\nscale: 2', 'k4 has several containers, of which one alone can publish port 8888'],
      ['network_mode: service:b', 'the container of b is another after each release'],
      ['volumes: ["./data:/data"]', './data is not there, so /data would be empty on the hosts'],
      ['volumes: [".:/app"]', 'it mounts the whole repository at /app'],
      ['secrets: [s]', 's is external: only a Swarm keeps secrets'],
      ['security_opt: ["seccomp:./x.json"]', 'a host does not have it'],
      ['credential_spec: { file: x.json }', 'accounts of Windows have no place on these hosts'],
      ['volumes_from: [b]', 'the container of another service is another after each release: name the volumes themselves'],
      ['labels: { launchway.app: x }', 'labels that begin with "launchway." are launchway\'s own'],
    ]
    const services = rows.map(([keys], index) => `  k${index}:\n    build: .\n${keys.replaceAll(/^/gm, '    ')}\n`)
    const compose = `name: p\nservices:\n${services.join('')}  b: { image: "x:1", ports: ["127.0.0.1:80:90"] }\n  other: { build: ./other }\nsecrets: { s: { external: true } }`
    const { message, hint, place } = await refusal(compose, 'compose: compose.yml\nsecrets: [A]')
    expect(message).toBe(`compose.yml has ${rows.length + 1} things that cannot be deployed`)
    for (const [keys, words] of rows) expect(hint, keys).toContain(words)
    expect(hint).toContain('services.other.build: it is built of other (Dockerfile), which no image of launchway.yml is')
    expect(hint).toContain('compose.yml:5:5: services.k0.command: the value of A is secret')
    expect(place).toMatchObject({ file: 'compose.yml' })
  })

  it.each([
    [
      'a service that is not there',
      'services: { wbe: { health: /x } }',
      'launchway.yml:7:17: environments.production.services.wbe: the project has no service wbe; did you mean "web"?',
    ],
    [
      'one that only a profile has',
      'services: { mail: { health: /x } }',
      'the project has no service mail; it is in the profile m: name that in profiles of compose',
    ],
    ['health without a port', 'services: { web: { health: /x } }', 'say in launchway.yml which port of its container is meant'],
    ['nginx without a name', 'services: { web: { nginx: {}, port: 80 } }', 'port needs a way in: url or nginx.server-name'],
    ['a step in what is not there', 'before-switch: { service: wbe, command: [x] }', 'no service "wbe"; did you mean "web"?'],
    [
      'health of what keeps data',
      'services: { db: { health: /x, port: 1 } }',
      'it keeps data, and releases leave it alone: health is for what they replace',
    ],
  ])('in launchway.yml: %s', async (_, beside, words) => {
    const compose = one(
      'restart: always',
      '  mail: { image: x:1, profiles: [m] }\n  db: { image: "x:1", volumes: ["data:/v"] }\nvolumes: { data: }',
    )
    expect((await refusal(compose, `compose: compose.yml\n${beside}`)).hint).toContain(words)
  })

  it.each([
    ['a required variable', '"${X:?say it}"', {}, 'compose.yml asks for the variable X, which has no value'],
    ['one that looks like a password', '"${DB_PASSWORD}"', {}, 'compose.yml asks for the variable DB_PASSWORD, which has no value'],
    ['one of the environment of the step', '"${X}"', { X: 'hunter22' }, 'compose.yml asks for the variable X, which has no value'],
    ['the home of whoever plans', '"${HOME}/x"', { HOME: '/root' }, 'compose.yml asks for HOME, which is another on each machine'],
  ])('without its value: %s', async (_, value, env, words) => {
    const { message, hint, place } = await refusal(one(`environment: { A: ${value} }`), 'compose: compose.yml', { env })
    expect(message).toBe(words)
    expect(hint).toContain('compose:\n    env: {')
    expect(hint).not.toContain('hunter22')
    expect(place).toEqual({ file: 'compose.yml', line: 5 })
  })

  it('is what no registry has', async () => {
    expect(await refusal(one('restart: always', '  b: { image: "x:gone" }'))).toMatchObject({
      message: 'x has no tag gone, which the compose project runs',
    })
  })

  it('is a project name that another environment of the host has', async () => {
    const head =
      'image: ghcr.io/team/app\nenvironments:\n  staging: { host: deploy@a.example.org, compose: compose.yml }\n  production:\n    host: deploy@a.example.org\n'
    expect((await refusal(one('restart: always'), 'compose: compose.yml', { head })).hint).toContain(
      'staging is on the same host and would have the same project name, p',
    )
  })
})
