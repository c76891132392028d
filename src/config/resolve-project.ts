import type { EnvironmentConfig } from './schema.ts'
import type { ServicesConfig } from './schema-project.ts'
import { texts } from './texts.ts'

/** The compose project of an environment, as the user wrote it: the plan renders and translates it. */
export interface AskedProject {
  /** From the root of the repository. */
  files: string[]
  /** Absent: `.env` beside the first of the files, if there is one. */
  envFiles?: string[]
  profiles: string[]
  /** Absent: the compose files may say it. */
  name?: string
  env: Record<string, string>
  /** Variables whose values nobody but the deploy sees. */
  secrets: string[]
  /** By service of the project. */
  services: Record<string, ServicesConfig>
}

export function resolveProject({ compose, secrets = [], services = {} }: EnvironmentConfig): AskedProject | undefined {
  if (compose === undefined) return undefined
  const said = typeof compose === 'string' || Array.isArray(compose) ? { files: compose } : compose
  return {
    files: [said.files].flat(),
    ...(said['env-files'] === undefined ? {} : { envFiles: [said['env-files']].flat() }),
    profiles: said.profiles ?? [],
    ...(said.project === undefined ? {} : { name: said.project }),
    env: texts(said.env ?? {}),
    secrets,
    services,
  }
}
