import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { open, repository } from './support/doors.ts'

describe('the command line', () => {
  it('env diff without an env file says what is missing, who needs it and what to do, and asks no host', () => {
    const folder = repository('master')
    const services = { web: { port: 1, publish: 80, 'env-files': ['.env.live'] }, worker: { 'env-files': ['.env.live', 'made'] } }
    const environments = { production: { host: 'deploy@127.0.0.1:1', services } }
    writeFileSync(join(folder, 'launchway.yml'), JSON.stringify({ image: 'registry.example.org/addie', scan: false, environments }))
    // Docker makes a folder where a file that it is to mount is not there.
    mkdirSync(join(folder, 'made'))
    const { code, out, err } = open('cli', ['env', 'diff', '-e', 'production'], folder)
    expect([code, out]).toEqual([2, ''])
    expect(err.trim()).toBe(`SECRET_MISSING: production needs .env.live, made, which cannot all be read: made is a folder
env-files of web, worker are read from ${folder}, where this runs.
At a terminal: put the file there.
In a workflow: commit it, or write it in a step before:
  - run: printf '%s' "$ENV_FILE" > .env.live
    env:
      ENV_FILE: \${{ secrets.ENV_FILE }}`)
    const told = JSON.parse(open('cli', ['env', 'diff', '-e', 'production', '--json'], folder).out)
    expect(told).toMatchObject({ error: { code: 'SECRET_MISSING', hint: expect.stringContaining('At a terminal') } })
  })
})
