import { refusedOptions } from '../config/run-options.ts'
import { AccessoryConfig } from '../config/schema-accessory.ts'
import { ServiceConfig } from '../config/schema-service.ts'
import { filled } from '../tools/compose-variables.ts'
import type { FileService } from '../tools/compose-file.ts'

/** What a compose service says beside what it runs: limits, rights, restarts. Each has a place in launchway.yml, or is told of. */

/** Nothing of it is lost on a host; networks are looked at for all services together. */
const ofNoConsequence = /^(x-.*|develop|attach|pull_policy|networks)$/

/** Keys of compose that are keys of launchway.yml as well. */
const sameKeys: Readonly<Record<string, string>> = {
  cap_add: 'cap-add',
  cap_drop: 'cap-drop',
  devices: 'devices',
  group_add: 'group-add',
  labels: 'labels',
  logging: 'logging',
  privileged: 'privileged',
  restart: 'restart',
}

/** Keys that are options of `docker run`, and how their values are written there. */
const asOption: Readonly<Record<string, [option: string, of: (value: unknown) => string[] | undefined]>> = {
  dns: ['dns', list],
  dns_opt: ['dns-option', list],
  dns_search: ['dns-search', list],
  extra_hosts: ['add-host', (value) => pairs(value, /[:=]/)?.map(([name, address]) => `${name}:${address}`)],
  hostname: ['hostname', one],
  init: ['init', flag],
  mem_reservation: ['memory-reservation', one],
  memswap_limit: ['memory-swap', one],
  pids_limit: ['pids-limit', one],
  read_only: ['read-only', flag],
  security_opt: ['security-opt', list],
  shm_size: ['shm-size', one],
  sysctls: ['sysctl', (value) => pairs(value, /=/)?.map(([name, of]) => `${name}=${of}`)],
  tmpfs: ['tmpfs', list],
  ulimits: ['ulimit', ulimits],
  working_dir: ['workdir', one],
}

/** What launchway.yml says of it; the rest is told of, in one sentence. */
export function settingsOf(
  { name, others }: Pick<FileService, 'name' | 'others'>,
  kind: 'service' | 'accessory',
  says: string[],
): Record<string, unknown> {
  const { shape } = kind === 'service' ? ServiceConfig : AccessoryConfig
  const all = flattened(others)
  const keys: Record<string, unknown> = {}
  const options: string[] = []
  const left: string[] = []
  for (const [path, raw] of all) {
    const value = withDefaults(raw)
    if (ofNoConsequence.test(path) || value === null || (path === 'links' && list(value)?.every((link) => !link.includes(':')) === true))
      continue
    if (path === 'scale') {
      if (value !== 1)
        says.push(
          `${name} runs in ${one(value)?.[0] ?? 'several'} containers (${others.has('scale') ? 'scale' : 'deploy.replicas'}), and once in launchway.yml: write a service for each, or deploy the compose file itself (compose: of the environment)`,
        )
      continue
    }
    const [key, said] = keyed(path, value)
    const words = optioned(path, value)
    if (JSON.stringify(value).includes('$')) left.push(path)
    else if (key !== undefined && isKeyOf(shape, key) && shape[key].safeParse(said).success) keys[key] = said
    else if (words !== undefined && words.every((word) => refusedOptions([word]).length === 0)) options.push(...words)
    else left.push(path)
  }
  if (left.length > 0) says.push(`${name}: launchway.yml has no place for its ${left.join(', ')}: see which of it matters on the host`)
  return { ...keys, ...(options.length === 0 ? {} : { options }) }
}

function isKeyOf<Shape extends object>(shape: Shape, key: string): key is string & keyof Shape {
  return Object.hasOwn(shape, key)
}

/** What stands under deploy as the keys that say the same: where both say it, compose takes that of deploy. */
function flattened(others: ReadonlyMap<string, unknown>): Map<string, unknown> {
  const all = new Map([...others].filter(([key]) => key !== 'deploy'))
  const deploy = record(others.get('deploy')) ?? {}
  for (const [key, value] of Object.entries(deploy)) {
    if (key === 'replicas') all.set('scale', value)
    else if (key !== 'resources') all.set(`deploy.${key}`, value)
  }
  const { limits, reservations } = record(deploy['resources']) ?? {}
  const same: Readonly<Record<string, string>> = { cpus: 'cpus', memory: 'mem_limit', pids: 'pids_limit' }
  for (const [key, value] of Object.entries(record(limits) ?? {})) all.set(same[key] ?? `deploy.resources.limits.${key}`, value)
  for (const [key, value] of Object.entries(record(reservations) ?? {}))
    all.set(key === 'memory' ? 'mem_reservation' : `deploy.resources.reservations.${key}`, value)
  return all
}

