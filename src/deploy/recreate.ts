import type { Accessory, Environment } from '../core/deployment.ts'
import { configFile } from '../core/docker-config.ts'
import { LaunchwayError } from '../core/error.ts'
import { accessoryName, releaseId } from '../core/names.ts'
import { nearest } from '../core/nearest.ts'
import type { Ports } from '../core/ports.ts'
import type { Registry } from '../core/release.ts'
import { fullName, parseRepository } from '../core/reference.ts'
import { differences, makeCalls, seenAccessory, watchAccessory } from './accessory.ts'
import { type HostCall, pullCall } from './call.ts'
import type { SeenHost } from './look.ts'
import { heldError, heldWords } from './held.ts'
import { lookToChangeAll } from './recovered.ts'
import type { Observation } from './observation.ts'
import { perform } from './perform.ts'
import { lockedError, refuseUnfit } from './plan.ts'
import { type Parcel, secretsFile } from './program.ts'
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
  // Of its secrets alone: those of the services are none of its business.
  const named = required(of.environment, name)
  const secrets = await requiredSecrets({ ...of.environment, services: [], accessories: [named] }, ports)
  const accessory = required(secrets.environment, name)
  const [first, ...others] = of.repositories
  const wanted: Wanted = {
    app: of.app,
    release: releaseId(ports.clock.now(), '0000000'),
    isReturn: false,
    environment: secrets.environment,
    images: new Map(),
    repositories: [fullName(first), ...others.map(fullName)],
    logins: await loginsTo(new Set([parseRepository(accessory.image).host]), of.registries, ports),
  }
  await using stack = new AsyncDisposableStack()
  const seen = await lookToChangeAll(wanted, stack, ports)
  // All of them are asked before the first is touched.
  const plans = seen.map((one) => ({ one, plan: planRecreate(wanted, accessory, one.seen, one.host) }))
  const hosts: Recreated['hosts'] = []
  for (const { one, plan } of plans) hosts.push(await replace(wanted, one, plan, secrets, ports))
  return { accessory: name, image: accessory.image, hosts }
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
export function planRecreate(wanted: Wanted, accessory: Accessory, seen: Observation, host: string): RecreatePlan {
  if (seen.lockedBy !== undefined) throw lockedError(host, seen.lockedBy)
  if (seen.held !== undefined) throw heldError(host, heldWords(seen.held))
  refuseUnfit(wanted, seen, host)
  const { name, networks, restart } = accessory
  const there = seenAccessory(wanted.app, wanted.environment, name, seen)
  refuseLoss(accessory, there?.volumes ?? [], host)
  const container = accessoryName({ app: wanted.app, environment: wanted.environment.name, accessory: name })
  const fresh = there === undefined ? container : `${container}.new`
  const { configuration } = there ?? {}
  const seconds = String(Math.ceil((configuration?.stopTimeoutMs ?? 10_000) / 1000))
  const [, reference, ...logins] = pullCall(wanted, accessory.image)
  const calls: HostCall[] = [
    ['begin'],
    ['expect', seen.current ?? ''],
    ['recover'],
    // A tag may have moved since.
    ['pull', reference ?? '', logins[0] ?? '', 'anew'],
    ['forget_logins'],
    ...networks.map((network): HostCall => ['network', network]),
    ...(there === undefined ? [['absent', name, container] as const] : []),
    ...makeCalls(wanted, accessory, fresh),
    ...(there === undefined ? [] : [['halt', name, container, seconds, configuration?.restart ?? 'unless-stopped'] as const]),
    ['start', name, fresh],
    watchAccessory(accessory, fresh),
    ...(there === undefined
      ? ([['keep', container, restart], ['settled']] as const)
      : ([
          ['served', name, 'an accessory has one holder of its data'],
          ['replace', name, container, restart],
        ] as const)),
    ['close'],
  ]
  return { container, calls, changed: configuration === undefined ? [] : differences(configuration, accessory) }
}

/** What a container has written lives in its volumes: each that is mounted now must be mounted again. */
function refuseLoss({ name, volumes, options }: Accessory, mounted: readonly { name: string; path: string }[], host: string): void {
  const sources = [
    ...volumes.map((volume) => volume.split(':', 1)[0]),
    ...options.flatMap((word) => word.replace(/^--mount=/, '').split(',')).flatMap((part) => /^(?:source|src)=(.*)$/.exec(part)?.[1] ?? []),
  ]
  const lost = mounted.filter((volume) => !sources.includes(volume.name))
  if (lost.length === 0) return
  const called = lost.map((volume) => `the volume ${volume.name} at ${volume.path}`)
  throw new LaunchwayError('HOST_UNFIT', `${name} on ${host} would lose what is in ${called.join(' and ')}`, {
    hint: [
      `The new configuration does not mount ${lost.length === 1 ? 'it' : 'them'}. Nothing was changed. To keep the data, in launchway.yml:`,
      `  volumes: [${lost.map((volume) => `"${volume.name}:${volume.path}"`).join(', ')}]`,
      'To leave the data behind, remove the container on the host yourself; the next deploy starts a new one.',
    ].join('\n'),
  })
}

async function replace(
  { app, release, environment, logins }: Wanted,
  of: SeenHost,
  { container, calls, changed }: RecreatePlan,
  { secrets, own }: RequiredSecrets,
  ports: Ports,
): Promise<Recreated['hosts'][number]> {
  const parcels: Parcel[] = [
    { name: 'images', mode: '0644', body: '' },
    ...(secrets.size + own.size === 0 ? [] : [{ name: 'secrets', mode: '0600', body: secretsFile(secrets, own) } as const]),
    ...(logins.size === 0 ? [] : [{ name: 'config.json', mode: '0600', body: configFile(logins) } as const]),
  ]
  const lines = await perform(
    { app, environment, release, slot: 'a', calls, parcels, sudo: of.seen.as === 'sudo', did: 'recreate' },
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
