import type { Accessory, Environment } from '../core/deployment.ts'
import { configFile } from '../core/docker-config.ts'
import { LaunchwayError } from '../core/error.ts'
import { refuseOnSwarm } from './swarm/index.ts'
import { accessoryName, releaseId } from '../core/names.ts'
import { nearest } from '../core/nearest.ts'
import type { Ports } from '../core/ports.ts'
import type { Registry } from '../core/release.ts'
import { fullName, parseRepository } from '../core/reference.ts'
import { differences, seenAccessory } from './accessory.ts'
import { firstCalls } from './accessory-calls.ts'
import { missingOn, type Mounted, mountedBy } from './bring.ts'
import { type HostCall, networkCalls, pullCall, volumeCalls } from './call.ts'
import { textParcels } from './composed.ts'
import type { SeenHost } from './look.ts'
import { heldError, heldWords } from './held.ts'
import { lookToChangeAll } from './recovered.ts'
import type { Observation } from './observation.ts'
import { perform } from './perform.ts'
import { lockedError, refuseUnfit } from './plan.ts'
import { type Parcel, secretsFile } from './program.ts'
import { replaceCalls } from './replace.ts'
import { loginsTo, type RequiredSecrets, requiredSecrets } from './secrets.ts'
import type { Wanted } from './wanted.ts'

/** What `launchway recreate` has come to, on each host. */
export interface Recreated {
  accessory: string
  image: string
  hosts: { host: string; container: string; changed: string[]; downtimeMs: number }[]
}

/** Whose accessory it is. */
export interface Owned {
  app: string
  environment: Environment
  repositories: readonly [string, ...string[]]
  registries: readonly Registry[]
}

/**
 * Replaces an accessory by one as it is configured now, on every host of an environment, one after the other. The old
 * one comes back where the new one is not well; volumes stay.
 * @throws LaunchwayError USAGE for a name that the configuration does not have, HOST_UNFIT where data would be left behind
 */
export async function recreate(of: Owned, name: string, ports: Ports): Promise<Recreated> {
  refuseOnSwarm(
    'recreate',
    of.environment,
    'Each service of a stack is replaced when it changes: put it into the compose file, and deploy.',
  )
  // Of its secrets alone: those of the services are none of its business.
  const named = required(of.environment, name)
  const secrets = await requiredSecrets({ ...of.environment, services: [], accessories: [named] }, ports)
  const accessory = required(secrets.environment, name)
  const mounted = await mountedBy(secrets.environment, ports)
  const [first, ...others] = of.repositories
  const wanted: Wanted = {
    app: of.app,
    release: releaseId(ports.clock.now(), '0000000'),
    isReturn: false,
    environment: secrets.environment,
    images: new Map(),
    repositories: [fullName(first), ...others.map(fullName)],
    hashes: mounted.hashes,
    logins: await loginsTo(new Set([parseRepository(accessory.image).host]), of.registries, ports),
  }
  await using stack = new AsyncDisposableStack()
  const seen = await lookToChangeAll(wanted, stack, ports)
  // All of them are asked before the first is touched.
  const plans = seen.map((one) => ({ one, plan: planRecreate(wanted, accessory, withoutOthers(one.seen, of, name), one.host) }))
  const hosts: Recreated['hosts'] = []
  for (const { one, plan } of plans) hosts.push(await replace(wanted, one, plan, { ...secrets, mounted }, ports))
  return { accessory: name, image: accessory.image, hosts }
}

/** What is wanted has this accessory alone: the others that the configuration has must not look as if it had them no longer. */
function withoutOthers(seen: Observation, { environment }: Owned, name: string): Observation {
  const others = new Set(environment.accessories.map((one) => one.name).filter((one) => one !== name))
  return { ...seen, accessories: seen.accessories.filter((one) => !others.has(one.name)) }
}

function required({ accessories, name: environment }: Environment, name: string): Accessory {
  const found = accessories.find((one) => one.name === name)
  if (found !== undefined) return found
  const known = accessories.map((one) => one.name)
  const meant = nearest(name, known)
  throw new LaunchwayError('USAGE', `${environment} has no accessory "${name}"`, {
    hint: meant === undefined ? `It has: ${known.join(', ') || 'none'}` : `Did you mean "${meant}"?`,
  })
}

interface RecreatePlan {
  container: string
  calls: HostCall[]
  changed: string[]
}

/**
 * Decides what the host program does to replace an accessory.
 * @throws LaunchwayError HOST_UNFIT, also for volumes that nothing would mount any more; DEPLOY_LOCKED
 */
export function planRecreate(asked: Wanted, accessory: Accessory, seen: Observation, host: string): RecreatePlan {
  if (seen.lockedBy !== undefined) throw lockedError(host, seen.lockedBy)
  if (seen.held !== undefined) throw heldError(host, heldWords(seen.held))
  refuseUnfit(asked, seen, host)
  const wanted = { ...asked, boundsLogs: seen.data?.keepsAllLogs === true }
  const { name, networks, restart } = accessory
  const there = seenAccessory(wanted.app, wanted.environment, name, seen)
  const container = accessoryName({ app: wanted.app, environment: wanted.environment.name, accessory: name })
  const { configuration } = there ?? {}
  const [, reference, ...logins] = pullCall(wanted, accessory.image)
  const calls: HostCall[] = [
    ['begin'],
    ['expect', seen.current ?? ''],
    ['recover'],
    // A tag may have moved since.
    ['pull', reference ?? '', logins[0] ?? '', 'anew'],
    ['forget_logins'],
    ...networkCalls(wanted.environment, networks),
    ...volumeCalls(wanted.environment),
    ...(there === undefined
      ? [...firstCalls(wanted, accessory, container), ['settled'] as const]
      : [...replaceCalls(wanted, accessory, there, host), ['replace', name, container, restart] as const]),
    ['close'],
  ]
  return { container, calls, changed: configuration === undefined ? [] : differences(configuration, accessory) }
}

async function replace(
  { app, release, environment, logins }: Wanted,
  of: SeenHost,
  { container, calls, changed }: RecreatePlan,
  { secrets, own, texts, mounted }: RequiredSecrets & { mounted: Mounted },
  ports: Ports,
): Promise<Recreated['hosts'][number]> {
  const parcels: Parcel[] = [
    { name: 'images', mode: '0644', body: '' },
    ...(secrets.size + own.size === 0 ? [] : [{ name: 'secrets', mode: '0600', body: secretsFile(secrets, own) } as const]),
    ...textParcels(environment, texts),
    ...(logins.size === 0 ? [] : [{ name: 'config.json', mode: '0600', body: configFile(logins) } as const]),
  ]
  const lines = await perform(
    {
      app,
      environment,
      release,
      slot: 'a',
      calls,
      parcels,
      contents: missingOn(of.seen, calls, mounted),
      sudo: of.seen.as === 'sudo',
      did: 'recreate',
    },
    of,
    ports,
  )
  const downtimeMs = Math.max(0, ...lines.filter(({ step }) => step === 'downtime').map(({ ms = 0 }) => ms))
  return { host: of.host, container, changed, downtimeMs }
}

export function showRecreated({ accessory, image, hosts }: Recreated): string {
  return hosts
    .map(({ host, changed, downtimeMs }) => {
      const what = changed.length === 0 ? '' : `, ${changed.join('; ')}`
      return `${host}: ${accessory} runs ${image}${what}; nobody served for ${downtimeMs} ms`
    })
    .join('\n')
}
