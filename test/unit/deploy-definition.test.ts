import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Secret } from '../../src/core/secret.ts'
import { definitionsFile, type Given, unchangedOn } from '../../src/deploy/definition.ts'
import type { Wanted } from '../../src/deploy/wanted.ts'
import { digest, first, nameOf, service, third, wanted } from './support/deploy.ts'
import { asked } from './support/carry.ts'

const worker = service({ name: 'worker' })
const mailer = service({ name: 'mailer' })
const web1 = nameOf('web', first)

describe('what a container is made from', () => {
  const app = service({
    secrets: ['TOKEN'],
    composed: { URL: 'https://${USER}:$$@x' },
    files: [{ source: './conf', target: '/c', readOnly: true }],
    texts: [{ target: '/t', text: '${USER}', mode: '0440' }],
  })
  const texts = (value: string): NonNullable<Given['texts']> =>
    new Map([['web', [{ mode: 0o440, uid: 0, gid: 0, body: new Secret(value) }]]])
  const given: Given = {
    secrets: new Map([['TOKEN', new Secret('one')]]),
    own: new Map([['web', new Map([['FROM_FILE', new Secret('x')]])]]),
    texts: texts('ada'),
  }
  const isSame = (was: [Wanted, Given], is: [Wanted, Given]): boolean => {
    const [, key = '', digestOf = ''] = definitionsFile(...was).split(/\s/)
    return unchangedOn(...is, [{ name: web1, service: 'web', definition: { key, digest: digestOf } }]).has(web1)
  }
  const hashes = new Map([['conf', 'abc']])
  const base = asked([app], [], { hashes })

  it('is the same for another release, in another slot, from another repository', () => {
    const images = new Map([['app', { reference: `other.example.org/addie@${digest}`, bytes: 1, platforms: [] }]])
    expect(isSame([base, given], [{ ...base, release: third, images }, given])).toBe(true)
    const behind = asked([{ ...app, port: 5000, nginx: { serverNames: ['x'] } }], [], { hashes })
    const elsewhere = asked([{ ...app, port: 5000, nginx: { serverNames: ['y'] } }], [], { hashes })
    expect(isSame([behind, given], [elsewhere, given])).toBe(true)
  })

  it.each<[string, Wanted, Given]>([
    [
      'its image',
      { ...base, images: new Map([['app', { reference: `r.example.org/x@sha256:${'e'.repeat(64)}`, bytes: 1, platforms: [] }]]) },
      given,
    ],
    ['its command', asked([{ ...app, command: ['serve'] }], [], { hashes }), given],
    ['a variable', asked([{ ...app, env: { A: 'b' } }], [], { hashes }), given],
    ['a further network', asked([{ ...app, networks: ['one', 'two'] }], [], { hashes }), given],
    ['its restart policy', asked([{ ...app, restart: 'always' }], [], { hashes }), given],
    ['the value of a secret', base, { ...given, secrets: new Map([...given.secrets, ['TOKEN', new Secret('two')]]) }],
    ['the value of a secret that is a part of a text', base, { ...given, texts: texts('eve') }],
    ['the mode of a text', asked([{ ...app, texts: [{ target: '/t', text: '${USER}', mode: '0400' }] }], [], { hashes }), given],
    ['what an env file says, or what is composed', base, { ...given, own: new Map([['web', new Map([['FROM_FILE', new Secret('y')]])]]) }],
    ['what a mounted file holds', { ...base, hashes: new Map([['conf', 'abd']]) }, given],
  ])('differs by %s', (_, wish, of) => {
    expect(isSame([base, given], [wish, of])).toBe(false)
    expect(isSame([wish, of], [wish, of])).toBe(true)
  })

  it('does not differ by how its health is asked, or what starts before it', () => {
    const health = { kind: 'container' as const, timeoutMs: 1, settleMs: 0 }
    expect(isSame([base, given], [asked([{ ...app, health, after: [{ name: 'x', until: 'started' }] }], [], { hashes }), given])).toBe(true)
  })

  it('cannot be told from one text to the next: two secrets that differ make two digests, and so do two attempts', () => {
    const withToken = (value: string): Given => ({ ...given, secrets: new Map([...given.secrets, ['TOKEN', new Secret(value)]]) })
    fc.assert(
      fc.property(fc.string(), fc.string(), (one, other) => {
        expect(isSame([base, withToken(one)], [base, withToken(other)])).toBe(one === other)
        expect(definitionsFile(base, withToken(one))).not.toBe(definitionsFile(base, withToken(one)))
        expect(definitionsFile(base, withToken(`swordfish${one}`))).not.toContain(`swordfish${one}`)
      }),
    )
  })

  it('is noted of nothing but what may be left running', () => {
    const services = [app, { ...worker, once: true as const }, { ...mailer, cron: '0 3 * * *' }]
    expect(definitionsFile(asked(services, []), given).replaceAll(/[0-9a-f]{64}/g, '#')).toBe('web # #\n')
    expect(definitionsFile(wanted([app]), given)).toBe('')
  })
})
