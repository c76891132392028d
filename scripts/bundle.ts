/**
 * Makes dist/ from src/: tsc to build/, then ncc. One bundle whose parts are loaded when they are needed, and an entry
 * of a few lines for each action. The result is the same, byte for byte, wherever it is made: CI holds it to that.
 *
 *   node scripts/bundle.ts            write dist/
 *   node scripts/bundle.ts --check    compare with the committed dist/, write nothing
 */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, globSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import ncc from '@vercel/ncc'
import { transform } from 'esbuild'
import { actions } from '../src/inputs.ts'

const root = join(import.meta.dirname, '..')
const isCheck = process.argv.includes('--check')
const built = join(root, 'build')
/** Who bundles in this checkout just now, by its id. */
const turn = join(root, 'node_modules', '.bundle-turn')
const dist = join(root, 'dist')
const notices = 'licenses.txt'

/**
 * What libraries bring and launchway never asks of them. An empty stand-in takes their place: a module of Node's own that
 * has none of the names asked for.
 */
const standIn = 'node:constants'
const leftOut = {
  // Of dockerode, native code included: a second SSH client (OpenSSH does that), gRPC for build sessions and what they
  // say (buildx does those), the packing of a build's context.
  ssh2: standIn,
  '@grpc/grpc-js': standIn,
  '@grpc/proto-loader': standIn,
  protobufjs: standIn,
  'tar-fs': standIn,
  '@balena/dockerignore': standIn,
  // Of Azure's storage, under @actions/cache, which asks it for clients of one blob: those of accounts, containers and
  // batches; a checksum in WebAssembly, for messages that they do not send, the form of what a query in a blob answers, and
  // the signing of addresses, which the service of the cache has done; of its RPC what its own tests use.
  './BlobServiceClient.js': standIn,
  './ContainerClient.js': standIn,
  './BlobBatch.js': standIn,
  './BlobBatchClient.js': standIn,
  './crc64.js': standIn,
  '../internal-avro/index.js': standIn,
  './sas/BlobSASSignatureValues.js': standIn,
  './test-transport': standIn,
  // Of undici, under @actions/github and @actions/http-client, which ask it for fetch and for proxies: its mocks, WebSocket,
  // EventSource, FileReader and cookies, HTTP/2 (which it speaks where it is told to), and trying again (our callers do). Of its two parsers in WebAssembly it takes the plain one where the one with SIMD does not load.
  './lib/mock/mock-client': standIn,
  './lib/mock/mock-agent': standIn,
  './lib/mock/mock-pool': standIn,
  './lib/mock/mock-errors': standIn,
  './lib/web/websocket/events': standIn,
  './lib/web/websocket/websocket': standIn,
  './lib/web/eventsource/eventsource': standIn,
  './lib/web/fileapi/filereader': standIn,
  './lib/web/cookies': standIn,
  './client-h2.js': standIn,
  './lib/dispatcher/retry-agent': standIn,
  './lib/handler/retry-handler': standIn,
  './lib/interceptor/retry': standIn,
  './lib/interceptor/dns': standIn,
  '../llhttp/llhttp_simd-wasm.js': standIn,
}

/**
 * Keeps what V8 made of the code, in the user's own folder: the default is one in /tmp, where whoever comes first could
 * put code for everybody else.
 */
const compileCache = `import { enableCompileCache } from 'node:module'
const { HOME, NODE_COMPILE_CACHE, XDG_CACHE_HOME } = process.env
const folder = NODE_COMPILE_CACHE || (XDG_CACHE_HOME || (HOME && HOME + '/.cache') || '') + '/launchway/compiled'
if (folder.length > '/launchway/compiled'.length) enableCompileCache(folder)
`

function entry(name: string): string {
  return `import './compile-cache.js'
const { action } = await import('./index.js')
await action('${name}')
`
}

/** Comments and blanks are half of what libraries bring. Names stay, so that a stack can be read. */
async function shortened(source: string): Promise<string> {
  const { code } = await transform(source, {
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: 'none',
    format: 'esm',
    target: 'node24',
  })
  return code
}

/** The licences of what is bundled: a text that several packages have stands there once, below the names of all of them. */
function licences(all: string): string {
  const packages = new Map<string, string[]>()
  for (const line of all.replaceAll('\r\n', '\n').split('\n')) {
    if (isPackage(line)) packages.set(line, [])
    else [...packages.values()].at(-1)?.push(line)
  }
  const names = new Map<string, string[]>()
  for (const [name, lines] of packages) {
    const text = lines.join('\n').trim()
    names.set(text, [...(names.get(text) ?? []), name])
  }
  return [...names].map(([text, these]) => `${these.join(', ')}\n${text}\n`).join('\n')
}

