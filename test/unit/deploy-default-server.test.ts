import { describe, expect, it } from 'vitest'
import { planHost } from '../../src/deploy/plan.ts'
import { parseConfiguration } from '../../src/tools/nginx.ts'
import { service, wanted } from './support/deploy.ts'
import { nginx, seen, serverConf } from './support/nginx.ts'

const shop = service({ port: 1, nginx: { serverNames: ['addie.example.org'], tls: { certificate: '/tls/c', key: '/tls/k' } } })
const legacy = '/etc/nginx/sites-enabled/legacy'
const usual = 'include /etc/nginx/conf.d/*.conf; include /etc/nginx/sites-enabled/*;'

/** @param files by their path, as nginx reads them one after the other */
function warnings(http: string, files: Record<string, string>): string[] {
  const all = { '/etc/nginx/nginx.conf': `http { ${http} }`, ...files }
  const dump = Object.entries(all).map(([path, text]) => `# configuration file ${path}:\n${text}\n`)
  return planHost(wanted([shop]), seen({ nginx: nginx({ configuration: parseConfiguration(dump.join('')) }) }), 'a').warnings.slice()
}

const site = (listen: string): string => `server { ${listen} server_name legacy.example.org; }`
const says = (file: string, port: number): string => `${file} answers on port ${port} for names that no server of nginx has`

describe('what answers for names that no server has', () => {
  it('is told where a file of launchway would come before it, with the line that leaves it as it was', () => {
    const [warning = '', ...more] = warnings(usual, { [legacy]: site('listen 443 ssl;') })
    expect(more).toEqual([])
    expect(warning).toContain(says(legacy, 443))
    expect(warning).toContain(`${serverConf} comes before it`)
    expect(warning).toContain(`in ${legacy}: listen 443 ssl default_server;`)
  })

  it.each<[string, string, Record<string, string>, string[]]>([
    ['each port by itself', usual, { [legacy]: site('listen 80; listen 443 ssl;') }, [says(legacy, 80), says(legacy, 443)]],
    [
      'a name that comes later in the same folder',
      usual,
      { '/etc/nginx/conf.d/zebra.conf': site('listen 80;') },
      [says('/etc/nginx/conf.d/zebra.conf', 80)],
    ],
    ['the first file, below what it includes', `${usual} ${site('listen 80;')}`, {}, [says('/etc/nginx/nginx.conf', 80)]],
    ['the first file, above that', `${site('listen 80;')} ${usual}`, {}, []],
    ['a name that comes sooner in the same folder', usual, { '/etc/nginx/conf.d/default.conf': site('listen 80;') }, []],
    [
      'one that says that it is the default',
      usual,
      { [legacy]: site('listen 443 ssl default_server; listen [::]:80 default_server; listen 80;') },
      [],
    ],
    ['an address of its own, which has a default of its own', usual, { [legacy]: site('listen 127.0.0.1:80;') }, []],
    ['another server of launchway', usual, { [serverConf.replace('addie', 'blog')]: site('listen 80;'), [legacy]: site('listen 80;') }, []],
    ['what has happened already', usual, { [serverConf]: site('listen 80;').replace('legacy', 'addie'), [legacy]: site('listen 80;') }, []],
  ])('%s', (_, http, files, expected) => {
    const found = warnings(http, files)
    expect(found.map((warning) => warning.replace(/, since nginx reads.*/, ''))).toEqual(expected)
  })
})
