import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { digestOf } from '../core/contents.ts'
import type { Service } from '../core/deployment.ts'
import type { Secret } from '../core/secret.ts'
import { imageOf, joinCalls } from './call.ts'
import { mayStay } from './carry.ts'
import { containerArgs } from './container.ts'
import type { Texts } from './composed.ts'
import type { OwnSecrets } from './env-files.ts'
import type { Wanted } from './wanted.ts'

/** A digest of what a container is made from: HMAC-SHA256 by a key of its own, both in hexadecimal. */
export interface Definition {
  key: string
  digest: string
}

/** What containers are given beside what the record says of them. */
export interface Given {
  /** By name. */
  secrets: ReadonlyMap<string, Secret>
  /** What env files say, and what is composed, for one service each. */
  own?: OwnSecrets
  texts?: Texts
}

/**
 * All that makes the container of a service what it is, apart from the release that it is made for, whose folder it
 * mounts, and the slot's port. It holds the values of secrets.
 */
function whole(service: Service, wanted: Wanted, { secrets, own, texts }: Given): string {
  const { reference } = imageOf(wanted, service)
  // The same manifest under another name is the same image.
  const image = reference.slice(reference.indexOf('@') + 1)
  const owner = { app: wanted.app, environment: wanted.environment.name, release: '', slot: 'a', folder: '' } as const
  const values = service.secrets.map((name) => [name, secrets.get(name)?.reveal()] as const)
  const ofItsOwn = [...(own?.get(service.name) ?? [])].map(([name, value]) => [name, value.reveal()] as const)
  return JSON.stringify([
    containerArgs(service, owner, image, service.nginx === undefined ? undefined : 'slot'),
    joinCalls(service, ''),
    service.restart,
    digestOf(service, wanted.hashes ?? new Map()),
    values.toSorted(byName),
    ofItsOwn.toSorted(byName),
    (texts?.get(service.name) ?? []).map(({ body }) => body.reveal()),
  ])
}

function byName([one]: readonly [string, unknown], [other]: readonly [string, unknown]): number {
  return one < other ? -1 : one > other ? 1 : 0
}

function digestBy(key: string, text: string): string {
  return createHmac('sha256', Buffer.from(key, 'hex')).update(text).digest('hex')
}

/**
 * What the host notes of each container that it makes: `web KEY DIGEST`, a line each. The key is of this attempt alone,
 * so the same secret has another digest each time, and no list of guesses that somebody has made before is of use.
 */
export function definitionsFile(wanted: Wanted, given: Given): string {
  const key = randomBytes(32).toString('hex')
  const lines = comparable(wanted).map((service) => `${service.name} ${key} ${digestBy(key, whole(service, wanted, given))}\n`)
  return lines.join('')
}

/** The containers of a host that are made from what this release would make them from, by name. */
export function unchangedOn(
  wanted: Wanted,
  given: Given,
  containers: readonly { name: string; service: string; definition?: Definition }[],
): ReadonlySet<string> {
  const texts = new Map(comparable(wanted).map((service) => [service.name, whole(service, wanted, given)] as const))
  const same = containers.filter(({ service, definition }) => {
    const text = texts.get(service)
    return text !== undefined && definition !== undefined && isSame(digestBy(definition.key, text), definition.digest)
  })
  return new Set(same.map(({ name }) => name))
}

function isSame(one: string, other: string): boolean {
  return one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other))
}

/** What may be left running: that which is kept running, of a project. */
function comparable({ environment }: Wanted): Service[] {
  return environment.project === undefined ? [] : environment.services.filter(mayStay)
}