/** The key of launchway.yml that says it, and what it says there. */
function keyed(path: string, value: unknown): [key: string | undefined, value: unknown] {
  if (path === 'mem_limit') return ['memory', memoryOf(value)]
  if (path === 'cpus') return ['cpus', Number(value)]
  if (path === 'labels') {
    const own = pairs(value, /=/)
    return own?.some(([name]) => name.startsWith('launchway.')) === false ? ['labels', Object.fromEntries(own)] : [undefined, value]
  }
  return [sameKeys[path], path === 'group_add' ? list(value) : value]
}

function optioned(path: string, value: unknown): string[] | undefined {
  const [option, of] = asOption[path] ?? []
  if (option === undefined || of === undefined) return undefined
  return of(value)?.map((word) => (word === '' ? `--${option}` : `--${option}=${word}`))
}

/** A number alone is one of bytes. */
function memoryOf(value: unknown): unknown {
  const [, bytes] = /^(\d+)b?$/i.exec(String(value)) ?? []
  if (bytes === undefined) return value
  const [mega, kilo] = [Number(bytes) / 2 ** 20, Number(bytes) / 2 ** 10]
  return Number.isInteger(mega) ? `${mega}m` : `${Math.ceil(kilo)}k`
}

function one(value: unknown): string[] | undefined {
  return typeof value === 'string' || typeof value === 'number' ? [String(value)] : undefined
}

function flag(value: unknown): string[] | undefined {
  return value === true ? [''] : value === false ? [] : undefined
}

function list(value: unknown): string[] | undefined {
  const all: unknown[] = [value].flat()
  return all.every((word) => typeof word === 'string' || typeof word === 'number') ? all.map(String) : undefined
}

/** Of a mapping, or of a list with a sign between. */
function pairs(value: unknown, between: RegExp): [string, string][] | undefined {
  if (!Array.isArray(value)) {
    const entries = Object.entries(record(value) ?? {}).map(([name, text]) => ({ name, text: plain(text) }))
    return entries.some(({ text }) => text === undefined) ? undefined : entries.map(({ name, text = '' }) => [name, text])
  }
  return list(value)?.map((text) => {
    const at = text.search(between)
    return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
  })
}

function ulimits(value: unknown): string[] | undefined {
  const all = Object.entries(record(value) ?? {}).map(([name, limit]) => {
    const { soft, hard } = record(limit) ?? {}
    return typeof limit === 'number' ? `${name}=${limit}` : `${name}=${String(soft)}:${String(hard)}`
  })
  return all.some((text) => text.includes('undefined')) ? undefined : all
}

function plain(value: unknown): string | undefined {
  if (value === null) return ''
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined
}

function record(value: unknown): Record<string, unknown> | undefined {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what YAML makes of a mapping
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined
}

/** Variables with their defaults, wherever they stand. */
function withDefaults(value: unknown): unknown {
  if (typeof value === 'string') return filled(value)
  if (Array.isArray(value)) return value.map(withDefaults)
  const own = record(value)
  return own === undefined ? value : Object.fromEntries(Object.entries(own).map(([key, inner]) => [key, withDefaults(inner)]))
}

/** In words, that services which compose keeps apart are on one network here. */
export function networksLost(services: readonly Pick<FileService, 'name' | 'others'>[]): string[] {
  const names = services.map(({ name, others }): [string, string] => [name, networksOf(others).toSorted().join(' ')])
  if (new Set(names.map(([, of]) => of)).size < 2) return []
  const each = names.map(([name, of]) => `${name}: ${of === '' ? 'default' : of}`)
  return [
    `all are on one network in launchway.yml, and apart in the compose file (${each.join('; ')}): networks: under each says otherwise`,
  ]
}

function networksOf(others: ReadonlyMap<string, unknown>): string[] {
  const said = others.get('networks')
  return list(said) ?? Object.keys(record(said) ?? {})
}

/** Whether it is found at its networks under other names, or at an address that is always the same. */
export function isPlaced(others: ReadonlyMap<string, unknown>): boolean {
  return Object.values(record(others.get('networks')) ?? {}).some((one) => Object.keys(record(one) ?? {}).length > 0)
}
