import { describe, expect, it } from 'vitest'
import { LaunchwayError } from '../../src/core/error.ts'
import { refuseForeign, refusePortClash } from '../../src/smoke/resources.ts'
import { ComposeProject } from '../../src/tools/compose.ts'
import { failureIn } from './support/deploy.ts'

/** What is refused, in its words; nothing when nothing is. */
function refusal(call: () => void): string {
  try {
    call()
    return ''
  } catch (error) {
    if (error instanceof LaunchwayError && error.code === 'CONFIG_INVALID') return error.message
    throw error
  }
}

describe('two that want of the machine', () => {
  it.each<[string, object[], object[], string]>([
    [
      'the same port twice',
      [{ target: 80, published: '8080' }],
      [{ target: 81, published: '8080' }],
      'it and ours both publish the port 8080, which one machine has once',
    ],
    [
      'the same port of all addresses and of one',
      [{ target: 80, published: '80' }],
      [{ target: 80, published: '80', host_ip: '127.0.0.1' }],
      'it and ours both publish the port 80, which one machine has once',
    ],
    [
      'a port twice by itself',
      [
        { target: 80, published: '1' },
        { target: 81, published: '1' },
      ],
      [],
      'it publishes the port 1 twice, which one machine has once',
    ],
    [
      'the same port of two addresses',
      [{ target: 80, published: '80', host_ip: '127.0.0.2' }],
      [{ target: 80, published: '80', host_ip: '127.0.0.1' }],
      '',
    ],
    [
      'the same port of two protocols',
      [{ target: 53, published: '53', protocol: 'udp' }],
      [{ target: 53, published: '53', protocol: 'tcp' }],
      '',
    ],
    [
      'ports that the engine chooses',
      [{ target: 80 }, { target: 80, published: '8000-8010' }],
      [{ target: 80, published: '8000-8010' }],
      '',
    ],
  ])('%s', (_, mine, other, message) => {
    const project = ComposeProject.parse({ services: { it: { image: 'x', ports: mine }, ours: { image: 'y', ports: other } } })
    expect(refusal(() => refusePortClash(project))).toBe(message)
  })
})

describe('what others keep', () => {
  it.each(['secrets', 'configs'])('of %s only those that a swarm has are refused', (kind) => {
    expect(
      failureIn(() => refuseForeign(ComposeProject.parse({ services: {}, [kind]: { a: { name: 'a', external: true } } }))),
    ).toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/the external (secret|config) a, which only a swarm has/),
      hint: expect.stringContaining('a: { external: false, file: ./smoke/a.txt }'),
    })
    expect(refusal(() => refuseForeign(ComposeProject.parse({ services: {}, [kind]: { a: { file: '/a' } } })))).toBe('')
  })
})
