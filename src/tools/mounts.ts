/** A folder or a file of the host that a container has at a path of its own. */
export interface Mount {
  /** On the host. */
  source: string
  /** In the container. */
  destination: string
}

export function isBelow(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder === '/' ? folder : `${folder}/`)
}

/** Not data: what a host has for itself, and sockets. */
export function isOfHost(path: string): boolean {
  return /^\/(dev|etc|proc|run|sys|var\/run|usr\/share\/zoneinfo)(\/|$)|\.sock$/.test(path)
}

/** The one by which the container has a path: it hides what those above it have there. */
export function nearest<M extends Mount>(mounts: readonly M[], path: string): M | undefined {
  const around = mounts.filter(({ destination }) => isBelow(destination, path))
  return around.toSorted((one, other) => other.destination.length - one.destination.length)[0]
}

/** What a path in the container is on the host; undefined where it is the container's alone. */
export function toHost(mounts: readonly Mount[], path: string): string | undefined {
  const mount = nearest(mounts, path)
  return mount === undefined ? undefined : moved(path, mount.destination, mount.source)
}

/** Where the container has a path of the host, by the mount of the least; undefined where it does not see it. */
export function toContainer(mounts: readonly Mount[], path: string): string | undefined {
  return mounts
    .filter(({ source }) => isBelow(source, path))
    .toSorted((one, other) => other.source.length - one.source.length)
    .map(({ source, destination }) => moved(path, source, destination))
    .find((one) => toHost(mounts, one) === path)
}

function moved(path: string, from: string, to: string): string {
  const rest = from === '/' ? path.slice(1) : path.slice(from.length + 1)
  return rest === '' ? to : `${to === '/' ? '' : to}/${rest}`
}
