import { nearest } from './nearest.ts'

/** What images are built for, as containerd writes them when they are normalised. */
const known = [
  ...['amd64', 'amd64/v2', 'amd64/v3', 'amd64/v4', 'arm64', 'arm/v7', 'arm/v6', 'arm/v5', 'arm/v8', '386'],
  ...['ppc64le', 's390x', 'riscv64', 'loong64', 'mips64le', 'mips64', 'mipsle', 'mips', 'ppc64'],
].map((architecture) => `linux/${architecture}`)

const architectures: Readonly<Record<string, string>> = {
  ...{ i386: '386', x86_64: 'amd64', 'x86-64': 'amd64', aarch64: 'arm64', armhf: 'arm', armel: 'arm' },
}

/** What a variant is where none is written, or another name than containerd's. */
const variants: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  amd64: { v1: '' },
  arm64: { v8: '', 'v8.0': '' },
  arm: { '': 'v7' },
}

/**
 * One name for each platform, as containerd normalises it: who writes `amd64` and who writes `linux/x86_64` mean the same
 * image, and so its key has to be the same. What names none comes back as it is, in small letters.
 * @see https://github.com/containerd/platforms/blob/main/database.go
 */
export function normalPlatform(written: string): string {
  const parts = written.trim().toLowerCase().split('/')
  // An architecture alone is one of Linux, as the engine that builds it is.
  const [os = '', named = '', said = '', ...rest] = parts.length === 1 && parts[0] !== 'linux' ? ['linux', ...parts] : parts
  const architecture = architectures[named] ?? named
  const meant = said === '' && named === 'armel' ? 'v6' : /^\d/.test(said) ? `v${said}` : said
  const variant = variants[architecture]?.[meant] ?? meant
  return [os, architecture, variant, ...rest].filter((part) => part !== '').join('/')
}

/** Why that is no platform that images can be built for, with the nearest that is one; undefined where it is. */
export function wrongPlatform(written: string): string | undefined {
  const normal = normalPlatform(written)
  if (known.includes(normal)) return undefined
  const meant = nearest(normal, known)
  return `"${written}" is no platform that is known here; ${meant === undefined ? 'such as linux/amd64, linux/arm64, linux/arm/v7' : `did you mean "${meant}"?`}`
}

/** The platform of an image, as its configuration or an entry of an index has it. */
export function platformOf({
  os,
  architecture,
  variant = '',
}: {
  os: string
  architecture: string
  variant?: string | null | undefined
}): string {
  return normalPlatform([os, architecture, variant].filter((part) => part !== '' && part !== null).join('/'))
}