function isPackage(line: string): boolean {
  return /^(@[a-z\d.-]+\/)?[a-z\d.-]+$/.test(line) && existsSync(join(root, 'node_modules', line, 'package.json'))
}

/**
 * Waits for whoever else bundles in this checkout. What the parts are called comes from the paths that they are made
 * from, so a folder of one's own would make something else. What was killed has no turn.
 */
async function takeTurn(): Promise<void> {
  for (;;) {
    try {
      writeFileSync(turn, String(process.pid), { flag: 'wx' })
      return
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    }
    const holder = existsSync(turn) ? readFileSync(turn, 'utf8') : ''
    if (isOld() || (holder !== '' && !isRunning(Number(holder)))) rmSync(turn, { force: true })
    else await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

/** Nobody bundles for ten minutes: the number of one that was killed may be another's by now. */
function isOld(): boolean {
  const since = statSync(turn, { throwIfNoEntry: false })?.mtimeMs
  return since !== undefined && Date.now() - since > 600_000
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

async function bundle(): Promise<Map<string, string | Buffer>> {
  rmSync(built, { recursive: true, force: true })
  const compiled = spawnSync(join(root, 'node_modules/.bin/tsc'), ['-p', 'scripts/tsconfig.build.json'], { cwd: root, stdio: 'inherit' })
  if (compiled.status !== 0) throw new Error('tsc failed')
  for (const path of globSync('**/*.sh', { cwd: join(root, 'src') })) cpSync(join(root, 'src', path), join(built, path))
  const { code, assets } = await ncc(join(built, 'bundle.js'), { cache: false, quiet: true, externals: leftOut, license: notices })
  const files = new Map<string, string | Buffer>([['index.js', await shortened(code)]])
  for (const [path, { source }] of Object.entries(assets)) {
    // What the parts left out would have read.
    if (path.endsWith('.proto')) continue
    const text = (): string => source.toString()
    files.set(path, path.endsWith('.js') ? await shortened(text()) : path === notices ? licences(text()) : source)
  }
  for (const { entry: name } of actions) files.set(`${name}.js`, entry(name))
  files.set('compile-cache.js', compileCache)
  files.set('package.json', `${JSON.stringify({ type: 'module' })}\n`)
  return files
}

function differences(files: Map<string, string | Buffer>): string[] {
  const committed = existsSync(dist) ? readdirSync(dist, { recursive: true, withFileTypes: true }).filter((one) => one.isFile()) : []
  const names = committed.map((one) => join(one.parentPath, one.name).slice(dist.length + 1))
  const changed = [...files].filter(
    ([path, source]) => !names.includes(path) || !readFileSync(join(dist, path)).equals(Buffer.from(source)),
  )
  return [...changed.map(([path]) => path), ...names.filter((name) => !files.has(name)).map((name) => `${name} (no longer made)`)]
}

/** All the code together, in bytes: docs/adr/0007-bundle.md says why. */
const codeLimit = 4_000_000

/** In words, when all the code together is larger than it may be. */
function tooLarge(files: Map<string, string | Buffer>): string | undefined {
  const code = [...files].filter(([path]) => path.endsWith('.js')).map(([path, source]) => ({ path, bytes: Buffer.byteLength(source) }))
  const bytes = code.reduce((sum, one) => sum + one.bytes, 0)
  if (bytes <= codeLimit) return undefined
  const largest = code.toSorted((one, other) => other.bytes - one.bytes).slice(0, 5)
  const lines = largest.map((one) => `  ${one.path}: ${one.bytes} bytes`)
  return `the code in dist/ is ${bytes} bytes, and may be ${codeLimit} (docs/adr/0007-bundle.md). The largest files:\n${lines.join('\n')}`
}

await takeTurn()
const files = await bundle().finally(() => rmSync(turn, { force: true }))
const excess = tooLarge(files)
if (excess !== undefined) {
  console.error(excess)
  process.exit(1)
}
if (isCheck) {
  const wrong = differences(files)
  if (wrong.length > 0) {
    console.error(
      `dist/ is not what src/ makes; run npm run build and commit it. Different:\n${wrong.map((path) => `  ${path}`).join('\n')}`,
    )
    process.exit(1)
  }
} else {
  rmSync(dist, { recursive: true, force: true })
  for (const [path, source] of files) {
    mkdirSync(dirname(join(dist, path)), { recursive: true })
    writeFileSync(join(dist, path), source)
  }
}
const bytes = [...files.values()].reduce((sum, source) => sum + Buffer.byteLength(source), 0)
console.log(`dist/: ${files.size} files, ${(bytes / 1e6).toFixed(2)} MB`)
