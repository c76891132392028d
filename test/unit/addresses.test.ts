import { describe, expect, it } from 'vitest'
import { whereReached } from '../../src/core/addresses.ts'
import { environment, service } from './support/deploy.ts'

const health = { kind: 'http', path: '/', intervalMs: 1, timeoutMs: 1, settleMs: 1 } as const

describe('where an environment is reached', () => {
  it.each([
    ['80', 'deploy@app.example.org', 'http://app.example.org'],
    ['8080', 'deploy@app.example.org:2222', 'http://app.example.org:8080'],
    ['0.0.0.0:8080', 'app', 'http://app:8080'],
    ['203.0.113.5:8080', 'app', 'http://203.0.113.5:8080'],
    ['127.0.0.1:8080', 'app', 'http://127.0.0.1:8080 on app itself'],
    ['8080', 'deploy@[2001:db8::1]:22', 'http://[2001:db8::1]:8080'],
  ])('is what a service publishes at %s of %s', (publish, host, expected) => {
    expect(whereReached(environment([service({ publish, health })], { hosts: [host] }))).toBe(expected)
  })

  it('has no scheme where nobody knows whether it speaks HTTP', () => {
    expect(whereReached(environment([service({ publish: '5432' })], { hosts: ['db'] }))).toBe('db:5432')
  })

  it('is the url, where there is one', () => {
    expect(whereReached(environment([service({ publish: '80', health })], { url: 'https://app.example.org' }))).toBe(
      'https://app.example.org',
    )
  })

  it('is nowhere for what publishes nothing', () => {
    expect([whereReached(environment([service({})])), whereReached(undefined)]).toEqual([undefined, undefined])
  })

  it('is told of the first of many', () => {
    const hosts = ['a', 'b', 'c', 'd', 'e']
    const at = whereReached(environment([service({ publish: '80', health })], { hosts }))
    expect(at).toBe('http://a, http://b, http://c and 2 more')
  })
})
