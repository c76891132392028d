/** An address and a port of a host, on which something listens or shall listen. */
export interface Socket {
  /** As a URL writes it: `127.0.0.1`, `[::1]`; empty for every address of the host. */
  address: string
  port: number
  /** Where it is not TCP: `udp`. */
  protocol?: string
}

/** Ports of a host that are published together. */
export interface Span {
  address: string
  first: number
  last: number
  protocol?: string
}

/** @param publish `port` or `address:port`, as the configuration has it */
export function parsePublish(publish: string): Socket {
  const colon = publish.lastIndexOf(':')
  return { address: canonical(publish.slice(0, Math.max(colon, 0))), port: Number(publish.slice(colon + 1)) }
}

/** The same as a span of one. */
export function spanOfPublish(publish: string): Span {
  const { address, port } = parsePublish(publish)
  return { address, first: port, last: port }
}

/** What a service or an accessory publishes at ports that one container alone can hold, and how that is written. */
export function fixedPorts({
  publish,
  ports = [],
}: {
  publish?: string | undefined
  ports?: readonly string[] | undefined
}): { at: string; span: Span }[] {
  const first = publish === undefined ? [] : [{ at: publish, span: spanOfPublish(publish) }]
  const further = ports.flatMap((at) => {
    const span = spanOf(at)
    return span === undefined ? [] : [{ at, span }]
  })
  return [...first, ...further]
}

/**
 * Which ports of the host `docker run --publish` takes for a mapping: `80:8000`, `127.0.0.1:53:53/udp`, `8000-8002:8000-8002`.
 * Undefined where the engine chooses one itself, which is then nobody's before.
 */
export function spanOf(mapping: string): Span | undefined {
  const [, ports = '', protocol] = /^(.*?)(?:\/(\w+))?$/.exec(mapping) ?? []
  const ofHost = ports.slice(0, Math.max(ports.lastIndexOf(':'), 0))
  const colon = ofHost.lastIndexOf(':')
  const [, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(ofHost.slice(colon + 1)) ?? []
  if (first === undefined) return undefined
  const address = canonical(ofHost.slice(0, Math.max(colon, 0)))
  return { address, first: Number(first), last: Number(last), ...(protocol === undefined || protocol === 'tcp' ? {} : { protocol }) }
}

/** Whether only one of the two can be listened on at a time. */
export function collide(one: Socket, other: Socket): boolean {
  return one.port === other.port && one.protocol === other.protocol && meet(one, other)
}

/** The same for some port of a span. */
export function collidesIn(span: Span, one: Socket): boolean {
  return one.port >= span.first && one.port <= span.last && one.protocol === span.protocol && meet(span, one)
}

function meet(one: { address: string }, other: { address: string }): boolean {
  return one.address === '' || other.address === '' || one.address === other.address
}

/** What `docker ps` has under Ports: `0.0.0.0:80->5000/tcp, :::80->5000/tcp, 127.0.0.1:8000-8001->8000-8001/tcp, 9000/tcp`, and those of UDP. */
export function parsePorts(text: string): Socket[] {
  return text.split(', ').flatMap((mapping) => {
    const [, address, first, last, protocol = ''] = /^(.*):(\d+)(?:-(\d+))?->.*\/(\w+)$/.exec(mapping) ?? []
    if (address === undefined || first === undefined) return []
    const from = Number(first)
    const one = { address: canonical(address), ...(protocol === 'tcp' ? {} : { protocol }) }
    return Array.from({ length: Number(last ?? first) - from + 1 }, (_, index) => ({ ...one, port: from + index }))
  })
}

/**
 * An address of /proc/net/tcp or tcp6: 32-bit words in hexadecimal, each with its last byte first.
 * @see https://docs.kernel.org/networking/proc_net_tcp.html
 */
export function parseKernelAddress(hex: string): string {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) => (word.match(/../g) ?? []).toReversed())
  if (bytes.length === 4) return canonical(bytes.map((byte) => Number.parseInt(byte, 16)).join('.'))
  const groups = (bytes.join('').match(/.{4}/g) ?? []).join(':')
  return canonical(groups)
}

function canonical(address: string): string {
  const bare = address.replace(/^\[(.*)\]$/, '$1')
  const url = `http://${bare.includes(':') ? `[${bare}]` : bare}/`
  if (bare === '' || !URL.canParse(url)) return bare
  const { hostname } = new URL(url)
  // An IPv4 address in the clothes of an IPv6 one: a socket of both kinds has it.
  const [, high = '', low = ''] = /^\[::ffff:([0-9a-f]+):([0-9a-f]+)\]$/.exec(hostname) ?? []
  const four = [high, low].flatMap((half) => [Number.parseInt(half, 16) >> 8, Number.parseInt(half, 16) & 255]).join('.')
  const plain = high === '' ? hostname : four
  return plain === '0.0.0.0' || plain === '[::]' ? '' : plain
}
