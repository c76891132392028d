import { loadConfig } from '../../../src/config/load.ts'
import type { Config } from '../../../src/config/schema.ts'
import { LaunchwayError } from '../../../src/core/error.ts'

export const systemText = `
image: ghcr.io/team/app
branches:
  master: production
  docker: {}
  docker_dev: development
  "release/*": { environment: development, image-tags: ["type=raw,value=candidate", "type=sha"] }
tags: { "v*": production }
environments:
  production: { host: deploy@a.example.org, port: 5000, publish: 80 }
  development: { host: deploy@b.example.org, port: 5000, publish: 6000 }
`

export function configOf(text: string): Config {
  return loadConfig(text, 'launchway.yml')
}

/** What is wrong with a configuration, a line each. */
export function problems(text: string): string[] {
  const error = refusal(() => loadConfig(text, 'launchway.yml'))
  return (error.hint ?? '').split('\n')
}

/** The error that a user meets; anything else that is thrown, and nothing thrown, fails the test. */
export function refusal(call: () => unknown): LaunchwayError {
  try {
    call()
  } catch (error) {
    if (error instanceof LaunchwayError) return error
    throw error
  }
  throw new Error('nothing was refused')
}
