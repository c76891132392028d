import { LaunchwayError } from './core/error.ts'
import { asError, type Failure, outcomeOfFailure, withoutSecrets } from './core/outcome.ts'
import type { Ports } from './core/ports.ts'
import type { PlanSection, Release } from './core/release.ts'
import { type StageName, section } from './core/stages.ts'
import { showMs } from './core/units.ts'
import { unready } from './ready.ts'

/**
 * One box of the graph: what it waits for, and the one section of the record that it returns. Rooms are imported
 * when they are entered, so that an action starts no more than it does.
 */
export interface Step {
  name: string
  /** The stage of the plan that decides whether it runs. */
  stage: StageName
  /** It belongs to these stages when a stage runs alone. Default: its own. */
  partOf?: readonly StageName[]
  needs: readonly string[]
  /** It waits for the gates: what smoke and scan have to pass. */
  gated?: true
  /**
   * It writes down what this section says has happened: it does so too where the run has failed since, or was cancelled, once
   * the section is there.
   */
  notes?: keyof Release
  run(release: Release, ports: Ports): Promise<Partial<Release>>
}

/** The whole release. Upload goes on beside smoke and scan; only after all three do tags move. */
export const steps: readonly Step[] = [
  {
    name: 'build',
    stage: 'build',
    needs: [],
    run: async (release, ports) => ({ build: await (await import('./build/index.ts')).build(release, ports) }),
  },
  {
    name: 'upload',
    stage: 'push',
    partOf: ['build'],
    needs: ['build'],
    run: async (release, ports) => ({
      build: { ...section(release, 'build'), images: await (await import('./push/index.ts')).upload(release, ports) },
    }),
  },
  {
    name: 'size',
    stage: 'build',
    needs: ['build'],
    run: async (release, ports) => ({ size: await (await import('./size/index.ts')).watchSize(release, ports) }),
  },
  {
    name: 'inputs',
    stage: 'push',
    partOf: ['build'],
    needs: ['upload'],
    run: async (release, ports) => {
      const built = section(release, 'build')
      return { build: { ...built, images: await (await import('./build/index.ts')).keepInputs(built.images, release, ports) } }
    },
  },
  {
    name: 'smoke',
    stage: 'smoke',
    needs: ['build'],
    run: async (release, ports) => ({ smoke: await (await import('./smoke/index.ts')).smoke(release, ports) }),
  },
  {
    name: 'scan',
    stage: 'scan',
    needs: ['build'],
    run: async (release, ports) => ({ scan: await (await import('./scan/index.ts')).scan(release, ports) }),
  },
  {
    name: 'reach',
    stage: 'deploy',
    // A deploy that runs alone finds out as soon by itself.
    partOf: [],
    needs: [],
    run: async (release, ports) => {
      await (await import('./deploy/index.ts')).reach(release, ports)
      return {}
    },
  },
  {
    name: 'evidence',
    stage: 'push',
    gated: true,
    needs: ['build', 'upload', 'inputs', 'size', 'smoke', 'scan', 'reach'],
    run: async (release, ports) => {
      const evidence = await (await import('./push/index.ts')).attachEvidence(release, ports)
      return evidence === undefined ? {} : { evidence }
    },
  },
  {
    name: 'push',
    stage: 'push',
    gated: true,
    needs: ['build', 'upload', 'inputs', 'size', 'smoke', 'scan', 'reach', 'evidence'],
    run: async (release, ports) => ({ push: await (await import('./push/index.ts')).push(release, ports) }),
  },
  {
    name: 'record',
    stage: 'push',
    gated: true,
    needs: ['push', 'inputs'],
    run: async (release, ports) => {
      await (await import('./push/index.ts')).keepRecord(release, ports)
      return {}
    },
  },
  {
    name: 'assets',
    stage: 'push',
    gated: true,
    needs: ['push', 'record'],
    run: async (release, ports) => {
      await (await import('./push/index.ts')).attachAssets(release, ports)
      return {}
    },
  },
  {
    name: 'tidy',
    stage: 'push',
    needs: ['push'],
    run: async (release, ports) => {
      await (await import('./push/index.ts')).tidy(release, ports)
      return {}
    },
  },
  {
    name: 'turn',
    stage: 'deploy',
    needs: ['push', 'record'],
    run: async (release, ports) => {
      const reason = await (await import('./deploy/index.ts')).superseded(release, ports)
      if (reason === undefined) return {}
      ports.log.notice(reason)
      const { plan } = release
      return { plan: { ...plan, stages: { ...plan.stages, deploy: { run: false, reason } } } }
    },
  },
  {
    name: 'deploy',
    stage: 'deploy',
    gated: true,
    needs: ['push', 'record', 'turn'],
    run: async (release, ports) => {
      const { announced, deploy } = await import('./deploy/index.ts')
      return { deploy: await announced(release, ports, () => deploy(release, ports)) }
    },
  },
  {
    name: 'current',
    stage: 'deploy',
    gated: true,
    notes: 'deploy',
    needs: ['deploy'],
    run: async (release, ports) => {
      const { isEverywhere, markCurrent } = await import('./push/index.ts')
      if (isEverywhere(release)) await markCurrent(release, ports)
      else ports.log.info('the hosts do not all run this version: the registry goes on naming the one before')
      return {}
    },
  },
]

export interface Ran {
  release: Release
  /** The first failure; what it aborted is not a failure of its own. */
  error: Error | undefined
}

