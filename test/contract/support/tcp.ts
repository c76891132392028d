import { connect, createServer, type Server, type Socket } from 'node:net'

/** A way to a server that a test can count at and break. */
export interface Door extends AsyncDisposable {
  readonly port: number
  /** Connections since it was opened. */
  readonly count: number
  /** Breaks every connection that stands. */
  drop(): void
  /** Breaks every connection that stands, and refuses new ones. */
  cut(): void
}

/** @param listen the address to listen on, such as `::1` */
export async function openDoor(target: { port: number; host?: string }, listen = '127.0.0.1'): Promise<Door> {
  const sockets = new Set<Socket>()
  let count = 0
  const server = createServer((client) => {
    count += 1
    const upstream = connect(target.port, target.host ?? '127.0.0.1')
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from)
      from.on('error', () => to.destroy())
      from.on('close', () => (sockets.delete(from), to.destroy()))
      from.pipe(to)
    }
  })
  const drop = (): void => {
    for (const socket of sockets) socket.resetAndDestroy()
  }
  const cut = (): void => {
    server.close()
    drop()
  }
  return {
    port: await listening(server, listen),
    get count() {
      return count
    },
    drop,
    cut,
    [Symbol.asyncDispose]: async () => cut(),
  }
}

/** A server that takes connections and never says a word. */
export async function openSilence(): Promise<Door> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => sockets.add(socket.on('error', () => undefined)))
  const cut = (): void => {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  return { port: await listening(server, '127.0.0.1'), count: 0, drop: cut, cut, [Symbol.asyncDispose]: async () => cut() }
}

/** A port of the loopback on which nobody listens. */
export async function openNothing(): Promise<Door> {
  const server = createServer()
  const port = await listening(server, '127.0.0.1')
  await new Promise((closed) => server.close(closed))
  return { port, count: 0, drop: () => undefined, cut: () => undefined, [Symbol.asyncDispose]: async () => undefined }
}

function listening(server: Server, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, host, () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : 0)
    })
  })
}
