import { readFileSync } from 'node:fs'
import { inject } from 'vitest'
import type { LabHost } from '../../../lab/lab.ts'
import { docker } from '../../../lab/run.ts'
import { fingerprint } from '../../../src/tools/ssh.ts'

/** Runs a program on a lab host, as root and past SSH: for a look that launchway has no part in. */
export async function onHost(host: LabHost, ...args: string[]): Promise<string> {
  return docker('exec', host.container, ...args)
}

/** Of a host's keys the fingerprints, as somebody reads them on its console, and not from the network. */
export function fingerprintsOf(host: LabHost): string[] {
  return readFileSync(inject('lab').knownHosts, 'utf8')
    .split('\n')
    .filter((line) => line.split(' ')[0]?.split(',').includes(`[127.0.0.1]:${host.ports['22']}`))
    .flatMap((line) => fingerprint(line)?.split(' ')[0] ?? [])
}

/** The containers of an application on a host: name and state. */
export async function containersOf(host: LabHost, app: string): Promise<Record<string, string>> {
  const listed = await onHost(host, 'docker', 'ps', '--all', '--filter', `label=launchway.app=${app}`, '--format', '{{.Names}} {{.State}}')
  return Object.fromEntries(
    listed.split('\n').flatMap((line): [string, string][] => (line === '' ? [] : [[line.split(' ')[0] ?? '', line.split(' ')[1] ?? '']])),
  )
}

/** Removes all that an application has left on a host. */
export async function clearHost(host: LabHost, app: string): Promise<void> {
  const names = Object.keys(await containersOf(host, app))
  if (names.length > 0) await onHost(host, 'docker', 'rm', '--force', '--volumes', ...names)
  await onHost(host, 'rm', '-rf', `/var/lib/launchway/${app}`)
}

/** What answers at a published port of the host, from outside. */
export async function answer(host: LabHost, port: '80' | '443' | '5000' | '6000', path = '/'): Promise<{ status: number; body: string }> {
  const response = await fetch(`http://127.0.0.1:${host.ports[port]}${path}`)
  return { status: response.status, body: await response.text() }
}

/** The tags of a repository in a registry that asks for no login. */
export async function tagsOf(registry: string, name: string): Promise<string[]> {
  const response = await fetch(`http://${registry}/v2/${name}/tags/list`)
  if (!response.ok) return []
  const { tags } = (await response.json()) as { tags: string[] | null }
  return (tags ?? []).toSorted()
}

/**
 * Of a repository's tags the ones that people name, and that only the gate lets move: not launchway's own, and not the
 * list of what belongs to an image, which a registry without referrers has as a tag and which may come before the gate.
 */
export function named(tags: readonly string[]): string[] {
  return tags.filter((tag) => !/^(?:launchway-.*|sha256-[0-9a-f]{64})$/.test(tag))
}
