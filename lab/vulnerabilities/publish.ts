import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../src/adapters/clock.ts'
import { ociRegistries } from '../../src/adapters/registry/repository.ts'
import { LaunchwayError } from '../../src/core/error.ts'
import type { Descriptor } from '../../src/core/ports.ts'
import { parseRepository } from '../../src/core/reference.ts'
import { Secret } from '../../src/core/secret.ts'
import { call } from '../run.ts'
import { databaseFolder } from './stamp.ts'

/** What Trivy looks for in a registry. @see https://trivy.dev/latest/docs/advanced/self-hosting/ */
const layerTypes = {
  vulnerabilities: 'application/vnd.aquasec.trivy.db.layer.v1.tar+gzip',
  java: 'application/vnd.aquasec.trivy.javadb.layer.v1.tar+gzip',
}
const artifactType = 'application/vnd.aquasec.trivy.config.v1+json'
const manifestType = 'application/vnd.oci.image.manifest.v1+json'

/**
 * Puts the lab's vulnerability database into a registry without TLS, from where Trivy itself fetches it.
 * @param reference such as `127.0.0.1:5000/trivy-db:2`
 * @param updated when it shall have been made
 */
export async function publishDatabase(reference: string, updated: Date, guarded?: Guarded): Promise<void> {
  const database = join(databaseFolder(), 'trivy.db')
  if (!existsSync(database)) {
    throw new LaunchwayError('TOOL_MISSING', 'the vulnerability database of the lab is not made yet', {
      hint: 'Set-up makes it: sh lab/with.sh --all true',
    })
  }
  await publishFiles(reference, { 'trivy.db': readFileSync(database), 'metadata.json': metadata(updated) }, guarded)
}

/** What stands beside a database; as the official one has it, the next is due a day later. */
export function metadata(updated: Date): string {
  return JSON.stringify({ Version: 2, NextUpdate: new Date(updated.getTime() + 86_400_000), UpdatedAt: updated })
}

/** A registry with TLS and a login. */
interface Guarded {
  ca: string
  username: string
  password: string
}

/** Any files in the place of a database. */
export async function publishFiles(
  reference: string,
  files: Readonly<Record<string, string | Buffer>>,
  guarded?: Guarded,
  kind: keyof typeof layerTypes = 'vulnerabilities',
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'launchway-vulnerabilities-'))
  try {
    for (const [name, body] of Object.entries(files)) writeFileSync(join(folder, name), body)
    await call('tar', ['-C', folder, '-czf', join(folder, 'db.tar.gz'), ...Object.keys(files)])
    await publishArchive(reference, readFileSync(join(folder, 'db.tar.gz')), guarded, layerTypes[kind])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function publishArchive(reference: string, archive: Buffer, guarded: Guarded | undefined, layerType: string): Promise<void> {
  const [, name = '', tag = ''] = /^(.+):([^:/]+)$/.exec(reference) ?? []
  const login = guarded === undefined ? undefined : { username: guarded.username, password: new Secret(guarded.password) }
  const registries = ociRegistries(systemClock, () => Promise.resolve(login))
  const { host } = parseRepository(name)
  const settings = guarded === undefined ? { host, plainHttp: true } : { host, plainHttp: false, ca: guarded.ca }
  const repository = await registries.repository(name, settings)
  const [config, layer] = [await repository.putBlob(Buffer.from('{}')), await repository.putBlob(archive)]
  const entry = (of: Descriptor, mediaType: string, annotations = {}): object => ({ ...of, mediaType, annotations })
  const manifest = {
    schemaVersion: 2,
    mediaType: manifestType,
    config: entry(config, artifactType),
    layers: [entry(layer, layerType, { 'org.opencontainers.image.title': 'db.tar.gz' })],
  }
  await repository.putManifest(tag, manifestType, Buffer.from(JSON.stringify(manifest)))
}
