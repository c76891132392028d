import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { LaunchwayError } from '../core/error.ts'
import { parseJson } from '../core/json.ts'

const Config = z.object({ currentContext: z.string().optional() })
const Meta = z.object({ Endpoints: z.object({ docker: z.object({ Host: z.string() }) }) })

/** Where an engine listens, in the words of dockerode. */
export type EngineAddress = { socketPath: string } | { protocol: 'http'; host: string; port: number }

/**
 * The engine that `docker context use` has chosen, which dockerode knows nothing of; undefined where DOCKER_HOST
 * decides, or nobody has chosen. Rootless engines and desktop ones are often found in no other way.
 */
export async function contextEngine(env: NodeJS.ProcessEnv): Promise<EngineAddress | undefined> {
  const context = await chosenContext(env)
  return context === undefined ? undefined : parseHost(context.name, context.host)
}

/** The same as DOCKER_HOST takes it: docker itself forgets the context when it is given another configuration. */
export async function contextHost(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  return (await chosenContext(env))?.host
}

/** @see https://docs.docker.com/engine/manage-resources/contexts/ */
async function chosenContext(env: NodeJS.ProcessEnv): Promise<{ name: string; host: string } | undefined> {
  if ((env['DOCKER_HOST'] ?? '') !== '') return undefined
  const folder = env['DOCKER_CONFIG'] ?? join(homedir(), '.docker')
  const name = env['DOCKER_CONTEXT'] ?? (await readJson(join(folder, 'config.json'), Config))?.currentContext ?? 'default'
  if (name === 'default' || name === '') return undefined
  const meta = await readJson(join(folder, 'contexts/meta', createHash('sha256').update(name).digest('hex'), 'meta.json'), Meta)
  if (meta === undefined) {
    throw new LaunchwayError('TOOL_MISSING', `there is no docker context ${name}`, {
      hint: 'docker context ls shows which there are; docker context use chooses one.',
    })
  }
  return { name, host: meta.Endpoints.docker.Host }
}

function parseHost(context: string, host: string): EngineAddress {
  if (host.startsWith('unix://')) return { socketPath: host.slice('unix://'.length) }
  const url = URL.canParse(host) ? new URL(host) : undefined
  if (url?.protocol === 'tcp:') return { protocol: 'http', host: url.hostname, port: Number(url.port || 2375) }
  throw new LaunchwayError('TOOL_MISSING', `the docker context ${context} is at ${host}, where launchway cannot reach it`, {
    hint: 'Contexts at unix:// and tcp:// are understood. For others set DOCKER_HOST (and DOCKER_TLS_VERIFY, DOCKER_CERT_PATH).',
  })
}

async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined)
  return text === undefined ? undefined : parseJson(text, schema)
}
