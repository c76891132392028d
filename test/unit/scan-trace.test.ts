import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Finding } from '../../src/core/release.ts'
import { annotations, sourcesOf, traced } from '../../src/scan/trace.ts'
import { localPorts, temporaryFolder } from './support/ports.ts'
import { httpx, zlib } from './support/scanned.ts'

const dockerfile = {
  path: 'web/Dockerfile',
  target: undefined,
  text: [
    'FROM golang AS tools',
    'RUN apt-get install -y git',
    'FROM python:3.14-slim',
    'RUN apt-get update \\',
    ' && apt-get install -y libxml2 curl=8.1',
    'CMD ["app"]',
  ].join('\n'),
}
const locks = (path: string, ...lines: string[]) => [{ path, text: lines.join('\n') }]

describe('a library is traced to the line that names it', () => {
  it.each([
    ['httpx', '0.22.0', locks('requirements.txt', '# httpx is old', 'flask==3.0', 'httpx==0.22.0'), 3],
    ['httpx', '0.22.0', locks('requirements.txt', 'httpx-sse==0.4', 'httpx[http2] >= 0.20'), 2],
    ['Typing_Extensions', '4.1', locks('uv.lock', '[[package]]', 'name = "typing-extensions"'), 2],
    ['@babel/core', '7.1.0', locks('package-lock.json', '{', '"node_modules/@babel/core-x": {', '"node_modules/@babel/core": {'), 3],
    ['golang.org/x/net', 'v0.1.0', locks('go.mod', 'require (', '\tgolang.org/x/net v0.1.0', ')'), 2],
    ['c++', '1', locks('package.json', '"c++": "1"'), 1],
    ['lodash', '4.17.20', [...locks('package.json', '"lodash": "^4"'), ...locks('yarn.lock', 'lodash@^4:', '  version "4.17.20"')], 1],
  ])('%s %s', (name, installed, of, line) => {
    expect(traced({ class: 'library', package: name, installed }, { dockerfile: undefined, locks: of })).toEqual({
      file: of[0]?.path,
      line,
    })
  })

  it('or to the RUN that names it', () => {
    const pip = { path: 'Dockerfile', target: undefined, text: 'FROM python:3.14\nRUN pip install httpx==0.22.0 httpx-sse' }
    expect(traced(httpx, { dockerfile: pip, locks: [] })).toEqual({ file: 'Dockerfile', line: 2 })
  })

  it('and to none where no file does', () => {
    expect(traced(httpx, { dockerfile, locks: locks('requirements.txt', 'flask', 'httpxx') })).toBeUndefined()
  })
})

describe('a package of the operating system is traced', () => {
  const os = (name: string, of: Partial<Finding> = {}): Finding => ({ ...zlib, package: name, ...of })
  it.each([
    ['to the RUN that names it', os('libxml2'), 4],
    ['to the RUN that names a version of it', os('curl'), 4],
    ['to the FROM that it came with', os('zlib1g'), 3],
    ['to the FROM where the base has it already', os('curl', { base: true }), 3],
    ['to nothing of a stage that is left behind', os('git'), 3],
  ])('%s', (_, finding, line) => {
    expect(traced(finding, { dockerfile, locks: [] })).toEqual({ file: 'web/Dockerfile', line })
  })
})

it('reads the lock files of the context, and none of what others wrote', async () => {
  const folder = temporaryFolder()
  for (const path of [
    'Dockerfile',
    'requirements-dev.txt',
    'ui/package-lock.json',
    'ui/package.json',
    'ui/node_modules/x/package.json',
    '.venv/requirements.txt',
    'notes.txt',
  ]) {
    mkdirSync(dirname(join(folder, 'web', path)), { recursive: true })
    writeFileSync(join(folder, 'web', path), path)
  }
  const image = {
    name: 'app',
    context: 'web',
    dockerfile: 'Dockerfile',
    platforms: [],
    args: {},
    repositories: ['registry.example.org/app'],
  }
  const { ports } = localPorts(folder)
  const sources = await sourcesOf(image, ports)
  expect(sources.dockerfile).toEqual({ path: 'web/Dockerfile', text: 'Dockerfile', target: undefined })
  expect(sources.locks.map(({ path }) => path)).toEqual(['web/requirements-dev.txt', 'web/ui/package.json', 'web/ui/package-lock.json'])
})

it('one line is shown once, with all that it brings in', () => {
  const rule = { action: 'fail' as const, severity: 'HIGH' as const, classes: [], packages: [], ids: [] }
  const sources = new Map([['app', { dockerfile, locks: locks('requirements.txt', 'httpx==0.22.0') }]])
  const blocked = [httpx, { ...httpx, id: 'CVE-2022-1', fixed: '0.24.0' }, zlib].map((finding) => ({ image: 'app', finding, rule }))
  expect(annotations(blocked, sources)).toEqual([
    {
      place: { file: 'requirements.txt', line: 1 },
      message: 'blocks this release: CVE-2021-41945 (CRITICAL), CVE-2022-1 (CRITICAL) in httpx 0.22.0 → 0.23.0, httpx 0.22.0 → 0.24.0',
    },
    { place: { file: 'web/Dockerfile', line: 3 }, message: 'blocks this release: CVE-2023-45853 (HIGH) in zlib1g 1.2, no fix yet' },
  ])
})
