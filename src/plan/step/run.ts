import { resolveApp, resolveEnvironment } from '../../config/resolve.ts'
import { resolveImages } from '../../config/resolve-image.ts'
import { resolveProject } from '../../config/resolve-project.ts'
import type { Config } from '../../config/schema.ts'
import { LaunchwayError } from '../../core/error.ts'
import type { Ports } from '../../core/ports.ts'
import { besideCompose } from './beside.ts'
import type { Finding, Step } from './finding.ts'
import { findingsOf, ofEnvironment, sorted } from './index.ts'

export interface SteppedUp {
  environment: string
  from: 'services' | Step
  to: Step
  findings: Finding[]
}

/**
 * What becomes of an environment one step up. Nothing is changed, and no host and no registry is asked.
 * @param wanted `compose` or `swarm`, as somebody typed it
 * @throws LaunchwayError USAGE for what is no step up from where the environment is
 */
export async function stepUp(config: Config, name: string, wanted: string, ports: Ports): Promise<SteppedUp> {
  const said = config.environments?.[name]
  const environment = resolveEnvironment(config, name, undefined)
  if (said === undefined || environment === undefined) throw new LaunchwayError('USAGE', `there is no environment ${name}`, {})
  const from = said.swarm !== undefined ? 'swarm' : said.compose !== undefined ? 'compose' : 'services'
  const to = wanted === 'compose' || wanted === 'swarm' ? wanted : undefined
  if (to === undefined || from === 'swarm' || from === to) {
    throw new LaunchwayError(
      'USAGE',
      to === undefined ? `launchway plan --as takes compose or swarm, not "${wanted}"` : `${name} is ${from} already`,
      {
        hint: 'From services: to compose: to swarm:, one step or two at once. docs/guide/growing.md says when one is due.',
      },
    )
  }
  const project = resolveProject(said)
  if (project === undefined) return { environment: name, from, to, findings: findingsOf(environment, to) }
  const app = resolveApp(config)
  const { files, profiles, env, envFiles, secrets, name: called = `${app}-${name}` } = project
  const swarm = { name: called, files, profiles, env, secrets, ...(envFiles === undefined ? {} : { envFiles }) }
  const { notes, envFiles: mixed } = await (
    await import('../stack/index.ts')
  ).converted({ app, environment: name, swarm, images: resolveImages(config), dry: true }, ports)
  const read = [...mixed].flatMap(([service, paths]) =>
    paths.map((path): Finding => ({
      level: 'otherwise',
      service,
      what: `env_file ${path}`,
      instead:
        'what it says becomes environment, which docker service inspect shows: only a file of the repository is taken. secrets: of the compose file hands over what is secret',
    })),
  )
  const ofFiles = notes.map(({ level, service, what, instead }): Finding => {
    return { level: level === 'error' ? 'lost' : 'otherwise', ...(service === undefined ? {} : { service }), what, instead }
  })
  return {
    environment: name,
    from,
    to,
    findings: sorted([...ofEnvironment(environment, to), ...ofFiles, ...read, ...besideCompose(project.services)]),
  }
}
