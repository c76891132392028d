import { describe, expect, it } from 'vitest'
import { judge } from '../../src/deploy/outside.ts'

describe('what an answer to the probe means', () => {
  const url = 'https://shop.example.org/healthz'
  const answer = (status: number, location?: string) => ({ status, headers: location === undefined ? {} : { location } })

  it.each([
    ['2xx', answer(204), undefined],
    ['the status that is wanted', answer(401), 401],
    ['a redirect that is wanted', answer(302, '/login'), 302],
  ])('%s is well', (_, given, wanted) => {
    expect(judge(url, given, wanted)).toEqual({ well: `${url} ${given.status}` })
  })

  it.each([
    ['on the host', answer(301, '/healthz/'), `${url}/`],
    ['to a page that only sounds like a login', answer(302, '/blogging'), 'https://shop.example.org/blogging'],
  ])('a redirect %s is followed', (_, given, follow) => {
    expect(judge(url, given, undefined)).toEqual({ follow })
  })

  it.each([
    ['another status', answer(503), undefined, 'answered 503'],
    ['2xx where another is wanted', answer(200), 204, 'answered 200'],
    ['a redirect without a place', answer(302), undefined, 'answered 302'],
    ['a redirect to a login', answer(302, '/accounts/login/?next=/healthz'), undefined, '/accounts/login/?next=/healthz, a login'],
    ['a redirect to a single sign-on', answer(302, '/oauth2/start'), undefined, '/oauth2/start, a login'],
    ['a redirect to another host', answer(302, 'https://sso.example.org/'), undefined, 'https://sso.example.org/, which is another host'],
    ['a redirect out of TLS', answer(301, 'http://shop.example.org/healthz'), undefined, 'out of TLS'],
  ])('%s is not, and is said', (_, given, wanted, why) => {
    expect(judge(url, given, wanted)).toEqual({ not: expect.stringContaining(why) })
  })
})