/** The steps before the deploy, which another job does. */
export const stepsUntilPush = (): readonly Step[] => steps.filter(({ stage }) => stage !== 'deploy')

/** The steps of a stage that runs alone; all of them without one. */
export function stepsOf(stage: StageName | undefined): readonly Step[] {
  return stage === undefined ? steps : steps.filter((step) => (step.partOf ?? [step.stage]).includes(stage))
}

/**
 * Runs the steps, each as soon as what it needs is done, and merges what they return. The first failure aborts the
 * others; the record then holds what was done until then.
 */
export async function runSteps(chosen: readonly Step[], start: Release, ports: Ports): Promise<Ran> {
  const abort = new AbortController()
  const signal = AbortSignal.any([ports.signal, abort.signal])
  let release: Release = start
  let failure: Failure | undefined = await unready(
    (name) => chosen.some((step) => step.name === name && decision(start.plan, step).run),
    start,
    ports,
  )
  if (failure !== undefined) abort.abort(failure.error)
  const notStarted: Step[] = []
  const written = new Set<string>()
  const promises = new Map<string, Promise<void>>()

  const perform = async (step: Step): Promise<void> => {
    await Promise.all(step.needs.map(async (name) => promises.get(name)))
    const { run, reason } = decision(release.plan, step)
    if (!run) return ports.log.info(`${step.name}: skipped, ${reason}`)
    const notes = step.notes !== undefined && written.has(step.notes)
    if (signal.aborted && !notes) {
      notStarted.push(step)
      return
    }
    const merge = (section: Partial<Release>): void => {
      release = { ...release, ...withoutSecrets(section, ports) }
      for (const key of Object.keys(section)) written.add(key)
    }
    const log = ports.log.stage(step.name)
    const started = ports.clock.elapsed()
    try {
      if (step.gated === true) requirePassed(step, release)
      // What is only written down ends by itself, and soon.
      merge(await step.run(release, { ...ports, log, signal: notes ? new AbortController().signal : signal }))
      log.end(`done in ${showMs(ports.clock.elapsed() - started)}`)
    } catch (error) {
      // What a stage had done when it failed stays done.
      if (error instanceof LaunchwayError && error.part !== undefined) merge(error.part)
      const first = failure === undefined
      failure ??= { error: asError(error), stage: step.name }
      log.end(first ? `failed after ${showMs(ports.clock.elapsed() - started)}` : 'stopped')
      abort.abort(error)
    }
  }
  // In the order of the list, where each stands after what it needs.
  for (const step of chosen) promises.set(step.name, perform(step))
  await Promise.all(promises.values())
  // Stages are what people know, not the steps around them.
  const missing = notStarted.filter(({ name, stage }) => name === stage).map(({ name }) => name)
  if (missing.length > 0) ports.log.info(`not started: ${missing.join(', ')}`)
  // A run that was cancelled when all was done is done.
  if (failure === undefined && notStarted.length > 0) failure = { error: asError(signal.reason) }
  const outcome = failure === undefined ? outcomeOf(release, chosen) : outcomeOfFailure(failure, ports)
  return { release: { ...release, outcome }, error: failure?.error }
}

/**
 * In a whole run a gate that fails aborts what waits for it. Where a stage runs alone, only the record tells.
 * @throws LaunchwayError RECORD_INVALID
 */
function requirePassed({ name, stage }: Step, release: Release): void {
  const { plan } = release
  const missing = (['smoke', 'scan'] as const).filter((gate) => plan.stages[gate].run && release[gate]?.verdict !== 'passed')
  const failed = missing.filter((gate) => release[gate]?.verdict === 'failed')
  if (missing.length > 0) {
    throw new LaunchwayError(
      'RECORD_INVALID',
      `${missing.join(' and ')} ${failed.length > 0 ? 'did not pass' : 'did not run'}: no ${name}`,
      {
        hint: `What the plan has to pass comes before ${name}: run ${missing.map((gate) => `the ${gate} stage`).join(' and ')} with the same record, in the job that built the images, and go on with the record that comes out of it.`,
      },
    )
  }
  if (release.size?.verdict === 'failed') {
    throw new LaunchwayError('RECORD_INVALID', `an image is larger than it may be: no ${name}`, {
      hint: 'Make it smaller, or raise images.<name>.size.fail, and run the build stage again.',
    })
  }
  if (stage === 'deploy' && plan.stages['push'].run && release.push === undefined) {
    throw new LaunchwayError('RECORD_INVALID', 'the tags have not moved: no deploy', {
      hint: 'Run the push stage first, with the same record.',
    })
  }
}

function decision(plan: PlanSection, step: Step): { run: boolean; reason: string } {
  return plan.stages[step.stage] ?? { run: false, reason: 'the plan does not know it' }
}

function outcomeOf(release: Release, chosen: readonly Step[]): Release['outcome'] {
  if (release.outcome.state === 'nothing-to-do') return release.outcome
  const last = steps.findLast((step) => decision(release.plan, step).run)
  if (last === undefined || chosen.some(({ stage }) => stage === last.stage)) return { state: 'done' }
  // A stage that ran alone and found that it shall not: what was to be done before it may be done already.
  const comesLater = chosen.some((step) => steps.indexOf(step) > steps.indexOf(last))
  return { state: comesLater && last.stage === 'push' && release.push !== undefined ? 'done' : 'running' }
}
