import { describe, expect, it } from 'vitest'
import { opened, scaled } from '../../src/smoke/shape.ts'
import { ComposeProject } from '../../src/tools/compose.ts'
import { failureIn } from './support/deploy.ts'

const project = (services: Record<string, unknown>): ComposeProject => ComposeProject.parse({ services })
const plan = (scale: Record<string, number>) => ({ compose: ['compose.yml'], scale })

describe('a service of which the test wants several', () => {
  it.each<[string, Record<string, unknown>, unknown]>([
    ['that says nothing', { image: 'x' }, { image: 'x', deploy: { replicas: 3 } }],
    ['that says another number', { scale: 2, deploy: { replicas: 2, labels: {} } }, { deploy: { replicas: 3, labels: {} } }],
  ])('%s has as many', (_, service, expected) => {
    expect(scaled(project({ worker: service, web: {} }), plan({ worker: 3 })).services).toEqual({ worker: expected, web: {} })
  })

  it('that is not there is refused with all that there are', () => {
    expect(failureIn(() => scaled(project({ web: {}, db: {} }), plan({ beat: 2 })))).toMatchObject({
      code: 'CONFIG_INVALID',
      hint: 'There are: web, db.',
    })
  })
})

describe('a stack that somebody wants to look around in', () => {
  const port = (target: number) => ({ target, host_ip: '127.0.0.1', protocol: 'tcp', mode: 'ingress' })
  it('has every port open that its file publishes, once, where it is', () => {
    const { services } = opened(
      project({ web: { ports: [port(80)] }, side: { network_mode: 'service:web' }, own: { network_mode: 'host' }, db: {} }),
      {
        published: [
          { service: 'web', port: 80 },
          { service: 'side', port: 90 },
          { service: 'own', port: 70 },
          { service: 'db', port: 5432 },
        ],
      },
    )
    expect(services).toEqual({
      web: { ports: [port(80), port(90)] },
      side: { network_mode: 'service:web' },
      own: { network_mode: 'host' },
      db: { ports: [port(5432)] },
    })
  })
})
