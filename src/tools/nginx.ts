/** What an nginx can do. */
export interface NginxBuild {
  /** `1.22.1` */
  version: string
  http2: boolean
}

/** What `nginx -V` says, version and configure arguments. */
export function parseBuild(text: string): NginxBuild | undefined {
  const [, version] = /nginx version: [^/\s]+\/(\d+\.\d+\.\d+)/.exec(text) ?? []
  return version === undefined ? undefined : { version, http2: /--with-http_v2_module\b/.test(text) }
}

export function isAtLeast(version: string, wanted: string): boolean {
  const [ours, theirs] = [version, wanted].map((text) => text.split('.').map(Number))
  const at = [0, 1, 2].find((index) => ours?.[index] !== theirs?.[index])
  return at === undefined || (ours?.[at] ?? 0) > (theirs?.[at] ?? 0)
}

/** A server block, and the file that it stands in. */
export interface NginxServer {
  file: string
  /** The ports it listens on. */
  ports: number[]
  /** Where it listens on one address alone, `203.0.113.5:443`: nginx gives it all that comes in there. */
  addresses: string[]
  /** The ports at which it listens on IPv6 alone, as `[::]:443` does. */
  six?: number[]
  names: string[]
  /** As they stand there, without `^~`, which makes no other location: `/`, `= /api`, `~ \.php$`. */
  locations: string[]
  /** What it includes by itself, as full paths. */
  includes: string[]
  /** The ports for which it says that it is the default. */
  defaults?: number[]
  /** Of one in the first file: how many patterns of the http block come before it. */
  after?: number
}

/** What `nginx -T` shows of the configuration that nginx would load. */
export interface NginxConfiguration {
  /** The first file, which includes the others. */
  main: string
  servers: NginxServer[]
  /** The patterns that the http block includes, as full paths. */
  includes: string[]
  /** What stands in no block of its file: that of a file which is included within a server. */
  parts: NginxPart[]
}

export interface NginxPart {
  file: string
  addresses: string[]
  locations: string[]
  includes: string[]
}

/** @param dump standard output of `nginx -T` */
export function parseConfiguration(dump: string): NginxConfiguration {
  const marks = [...dump.matchAll(/^# configuration file (.+):$/gm)]
  const main = marks[0]?.[1] ?? ''
  const folder = main.slice(0, main.lastIndexOf('/'))
  const servers: NginxServer[] = []
  const includes: string[] = []
  const parts: NginxPart[] = []
  const dual = new Set<number | undefined>()
  for (const [index, mark] of marks.entries()) {
    const file = mark[1] ?? ''
    const text = dump.slice(mark.index + mark[0].length, marks[index + 1]?.index)
    const part: NginxPart = { file, addresses: [], locations: [], includes: [] }
    parts.push(part)
    let server: NginxServer | undefined
    for (const { path, words } of directives(text)) {
      const [name, ...values] = words
      const within = path.at(-1) === 'server' ? server : path.length === 0 ? part : undefined
      const isHttp = !path.some((block) => block === 'stream' || block === 'mail')
      if (name === 'server' && path.at(-1) === 'server') {
        const after = file === main ? { after: includes.length } : {}
        server = isHttp ? { file, ports: [], addresses: [], names: [], locations: [], includes: [], ...after } : undefined
        if (server !== undefined) servers.push(server)
      } else if (name === 'location' && path.length <= 2) {
        const around = path.length === 1 ? part : path[0] === 'server' ? server : undefined
        around?.locations.push(values.filter((word) => word !== '^~').join(' '))
      } else if (name === 'location' && path.join(' ') === 'http server location') {
        server?.locations.push(values.filter((word) => word !== '^~').join(' '))
      } else if (name === 'listen') {
        const { port, address } = parseListen(values[0] ?? '')
        if (within !== part && within !== undefined && port !== undefined) server?.ports.push(port)
        if (address !== undefined) within?.addresses.push(address)
        if (values.includes('ipv6only=off')) dual.add(port)
        if (values[0]?.startsWith('[::]') === true && port !== undefined && server !== undefined && within === server)
          server.six = [...(server.six ?? []), port]
        const isDefault = values.includes('default_server') || values.includes('default')
        if (isDefault && port !== undefined && server !== undefined && within === server)
          server.defaults = [...(server.defaults ?? []), port]
      } else if (name === 'server_name' && within === server) server?.names.push(...values.map((value) => value.toLowerCase()))
      else if (name === 'include') {
        const patterns = values.map((value) => (value.startsWith('/') ? value : `${folder}/${value}`))
        within?.includes.push(...patterns)
        if (path.join(' ') === 'http' && file === main) includes.push(...patterns)
      }
    }
  }
  for (const server of servers) {
    if (server.ports.length === 0) server.ports.push(80)
    // One server says it for the socket, which is that of all.
    if (server.six !== undefined) server.six = server.six.filter((port) => !dual.has(port))
  }
  return { main, servers, includes, parts }
}

/** `80`, `*:80`, `[::]:80`; `10.0.0.7` (whose port is 80) is an address of its own; a socket of the file system is neither. */
function parseListen(listen: string): { port?: number; address?: string } {
  if (listen.startsWith('unix:')) return {}
  const [, port = '80'] = /(?:^|:)(\d+)$/.exec(listen) ?? []
  const address = listen.replace(/(?:^|:)\d+$/, '')
  const isEvery = ['', '*', '0.0.0.0', '[::]'].includes(address)
  return { port: Number(port), ...(isEvery ? {} : { address: `${address}:${port}` }) }
}

interface Directive {
  /** The blocks it stands in, from the outside; of a block also itself. */
  path: readonly string[]
  words: readonly string[]
}

/** The directives of a file in their order. What is no configuration after all gives nonsense, never an error. */
function* directives(text: string): Generator<Directive> {
  const path: string[] = []
  let words: string[] = []
  // A comment, a quoted word, a mark, or a plain word, in which ${name} is a variable and no block.
  for (const [token] of text.matchAll(/#.*|"(?:[^"\\]|\\[^])*"|'(?:[^'\\]|\\[^])*'|[;{}]|(?:\$\{|\\[^]|[^\s;{}"'#\\]|(?<=\S)#|\\)+\}?/g)) {
    if (token.startsWith('#')) continue
    if (token === ';') {
      if (words.length > 0) yield { path: [...path], words }
      words = []
    } else if (token === '{') {
      path.push(words[0] ?? '')
      yield { path: [...path], words }
      words = []
    } else if (token === '}') {
      path.pop()
      words = []
    } else words.push(token.replace(/^(["'])(.*)\1$/s, '$2'))
  }
}

/** A folder in which nginx looks for servers that others have written. */
export interface SiteFolder {
  path: string
  /** Everything in it is read, folders too (which is an error); not what begins with a dot. Else `*.conf` alone. */
  isAll: boolean
}

/** conf.d before sites-enabled. */
export function siteFolders({ includes }: NginxConfiguration): SiteFolder[] {
  const folders = includes.flatMap((pattern) => {
    const [, path, conf] = /^([\w./-]+\/(?:conf\.d|sites-enabled))\/\*(\.conf)?$/.exec(pattern) ?? []
    return path === undefined ? [] : [{ path, isAll: conf === undefined }]
  })
  const isFirst = ({ path }: SiteFolder): boolean => path.endsWith('/conf.d')
  return [...folders.filter(isFirst), ...folders.filter((one) => !isFirst(one))]
}

/** The one of them that launchway writes to. */
export function siteFolder(configuration: NginxConfiguration): string | undefined {
  return siteFolders(configuration)[0]?.path
}
