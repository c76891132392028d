import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Ports } from '../../src/core/ports.ts'
import { Secret } from '../../src/core/secret.ts'
import { parseEnvFile, withEnvFiles } from '../../src/deploy/env-files.ts'
import { secretsFile } from '../../src/deploy/program.ts'
import { anyText } from '../support/text.ts'
import { environment, failureIn, service } from './support/deploy.ts'

const parsed = (text: string): Record<string, string> => Object.fromEntries(parseEnvFile(text, 'deploy/web.env'))

describe('an env file', () => {
  it.each<[string, string, Record<string, string>]>([
    ['plain values, blanks around them trimmed', 'A=1\nB =  two words \n', { A: '1', B: 'two words' }],
    ['a byte order mark and Windows line ends', '\uFEFFA=1\r\nB=2\r\n', { A: '1', B: '2' }],
    ['quotes keep blanks, number signs and lines', `A=" a # b "\nB='x\ny'\n`, { A: ' a # b ', B: 'x\ny' }],
    [
      '\\n is a newline between double quotes alone',
      String.raw`A="x\ny"` + '\n' + String.raw`B='x\ny'`,
      { A: 'x\ny', B: String.raw`x\ny` },
    ],
    ['nothing is filled in', 'A=$HOME\nB="${A}"\nC=`id`\n', { A: '$HOME', B: '${A}', C: 'id' }],
    ['export, comments, empty values', '# x\nexport A=1 # y\nB=\n', { A: '1', B: '' }],
  ])('%s', (_, text, values) => {
    expect(parsed(text)).toEqual(values)
  })

  it.each([
    ['A-B=hunter2', 'cannot be called "A-B"'],
    ['1A=hunter2', 'cannot be called "1A"'],
    ['PATH=hunter2', 'cannot be called "PATH"'],
    ['LD_PRELOAD=hunter2', 'cannot be called "LD_PRELOAD"'],
    ['LW_HOME=hunter2', 'cannot be called "LW_HOME"'],
    ['UID=hunter2', 'cannot be called "UID"'],
  ])('%s is refused, and its value is not repeated', (text, message) => {
    const error = failureIn(() => parsed(text))
    expect(error.code).toBe('CONFIG_INVALID')
    expect(error.message).toContain(`deploy/web.env: a variable ${message}`)
    expect(`${error.message}${error.hint}`).not.toContain('hunter2')
  })

  it('any text between single quotes comes out as it went in', () => {
    const text = anyText().filter((value) => !/['\r\0]/.test(value))
    fc.assert(
      fc.property(text, (value) => {
        expect(parsed(`A='${value}'\nB=2\n`)).toEqual({ A: value, B: '2' })
      }),
    )
  })
})

describe('the env files of an environment', () => {
  const concealed: string[] = []
  const ports = (files: Record<string, string>): Ports =>
    ({
      root: '/app',
      files: { read: (path: string) => Promise.resolve(files[path] === undefined ? undefined : Buffer.from(files[path])) },
      conceal(value: string) {
        concealed.push(value)
        return new Secret(value)
      },
    }) as unknown as Ports

  it('give names to the service that has them, a later file winning over an earlier one, env and secrets over all', async () => {
    const web = service({ envFiles: ['a.env', '/run/b.env'], env: { C: 'own' }, secrets: ['D'] })
    const files = { '/app/a.env': 'A=1\nB=1\nC=1\nD=1\n', '/run/b.env': 'B=2\n' }
    const { environment: read, own } = await withEnvFiles(environment([web, service({ name: 'worker' })]), ports(files))
    expect(read.services.map(({ secrets }) => secrets)).toEqual([['D', 'A', 'B'], []])
    expect([...(own.get('web') ?? [])].map(([name, value]) => [name, value.reveal()])).toEqual([
      ['A', '1'],
      ['B', '2'],
    ])
    expect(own.has('worker')).toBe(false)
    expect(concealed).toEqual(['1', '1', '2'])
  })

  it('may say the number of an account, which no shell takes, and which is no secret', async () => {
    const services = [service({ envFiles: ['a.env'] }), service({ name: 'own', envFiles: ['a.env'], env: { UID: '0' } })]
    const { environment: read, own } = await withEnvFiles(environment(services), ports({ '/app/a.env': 'UID=1000\nA=1\n' }))
    expect(read.services.map(({ env, secrets }) => [env, secrets])).toEqual([
      [{ UID: '1000' }, ['A']],
      [{ UID: '0' }, ['A']],
    ])
    expect([...(own.get('web')?.keys() ?? [])]).toEqual(['A'])
  })

  it('that are not there are told all at once, with who wants them', async () => {
    const services = [service({ envFiles: ['a.env'] }), service({ name: 'worker', envFiles: ['b.env', 'a.env'] })]
    const reading = withEnvFiles(environment(services), ports({}))
    await expect(reading).rejects.toMatchObject({
      code: 'SECRET_MISSING',
      message: 'production needs a.env, b.env, which is not there',
      hint: expect.stringContaining('env-files of web, worker are read from /app'),
    })
  })

  it.each([
    ['EISDIR', 'a.env is a folder'],
    ['EACCES', 'a.env may not be read by this account'],
  ])('that are there and cannot be read (%s) are no fault of ours, and are told beside those that are missing', async (code, why) => {
    const services = [service({ envFiles: ['a.env', 'b.env'] })]
    const { files, ...others } = ports({})
    const read = (path: string): ReturnType<typeof files.read> =>
      path.endsWith('a.env') ? Promise.reject(Object.assign(new Error(`${code}: …`), { code })) : files.read(path)
    await expect(withEnvFiles(environment(services), { ...others, files: { ...files, read } })).rejects.toMatchObject({
      code: 'SECRET_MISSING',
      message: `production needs a.env, b.env, which cannot all be read: ${why}`,
    })
    const broken = { ...files, read: () => Promise.reject(Object.assign(new Error('EIO: …'), { code: 'EIO' })) }
    await expect(withEnvFiles(environment(services), { ...others, files: broken })).rejects.toThrow(/^EIO/)
  })

  it('travel apart from the secrets that all services share', () => {
    const own = new Map([['web', new Map([['A', new Secret("it's")]])]])
    expect(secretsFile(new Map([['T', new Secret('t')]]), own).reveal()).toBe(
      `export T=t\ncase \${LW_SERVICE-} in\nweb)\nexport A='it'\\''s'\n;;\nesac\n`,
    )
  })
})
