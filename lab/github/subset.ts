/**
 * Writes openapi.json beside this file: the operations that the lab plays, and the shapes they reach, out of the description
 * that GitHub publishes (npm package @octokit/openapi, its file generated/api.github.com.json).
 *
 *     node lab/github/subset.ts api.github.com.json
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

const source = { package: '@octokit/openapi', version: '23.0.2', licence: 'MIT', file: 'generated/api.github.com.json' }

const wanted = [
  'repos/get',
  'repos/list-deployments',
  'repos/create-deployment',
  'repos/get-deployment',
  'repos/list-deployment-statuses',
  'repos/create-deployment-status',
  'repos/get-deployment-status',
  'repos/create-commit-status',
  'repos/list-commit-statuses-for-ref',
  'repos/get-combined-status-for-ref',
  'issues/list-for-repo',
  'issues/create',
  'issues/get',
  'issues/update',
  'issues/list-comments',
  'issues/create-comment',
  'issues/get-comment',
  'issues/update-comment',
  'issues/delete-comment',
  'repos/list-releases',
  'repos/create-release',
  'repos/get-release',
  'repos/get-latest-release',
  'repos/get-release-by-tag',
  'repos/update-release',
  'repos/delete-release',
  'repos/list-release-assets',
  'repos/upload-release-asset',
  'repos/get-release-asset',
  'repos/delete-release-asset',
  'code-scanning/upload-sarif',
  'code-scanning/get-sarif',
  'checks/create',
  'checks/update',
  'checks/get',
  'git/get-ref',
]

const Json = z.json()
type Json = z.infer<typeof Json>
const Tree = z.record(z.string(), Json)
const Description = z.object({
  openapi: z.string(),
  paths: z.record(z.string(), z.record(z.string(), Tree)),
  components: z.record(z.string(), Tree),
})

const words = new Set(['description', 'summary', 'example', 'examples', 'externalDocs', 'tags', 'links', 'title', 'deprecated'])
/** Under these keys stand names that the description's author chose, among which `description` is one like any other. */
const named = new Set(['properties', 'parameters', 'schemas', 'headers', 'responses'])

/** The same without prose. */
function strip(node: Json, names = false): Json {
  if (Array.isArray(node)) return node.map((item) => strip(item))
  if (node === null || typeof node !== 'object') return node
  const kept = Object.entries(node).filter(([key]) => names || !(words.has(key) || key.startsWith('x-')))
  return Object.fromEntries(kept.map(([key, value]) => [key, strip(value, !names && named.has(key))]))
}

function references(node: Json): string[] {
  if (Array.isArray(node)) return node.flatMap(references)
  if (node === null || typeof node !== 'object') return []
  return Object.entries(node).flatMap(([key, value]) => (key === '$ref' && typeof value === 'string' ? [value] : references(value)))
}

/** One line for each operation and each component, so that a newer description shows as a readable difference. */
function write(sections: Record<string, Json>): string {
  const lines = (node: Json, depth: number): string => {
    if (depth === 0 || node === null || typeof node !== 'object' || Array.isArray(node)) return JSON.stringify(node)
    const indent = '  '.repeat(3 - depth)
    const entries = Object.entries(node).map(([key, value]) => `${indent}  ${JSON.stringify(key)}: ${lines(value, depth - 1)}`)
    return `{\n${entries.join(',\n')}\n${indent}}`
  }
  return `${lines(sections, 3)}\n`
}

function subset(description: z.infer<typeof Description>): Record<string, Json> {
  const paths: Record<string, Record<string, Json>> = {}
  const missing = new Set(wanted)
  for (const [path, operations] of Object.entries(description.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      const id = operation['operationId']
      if (typeof id !== 'string' || !missing.delete(id)) continue
      ;(paths[path] ??= {})[method] = strip(operation)
    }
  }
  if (missing.size > 0) throw new Error(`not in the description: ${[...missing].join(', ')}`)

  const components: Record<string, Record<string, Json>> = {}
  const open = references(paths)
  for (let reference = open.pop(); reference !== undefined; reference = open.pop()) {
    const [, , kind = '', name = ''] = reference.split('/')
    if (kind === 'examples' || components[kind]?.[name] !== undefined) continue
    const component = strip(Json.parse(description.components[kind]?.[name]))
    ;(components[kind] ??= {})[name] = component
    open.push(...references(component))
  }
  const sorted = Object.entries(components).map(([kind, all]): [string, Json] => [
    kind,
    Object.fromEntries(Object.entries(all).toSorted(([a], [b]) => (a < b ? -1 : 1))),
  ])
  const info = { title: "The part of GitHub's REST API that the lab plays", version: source.version, source }
  return { openapi: description.openapi, info, paths, components: Object.fromEntries(sorted.toSorted(([a], [b]) => (a < b ? -1 : 1))) }
}

const [file] = process.argv.slice(2)
if (file === undefined) throw new Error('usage: node lab/github/subset.ts api.github.com.json')
const description = Description.parse(JSON.parse(readFileSync(file, 'utf8')))
writeFileSync(join(import.meta.dirname, 'openapi.json'), write(subset(description)))
