import { quote } from '../core/command.ts'
import type { Observation } from './observation.ts'
import type { Lack, Wanted } from './wanted.ts'

/** What others must have made on a host, and have not. A rollback wants it as well: its containers mount it. */
export function externalLacks({ environment: { project } }: Wanted, { engine, external: seen }: Observation): Lack[] {
  if (project === undefined || seen === undefined) return []
  const { paths, networks, volumes } = project.external
  const own = 'The project takes it as it finds it. On the host, if it is to be empty'
  return [
    ...paths
      .filter((path) => seen.missing.includes(path))
      .map((path) => ({ what: `${path} is not there`, hint: `${own}: mkdir -p ${quote(path)}` })),
    // An engine that does not answer is a lack of its own.
    ...(engine === undefined ? [] : networks.filter((name) => !seen.networks.has(name))).map((name) => ({
      what: `the network ${name} is not there`,
      hint: `The project says that it is external. On the host: docker network create ${quote(name)}`,
    })),
    ...(engine === undefined ? [] : volumes.filter((name) => !seen.volumes.has(name))).map((name) => ({
      what: `the volume ${name} is not there`,
      hint: `The project says that it is external. On the host, if it is to be empty: docker volume create ${quote(name)}`,
    })),
  ]
}

/** The programs that files and texts are unpacked with. */
export function filesLacks({ environment }: Wanted, { tools }: Observation): Lack[] {
  const owners = [...environment.services, ...environment.accessories]
  const needed = [
    ...(owners.some(({ files = [] }) => files.length > 0) ? [{ tool: 'tar', why: 'files of the repository travel as an archive' }] : []),
    ...(owners.some(({ texts = [] }) => texts.length > 0)
      ? [{ tool: 'base64', why: 'configs and secrets are unpacked with it: it is in coreutils, and in busybox' }]
      : []),
  ]
  return needed.flatMap(({ tool, why }) => (tools.has(tool) ? [] : [{ what: `${tool} is not installed`, hint: why }]))
}
