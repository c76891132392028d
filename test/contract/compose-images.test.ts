import { describe, expect, it } from 'vitest'
import { planProject } from '../support/compose-project.ts'

describe('in a compose project', () => {
  it('the name that a service gives to the image that it builds is that image, wherever others run it', async () => {
    const compose = `services:
  web: { build: ., image: master-image, command: gunicorn }
  worker: { image: master-image, command: rqworker }
  other: { image: "master-image:next" }
`
    const { environment, asked } = await planProject(compose)
    expect(environment.services.map(({ name, image }) => [name, image])).toEqual([
      ['other', 'master-image'],
      ['web', 'app'],
      ['worker', 'app'],
    ])
    expect(asked).toEqual(['master-image:next'])
  })

  it('container_name is a name for others in its networks, and that is told with its place', async () => {
    const { environment, warnings } = await planProject('services:\n  web:\n    build: .\n    container_name: shop-web\n')
    expect(warnings).toEqual([expect.stringContaining('container_name: shop-web is what others in its networks may call it')])
    expect(warnings[0]).toContain('compose.yml')
    expect(Object.values(environment.services[0]?.aliases ?? {})).toEqual([['shop-web']])
  })
})

describe('compose files with variables', () => {
  it('may have them with a default or a condition where a mount begins', async () => {
    const compose = `services:
  web:
    build: .
    env_file: web.env
    volumes:
      - \${STATIC_DIR:?is needed}:/app/static:ro
      - \${DATA_DIR:-/srv/data}:/app/data:ro
    ports: ['\${PORT:?}:8080']
`
    const { environment } = await planProject(compose, 'compose: { files: compose.yml, env: { STATIC_DIR: /srv/static, PORT: 80 } }', {
      files: { 'web.env': 'A=1\n' },
    })
    expect(environment.services[0]).toMatchObject({
      volumes: ['/srv/static:/app/static:ro', '/srv/data:/app/data:ro'],
      envFiles: ['web.env'],
      publish: '80',
    })
  })

  it('also where several services have the mount from a part of the file, and several files are laid over each other', async () => {
    const compose = `x-app: &app
  build: .
  volumes: &volumes
    - \${CONFIG_DIR:?}:/app/cfg:ro
services:
  web: { <<: *app, command: web }
  worker: { <<: *app, volumes: *volumes, command: worker }
  volumes: { <<: *app, command: a service of that name }
`
    const { environment } = await planProject(compose, 'compose: { files: [compose.yml, more.yml], env: { CONFIG_DIR: /etc/app } }', {
      files: { 'more.yml': 'services:\n  web: { environment: { A: "1" } }\n' },
    })
    expect(environment.services.map(({ name, volumes }) => [name, volumes])).toEqual(
      ['volumes', 'web', 'worker'].map((name) => [name, ['/etc/app:/app/cfg:ro']]),
    )
  })

  it('and a mistake in such a file is told with its own name', async () => {
    const compose = 'services:\n  web:\n    build: .\n    volumes: ["${DATA_DIR:-/srv/data}:/data"]\n    porst: [80]\n'
    await expect(planProject(compose)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      hint: expect.stringMatching(/\/compose\.yml: .*porst/),
    })
  })
})
