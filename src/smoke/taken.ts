import type { ComposeProject, ComposeService } from '../tools/compose.ts'

/** A secret or a config that is kept in a file of this machine. */
interface Taken {
  kind: 'secret' | 'config'
  name: string
  file: string
}

/** What of its secrets and configs in files the services of a project take. */
export function takenFiles(project: ComposeProject): Taken[] {
  const services = Object.values(project.services)
  return (['secret', 'config'] as const).flatMap((kind) => {
    const names = new Set(services.flatMap((service) => service[`${kind}s`]?.map(({ source }) => source) ?? []))
    const kept = Object.entries(project[`${kind}s`] ?? {})
    return kept.flatMap(([name, one]) => (names.has(name) && one?.file !== undefined ? [{ kind, name, file: one.file }] : []))
  })
}

/** Files and folders of this machine that a service mounts. */
export function mountedPaths({ volumes = [] }: ComposeService): string[] {
  return volumes.flatMap(({ type, source }) => (type === 'bind' && source !== undefined ? [source] : []))
}
