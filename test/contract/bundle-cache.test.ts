import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { buffer, json, text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { bare, root } from './support/doors.ts'
import { openFolder } from './support/folder.ts'

/**
 * What an action does with its cache, by the parts that dist/ has: the bundle leaves out what libraries bring and nobody
 * asks of them, which nothing shows but that the rest works. The bundle gives its two doors alone, so the module is taken
 * out of the part that has it, with the loader that the bundle hands to each module.
 */
const program = `
import { globSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
const [dist, folder, result] = process.argv.slice(1)
const having = async (name) => {
  const path = globSync(dist + '/*.index.js').find((one) => readFileSync(one, 'utf8').includes('__webpack_exports__,{' + name + ':()=>'))
  const { id, modules } = await import(path)
  return { id, modules, module: Object.keys(modules).find((one) => String(modules[one]).includes('__webpack_exports__,{' + name + ':()=>')) }
}
let load
const { module: door, modules } = await having('cli')
const opened = modules[door]
modules[door] = function (...given) {
  load = given[2]
  return opened.apply(this, given)
}
const { terminal } = await import(dist + '/index.js')
await terminal(['--version'])
const { id, module } = await having('actionsCache')
await load.e(id)
const warnings = []
const cache = load(module).actionsCache({ warning: (text) => warnings.push(text) })
await cache.save([folder], 'key-1')
rmSync(folder, { recursive: true })
const found = await cache.restore([folder], 'key-2', ['key-'])
writeFileSync(result, JSON.stringify({ found, warnings }))
`

const Entry = z.object({ key: z.string(), version: z.string() })

/** GitHub's cache service, and the store of blobs to which it sends: what it was asked, and what was put there. */
async function openService() {
  const asked: string[] = []
  const blobs = new Map<string, Buffer>()
  const entries = new Map<string, string>()
  const server = createServer((request, response) => {
    const { method = '', url = '', headers } = request
    const path = url.split('?')[0] ?? ''
    asked.push(`${method} ${path.split('/').at(-1)}`)
    const answer = async (): Promise<void> => {
      if (method === 'PUT') {
        blobs.set(path, await buffer(request))
        const date = new Date(0).toUTCString()
        return void response.writeHead(headers['x-ms-blob-type'] === 'BlockBlob' ? 201 : 400, { etag: '"1"', 'last-modified': date }).end()
      }
      if (method === 'GET') {
        const body = blobs.get(path)
        return void response.writeHead(body === undefined ? 404 : 200, { 'content-length': body?.length ?? 0 }).end(body)
      }
      if (!path.startsWith('/twirp/github.actions.results.api.v1.CacheService/') || headers.authorization !== 'Bearer the-token')
        return void response.writeHead(403).end(await text(request))
      const { key, version } = Entry.parse(await json(request))
      const blob = `http://${headers.host}/account/container/${version}?sig=x`
      const reply = (body: unknown): unknown => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
      if (path.endsWith('/CreateCacheEntry')) return void reply({ ok: true, signed_upload_url: blob })
      if (path.endsWith('/FinalizeCacheEntryUpload')) {
        entries.set(version, key)
        return void reply({ ok: true, entry_id: '1' })
      }
      const matched = entries.get(version)
      reply(matched === undefined ? { ok: false } : { ok: true, signed_download_url: blob, matched_key: matched })
    }
    answer().catch((error: unknown) => response.writeHead(500).end(String(error)))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((closed) => server.close(closed))
    },
  }
}

describe('the bundle', () => {
  it("keeps a folder in GitHub's cache service, and puts it back, by the client for blobs that it has", async () => {
    await using service = await openService()
    await using folder = await openFolder()
    const [kept, result] = [join(folder.path, 'kept'), join(folder.path, 'result.json')]
    mkdirSync(join(kept, 'deep'), { recursive: true })
    writeFileSync(join(kept, 'deep/entry'), 'as it was')
    const env = bare({
      ACTIONS_CACHE_SERVICE_V2: 'true',
      ACTIONS_RESULTS_URL: service.url,
      ACTIONS_RUNTIME_TOKEN: 'the-token',
      GITHUB_WORKSPACE: folder.path,
      RUNNER_TEMP: folder.path,
    })
    const args = ['--input-type=module', '-e', program, '--', join(root, 'dist'), kept, result]
    const child = spawn(process.execPath, args, { cwd: folder.path, env, stdio: ['ignore', 'pipe', 'pipe'] })
    const [said, complaint, ended] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
    expect(ended[0], `${said}\n${complaint}`).toBe(0)
    expect(JSON.parse(readFileSync(result, 'utf8')), said).toEqual({ found: 'key-1', warnings: [] })
    expect(readFileSync(join(kept, 'deep/entry'), 'utf8')).toBe('as it was')
    expect(service.asked.map((one) => one.replace(/ [\da-f]{64}$/, ' blob'))).toEqual([
      'POST CreateCacheEntry',
      'PUT blob',
      'POST FinalizeCacheEntryUpload',
      'POST GetCacheEntryDownloadURL',
      'GET blob',
    ])
  })
})
