import type { Layer } from '../core/evidence.ts'
import { cut } from '../core/text.ts'

/** Instructions are shown in one line. */
const mostChars = 160

/**
 * An instruction as somebody wrote it, from what the builder has noted. What build arguments were set to stands before the
 * shell, and may be what nobody should read in a summary.
 * @param noted such as `RUN |1 TOKEN=… /bin/sh -c make # buildkit`
 */
export function instruction(noted: string): string {
  const text = noted
    .replace(/\s+# buildkit$/, '')
    .replaceAll(/\s+/g, ' ')
    .trim()
  const [, told] = /^\/bin\/sh -c #\(nop\) (.*)$/.exec(text) ?? []
  const isRun = told === undefined && /^(RUN |\/\S*sh -\w*c |\|\d+ )/.test(text)
  return cut(told?.trim() ?? (isRun ? `RUN ${commandOf(text.replace(/^RUN /, ''))}` : text === '' ? 'imported' : text), mostChars)
}

/** Whatever an argument was set to, the shell that counts is the last one. */
function commandOf(text: string): string {
  const [, command] = /^(?:\|\d+ .*)?\/\S*sh(?: -o \w+| -[a-z]+)*? -[a-z]*c (.*)$/.exec(text) ?? []
  return command ?? (text.startsWith('|') ? '…' : text)
}

/** Smaller differences are those of time stamps and caches. */
const worthMentioning = 1e6

/** What came with layers that were not there before, and by how much those that were have grown; the largest first. */
export function grown(layers: readonly Layer[], before: readonly Layer[]): Layer[] {
  const left = [...before]
  return layers
    .map(({ by, size }) => {
      const index = left.findIndex((layer) => layer.by === by)
      const [earlier] = index === -1 ? [] : left.splice(index, 1)
      return { by, size: Math.max(0, size - (earlier?.size ?? 0)) }
    })
    .filter(({ size }) => size >= worthMentioning)
    .toSorted((a, b) => b.size - a.size)
}

/** From this size on a layer is worth a word. */
const large = 50e6

const hints: readonly [RegExp, string][] = [
  [/^(COPY|ADD)( --\S+)* \.\/? /, 'brings all that .dockerignore does not name: .git, node_modules, virtual environments, test data'],
  [/^RUN .*ch(own|mod) -\w*R/, 'holds every file that it changes a second time: COPY --chown and --chmod do it at once'],
  [
    /^RUN .*\b(build-essential|gcc|g\+\+|clang|rustc|cargo|[\w.+]+-dev(el)?)\b/,
    'has what builds and is not needed to run: build in a first stage, and COPY --from the result',
  ],
  [
    /^RUN (?!.*\/var\/lib\/apt\/lists).*\bapt(-get)? (-\S+ )*install\b/,
    'keeps the lists of packages, and what is only recommended: --no-install-recommends, and rm -rf /var/lib/apt/lists/* in the same RUN',
  ],
  [
    /^RUN (?!.*--no-cache-dir).*\bpip3? (-\S+ )*install\b/,
    'may keep what pip has fetched: --no-cache-dir, or RUN --mount=type=cache,target=/root/.cache/pip',
  ],
  [
    /^RUN .*\b(npm (ci|i|install)|yarn( install)?|pnpm (i|install))\b(?!.*--(omit=dev|prod))/,
    'may have what only development needs: npm ci --omit=dev, or a first stage for the build',
  ],
  [/^RUN .*\b(curl|wget) /, 'fetches files: what is not needed to run goes in the same RUN, and data that rarely change into a volume'],
]

/** What usually helps with the largest layers, a line each. */
export function advice(layers: readonly Layer[]): string[] {
  const largest = layers.filter(({ size }) => size >= large).toSorted((a, b) => b.size - a.size)
  const lines = largest.slice(0, 5).flatMap(({ by, size }) => {
    if (layers[0]?.by === by && layers[0].size === size && !by.startsWith('RUN'))
      return size >= 5 * large
        ? ['The lowest layer is the base image: a slim variant of it, or a smaller system, makes the most of a difference']
        : []
    const hint = hints.find(([pattern]) => pattern.test(by))?.[1]
    return hint === undefined ? [] : [`${by.length > 60 ? `${by.slice(0, 60)}…` : by} ${hint}`]
  })
  return [...new Set(lines)].map((line) => `${line}.`)
}
