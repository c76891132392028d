import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach } from 'vitest'
import { lookToChange } from '../../../src/deploy/recovered.ts'
import { returnTo } from '../../../src/deploy/returning.ts'
import type { HostUnderTest } from './host.ts'
import { portsFor, type PushedImage, releaseFor, type Wish } from './release.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

/** A repository with what a project mounts. */
export function repository(): string {
  const root = mkdtempSync(join(tmpdir(), 'launchway-repository-'))
  folders.push(root)
  mkdirSync(join(root, 'conf/deep'), { recursive: true })
  write(root, 'conf/site.conf', 'colour = green\n')
  write(root, 'conf/deep/run.sh', '#!/bin/sh\necho ran\n')
  chmodSync(join(root, 'conf/deep/run.sh'), 0o700)
  symlinkSync('../site.conf', join(root, 'conf/deep/link'))
  write(root, 'single file.txt', 'one line')
  chmodSync(join(root, 'single file.txt'), 0o600)
  return root
}

export const write = (root: string, path: string, text: string): void => writeFileSync(join(root, path), text)

export const secrets = { DB_PASSWORD: 'canary-$p"a\'ss', KEY: 'canary-key\nof two lines' }

/** A service that runs as nobody in particular. */
export const reader = {
  name: 'reader',
  command: ['/bin/sleep', '1000'],
  user: '101:102',
  composed: { DATABASE_URL: 'postgres://u:${DB_PASSWORD}@db/x?cost=$$5' },
  files: [
    { source: './conf/', target: '/etc/conf', readOnly: true },
    { source: 'single file.txt', target: '/single', readOnly: true },
    { source: 'conf/deep/run.sh', target: '/run.sh', readOnly: true },
  ],
  texts: [
    { target: '/run/secrets/key', text: 'key=${KEY}', mode: '0440', uid: '101', gid: '0' },
    { target: '/plain.conf', text: 'costs $$5', mode: '0444' },
  ],
} satisfies Partial<NonNullable<Wish['services']>[number]>

export const within = async (host: HostUnderTest, text: string, service = 'reader'): Promise<string> => {
  const one = (await host.containers()).find((container) => container.service === service && container.state === 'running')
  return host.ask(`docker exec ${one?.name ?? ''} /bin/sh -c ${quoted(text)} 2>&1 || :`)
}
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

/** As `launchway rollback VERSION` does. */
export async function goBackTo(release: string, host: HostUnderTest, image: PushedImage, wish: Omit<Wish, 'version'>): Promise<void> {
  const { environment } = releaseFor(host, image, { ...wish, version: '' }).plan
  if (environment === undefined) throw new Error('a plan of nothing')
  const ports = portsFor(() => host.remote(), { ...wish, version: '' })
  await using one = await lookToChange('host', { app: host.app, environment }, ports)
  const kept = one.seen.releases.get(release)
  if (kept === undefined) throw new Error(`${release} is not kept`)
  await returnTo(kept, one, environment, { force: false, registries: [] }, ports)
}

export const toolbox = { more: ['base64', 'cp', 'tar'] }
export const files = (readOnly = true) => ({ files: [{ source: 'conf', target: '/etc/conf', readOnly }] })
export const plain = { name: 'reader', command: ['/bin/sleep', '1000'] }
