import { LaunchwayError } from '../core/error.ts'
import type { BeforeSwitch } from '../core/lifecycle.ts'
import { taskLabel } from '../core/names.ts'
import type { Owner } from './container.ts'
import { oneOffArgs, ownLabels } from './container.ts'
import { type HostCall, imageOf, newNameOf } from './call.ts'
import type { Wanted } from './wanted.ts'

/** The commands before the switch: none for a release that has been live here, since they were for what it is now. */
export function beforeSwitchCalls(wanted: Wanted, current: string | undefined, owner: Owner): HostCall[] {
  if (wanted.isReturn || current === wanted.release) return []
  return (wanted.beforeSwitch ?? []).map((step, index) => callFor(step, index, wanted, owner))
}

function callFor({ service: name, command, timeoutMs }: BeforeSwitch, index: number, wanted: Wanted, owner: Owner): HostCall {
  const service = wanted.environment.services.find((one) => one.name === name)
  if (service === undefined)
    throw new LaunchwayError('RECORD_INVALID', `before-switch runs in the service ${name}, which the record does not have`)
  const own = [...ownLabels('', owner), `${taskLabel}=before-switch`]
  const options = [...service.options, '--restart', 'no']
  const args = oneOffArgs({ ...service, command, options }, imageOf(wanted, service).reference, own, owner.folder)
  const container = `${newNameOf(wanted, service)}.before-switch-${index + 1}`
  return ['before_switch', name, container, String(Math.ceil(timeoutMs / 1000)), service.networks.slice(1).join(' '), ...args]
}
