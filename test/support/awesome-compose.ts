import { cpSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { beginRepository } from '../../lab/examples/repository.ts'

/**
 * A checkout of https://github.com/docker/awesome-compose (docs/guide/smoke-samples.md says at which commit the samples passed).
 * Compose files of many hands, as they are; nothing of it is kept here.
 */
const collection = process.env['LAUNCHWAY_AWESOME_COMPOSE']

/** The frontend that most of the Dockerfiles name. */
export const frontend = 'docker/dockerfile:1.4'

/** What the samples of web frameworks begin from, beyond the images that every set-up has. */
export const frameworks = {
  flask: [frontend, 'python:3.10-alpine'],
  fastapi: ['tiangolo/uvicorn-gunicorn-fastapi:python3.9-slim'],
  django: [frontend, 'python:3.7-alpine'],
} as const satisfies Readonly<Record<string, readonly string[]>>

/** The samples, where there is a copy of the collection, else none; a test of its own says so, and that the copy has them. */
export function foundSamples<Sample>(samples: Readonly<Record<string, Sample>>): [string, Sample][] {
  test('a copy of docker/awesome-compose', ({ skip }) => {
    skip(collection === undefined, 'LAUNCHWAY_AWESOME_COMPOSE names no checkout of it')
    expect(Object.keys(samples).filter((name) => !existsSync(join(collection ?? '', name, 'compose.yaml')))).toEqual([])
  })
  return collection === undefined ? [] : Object.entries(samples)
}

/** A sample alone in a repository that has no commit yet. */
export async function copySample(name: string, folder: string): Promise<void> {
  cpSync(join(collection ?? '', name), folder, { recursive: true })
  await beginRepository(folder, 'master')
}
