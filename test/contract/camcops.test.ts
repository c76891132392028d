import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'
import { root } from '../../lab/paths.ts'
import { planRepository } from '../support/compose-project.ts'

const folder = join(root, 'examples/camcops')
const files = Object.fromEntries(
  readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) => {
    const path = join(entry.parentPath, entry.name)
    return entry.isFile() && !path.includes('__pycache__') ? [[relative(folder, path), readFileSync(path, 'utf8')]] : []
  }),
)

/** The example with a text of one of its files otherwise. */
function otherwise(file: string, from: string, to: string): Record<string, string> {
  const text = files[file] ?? ''
  if (!text.includes(from)) throw new Error(`${file} does not say ${from}`)
  return { ...files, [file]: text.replaceAll(from, to) }
}

const secrets = {
  CAMCOPS_DOCKER_MYSQL_ROOT_PASSWORD: 'the-root-password',
  CAMCOPS_DOCKER_MYSQL_CAMCOPS_USER_PASSWORD: 'the-user-password',
  CAMCOPS_SUPERUSER_PASSWORD: 'the-superuser-password',
}

/** What its environments become, as `docker compose config` renders its files. The whole of it runs in the campaign. */
describe('examples/camcops, planned', () => {
  it('in production: six containers, of which two keep data, and what is done once before they start', async () => {
    const { environment, warnings } = await planRepository(files, 'production', { env: secrets })
    expect(warnings).toEqual([])
    expect(environment.accessories.map(({ name, image }) => `${name} ${image.split('@')[0]}`)).toEqual([
      'mysql mysql:8',
      'rabbitmq rabbitmq:3',
    ])
    expect(environment.services.map(({ name, image, once, overlap }) => [name, image, once ?? false, overlap])).toEqual([
      ['camcops_monitor', 'camcops', false, true],
      ['camcops_scheduler', 'camcops', false, false],
      ['camcops_server', 'camcops', false, true],
      ['camcops_workers', 'camcops', false, true],
      ['upgrade_db', 'camcops', true, true],
    ])
    const server = environment.services.find(({ name }) => name === 'camcops_server')
    expect(server).toMatchObject({
      nginx: { serverNames: ['camcops.example.org'] },
      volumes: expect.arrayContaining(['/etc/camcops:/camcops/cfg:ro']),
    })
    expect(server?.publish).toBeUndefined()
  })

  it('has no value of a secret in what is kept of it, and gives the password of the superuser to the one container that needs it', async () => {
    const { environment } = await planRepository(files, 'production', { env: secrets })
    const kept = JSON.stringify(environment)
    for (const value of Object.values(secrets)) expect(kept).not.toContain(value)
    const knows = environment.services.filter((service) => JSON.stringify(service).includes('CAMCOPS_SUPERUSER_PASSWORD'))
    expect(knows.map(({ name }) => name)).toEqual(['upgrade_db'])
  })

  it('with a database elsewhere: without MySQL, and with port 443 of the host for itself', async () => {
    const { environment } = await planRepository(files, 'research', { env: secrets })
    expect(environment.accessories.map(({ name }) => name)).toEqual(['rabbitmq'])
    expect(environment.services.find(({ name }) => name === 'camcops_server')).toMatchObject({ port: 8000, publish: '443' })
    expect(JSON.stringify(environment)).not.toContain('MYSQL')
  })

  it.each<[string, Record<string, string>, RegExp]>([
    [
      'the folder of the configuration',
      otherwise('launchway.yml', 'CAMCOPS_DOCKER_CONFIG_HOST_DIR: /etc/camcops', 'X: y'),
      /CAMCOPS_DOCKER_CONFIG_HOST_DIR/,
    ],
    [
      'the password of the database',
      otherwise('launchway.yml', 'CAMCOPS_DOCKER_MYSQL_ROOT_PASSWORD, CAMCOPS_DOCKER_MYSQL_CAMCOPS_USER_PASSWORD, ', ''),
      /CAMCOPS_DOCKER_MYSQL_(ROOT|CAMCOPS_USER)_PASSWORD/,
    ],
  ])('is refused by the name of what has no default and nobody gives: %s', async (_, changed, named) => {
    const refused = await planRepository(changed, 'production', { env: secrets }).catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringMatching(named) })
  })
})
