import { ServiceConfig } from './schema-service.ts'

/**
 * What a file says with its `defaults` written into every environment that says nothing of them itself. A mapping takes
 * in a mapping, key by key; anything else that an environment says stands in the place of the default, and null in the
 * place of nothing. What has no place beside the environment's own words stays out. So an environment is checked as if
 * its author had written all of it out.
 * @param value the file's content, of the form that the schema asks for
 */
export function withDefaults(value: unknown): unknown {
  return inEnvironments(value, (own, defaults) => {
    const all = Object.entries(merged(defaults, own))
    return Object.fromEntries(
      all.filter(([key, said]) => (Object.hasOwn(own, key) ? !isUnset(key, said, defaults) : fits(key, own, defaults))),
    )
  })
}

/** What a file says without the keys by which an environment takes away what the defaults say: `url: null`. */
export function withoutUnset(value: unknown): unknown {
  return inEnvironments(value, (own, defaults) =>
    Object.fromEntries(Object.entries(own).filter(([key, said]) => !isUnset(key, said, defaults))),
  )
}

function inEnvironments(value: unknown, change: (own: Mapping, defaults: Mapping) => Mapping): unknown {
  if (!isMapping(value) || !isMapping(value['defaults']) || !isMapping(value['environments'])) return value
  const { defaults, environments } = value
  const changed = Object.entries(environments).map(([name, own]): [string, unknown] => [name, isMapping(own) ? change(own, defaults) : own])
  return { ...value, environments: Object.fromEntries<unknown>(changed) }
}

type Mapping = Record<string, unknown>

function isUnset(key: string, said: unknown, defaults: Mapping): boolean {
  return said === null && Object.hasOwn(defaults, key) && defaults[key] !== null
}

/** Two ways to say the same: an environment's own word leaves no room for the other one in the defaults. */
const eitherOr = ['host', 'hosts']

const ofService = Object.keys(ServiceConfig.shape)
const ofOneService = ofService.filter((key) => key !== 'secrets')

/** What has no place beside the way in which an environment runs what it runs. */
const unfit: Readonly<Record<string, readonly string[]>> = {
  swarm: [...ofOneService, 'services', 'accessories', 'compose', 'confirm', 'before-switch', 'shared-volumes', 'leave-behind'],
  compose: [...ofOneService, 'accessories', 'swarm'],
  services: [...ofService, 'swarm'],
}

/** Whether a default has a place in an environment that does not say it itself. */
function fits(key: string, own: Mapping, defaults: Mapping): boolean {
  if (eitherOr.includes(key) && eitherOr.some((one) => Object.hasOwn(own, one))) return false
  const way = Object.keys(unfit).find((one) => Object.hasOwn(own, one) && own[one] !== null)
  // Beside a project that stands in the defaults, services say what compose cannot say.
  if (way === 'services' && Object.hasOwn(defaults, 'compose')) return true
  return way === undefined || !(unfit[way] ?? []).includes(key)
}

function over(below: unknown, above: unknown): unknown {
  return isMapping(below) && isMapping(above) ? merged(below, above) : above
}

function merged(below: Mapping, above: Mapping): Mapping {
  const added = Object.entries(above).map(([key, own]): [string, unknown] => [key, Object.hasOwn(below, key) ? over(below[key], own) : own])
  return { ...below, ...Object.fromEntries<unknown>(added) }
}

function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Where what is wrong was written: in the environment, or else in the defaults that it comes from. */
export function writtenAt(path: readonly PropertyKey[], value: unknown): readonly PropertyKey[] {
  const [first, , ...rest] = path
  const common = ['defaults', ...rest]
  return first === 'environments' && rest.length > 0 && !isThere(path, value) && isThere(common, value) ? common : path
}

function isThere(path: readonly PropertyKey[], value: unknown): boolean {
  let at = value
  for (const part of path) {
    if (Array.isArray(at)) at = at[Number(part)]
    else if (isMapping(at) && Object.hasOwn(at, part)) at = at[String(part)]
    else return false
  }
  return at !== undefined
}
