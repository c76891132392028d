import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { anyCode } from '../../core/command.ts'
import { LaunchwayError } from '../../core/error.ts'
import { oneOffLabel } from '../../core/names.ts'
import type { Ports, Remote, Streams } from '../../core/ports.ts'
import { Announced, Collected, type ExecWish } from '../operate/exec.ts'
import { type Answer, ask, connectTo, hostsOf, refused, type Target } from '../operate/hosts.ts'
import { findProgram, inspectProgram, onceProgram, withinProgram } from './program.ts'
import { servicesNamed, stackOf, throughManager } from './stack.ts'

/** Runs a command in a container of a service, on the first of the hosts that has one; or in a service of its own. */
export async function exec(target: Target, wish: ExecWish, streams: Streams, ports: Ports): Promise<Answer> {
  const mark = `launchway-${randomBytes(8).toString('hex')}`
  const kept = wish.json ? { output: new Collected(), errors: new Collected() } : undefined
  const errors = new Announced(mark, kept?.errors ?? streams.errors)
  const to = { input: wish.anew ? undefined : streams.input, output: kept?.output ?? streams.output, errors }
  const ran = wish.anew ? await anew(target, wish, { mark, to }, ports) : await within(target, wish, { mark, to }, ports)
  const [how, text = ''] = errors.said()
  if (how === 'refused') throw refused(ran.host, text)
  if (how !== 'begun')
    throw new LaunchwayError('HOST_UNFIT', `the command could not begin through ${ran.host}`, {
      hint: text === '' ? 'Docker gave no reason.' : text,
    })
  const container = ran.container ?? ''
  const said = { stdout: kept?.output.text() ?? '', stderr: kept?.errors.text() ?? '' }
  return {
    text: '',
    json: {
      host: ran.host,
      node: ran.node ?? text,
      service: wish.service,
      ...(container === '' ? {} : { container }),
      code: ran.code,
      ...said,
    },
    exit: ran.code,
  }
}

interface Ran {
  host: string
  node?: string
  container?: string
  code: number
}

async function within(target: Target, wish: ExecWish, { mark, to }: { mark: string; to: Streams }, ports: Ports): Promise<Ran> {
  const name = `${stackOf(target)}_${wish.service}`
  let last: unknown
  for (const host of hostsOf(target, wish.host)) {
    try {
      await using remote = await connectTo(host, target, ports)
      const facts = await ask(remote, findProgram(name))
      const [id = '', container = ''] = (facts.first('container') ?? '').split(' ')
      if (id === '') continue
      const node = facts.first('node') ?? ''
      ports.log.info(`in ${container} on ${node}`)
      const program = withinProgram(id, wish.command, { mark, input: to.input !== undefined })
      const { code } = await remote.sh(program, { accept: anyCode, streams: to })
      return { host, node, container, code }
    } catch (error) {
      // A node that is gone hides none of the others.
      if (
        !(
          error instanceof LaunchwayError &&
          error.code === 'SSH_UNREACHABLE' &&
          /cannot be reached|refused|timed out/i.test(`${error.message} ${error.hint ?? ''}`)
        )
      )
        throw error
      ports.log.warning(error.message)
      last = error
    }
  }
  return throughManager(target, wish.host, (_, seen) => Promise.reject(elsewhere(target, wish, seen)), ports).catch((error: unknown) => {
    throw last !== undefined && error instanceof LaunchwayError && error.code === 'SSH_UNREACHABLE' ? last : error
  })
}

/** Why none of the hosts has a container of it. */
function elsewhere(target: Target, { service, host, command }: ExecWish, seen: Parameters<typeof servicesNamed>[0]): LaunchwayError {
  const [found] = servicesNamed(seen, service, target)
  const running = found?.tasks.filter(({ state }) => state === 'running') ?? []
  const [task] = running
  if (task === undefined)
    return new LaunchwayError('HOST_UNFIT', `${service} has no container that runs just now`, {
      hint: `It has ${found?.running} of ${found?.wanted}: launchway status says why. In a container of its own: launchway exec --new ${service} -- COMMAND`,
    })
  const nodes = [...new Set(running.map(({ node }) => node))].join(', ')
  const line = command.join(' ')
  return new LaunchwayError(
    'HOST_UNFIT',
    `${service} runs on ${nodes}, which is not ${host ?? `among the hosts of ${target.environment.name} that can be reached`}`,
    {
      hint: `A command runs where the container is. Name that node under hosts in launchway.yml, or on it: docker exec -it $(docker ps -q --filter label=com.docker.swarm.service.name=${found?.name}) ${line}`,
    },
  )
}

const Spec = z.looseObject({
  TaskTemplate: z.looseObject({
    ContainerSpec: z.looseObject({}),
    Networks: z.array(z.looseObject({ Target: z.string() })).optional(),
  }),
})

async function anew(target: Target, wish: ExecWish, { mark, to }: { mark: string; to: Streams }, ports: Ports): Promise<Ran> {
  return throughManager(
    target,
    wish.host,
    async (remote: Remote, seen) => {
      const [found] = servicesNamed(seen, wish.service, target)
      if (found === undefined) throw new TypeError('a service that was found is gone')
      const text = (await ask(remote, inspectProgram(found.name))).first('spec') ?? ''
      const name = `${found.name.slice(0, 48)}-exec-${randomBytes(4).toString('hex')}`
      const spec = onceSpec(text, { name, command: wish.command, label: `${target.app}.${target.environment.name}` })
      const { code } = await remote.sh(onceProgram(spec, mark), { accept: anyCode, streams: to })
      return { host: remote.host, code }
    },
    ports,
  )
}

/**
 * A service that runs once, as another is: its image, variables, networks, mounts, secrets, configs and place; without its
 * ports, and without the names by which others find it.
 */
function onceSpec(text: string, of: { name: string; command: readonly string[]; label: string }): string {
  const { TaskTemplate: task } = Spec.parse(JSON.parse(text))
  return JSON.stringify({
    Name: of.name,
    Labels: { [oneOffLabel]: of.label },
    TaskTemplate: {
      ...task,
      ContainerSpec: { ...task.ContainerSpec, Args: of.command, Labels: { [oneOffLabel]: of.label } },
      Networks: task.Networks?.map(({ Target: network }) => ({ Target: network })),
      RestartPolicy: { Condition: 'none', MaxAttempts: 0 },
      ForceUpdate: 0,
    },
    Mode: { ReplicatedJob: { MaxConcurrent: 1, TotalCompletions: 1 } },
  })
}
