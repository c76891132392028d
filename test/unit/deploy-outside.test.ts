import { describe, expect, it } from 'vitest'
import { judge, warnOfOnePage } from '../../src/deploy/outside.ts'
import { environment, first, service } from './support/deploy.ts'
import { localPorts, temporaryFolder } from './support/ports.ts'

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

describe('a server that has one page for every path', () => {
  const assets = [{ path: '/static/', folder: '/app/static' }]
  const told = async (
    status: number | undefined,
    url: string | undefined = 'https://shop.example.org/shop',
  ): Promise<[string[], string[]]> => {
    const asked: string[] = []
    const { ports, warnings } = localPorts(temporaryFolder())
    const get = (at: string) => {
      asked.push(at)
      return status === undefined ? Promise.reject(new Error('nobody')) : Promise.resolve({ status, headers: {}, body: '' })
    }
    const of = environment([service(), service({ name: 'front', assets })], url === '' ? {} : { url })
    await warnOfOnePage(of, first, { ...ports, probe: { ...ports.probe, get } })
    return [asked, warnings]
  }

  it('is told, since the files of the other version would never be given', async () => {
    expect(await told(200)).toEqual([
      [`https://shop.example.org/static/launchway-${first}.js`],
      [expect.stringMatching(/^front: .* was answered 200\. .* Let it answer 404 below \/static\/$/)],
    ])
  })

  it.each([404, 403, 500, 302, undefined])('is not where %s is answered', async (status) => {
    expect((await told(status))[1]).toEqual([])
  })

  it('is not looked for where nobody knows the address', async () => {
    expect(await told(200, '')).toEqual([[], []])
  })
})
