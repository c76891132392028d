import { describe, expect, it } from 'vitest'
import { findingsIn, showsOnly } from './support/doctor.ts'

const all = { Dockerfile: 'FROM python:3.12\nCOPY . .\n', '.dockerignore': '.git\n' }
const body = 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7'
const key = `-----BEGIN PRIVATE KEY-----\n${body}\n-----END PRIVATE KEY-----\n`

async function found(files: Readonly<Record<string, string>>): Promise<string[]> {
  return showsOnly('secret-in-image', await findingsIn({ ...all, ...files })).map((line) => line.replace('Dockerfile:2: COPY takes ', ''))
}

describe('doctor finds files with secrets that get into an image', () => {
  it.each<[path: string, text: string, holds: string]>([
    ['app.env', 'SECRET_KEY=abc\n', 'SECRET_KEY'],
    ['prod.env', 'export DB_PASSWORD="x y"\n', 'DB_PASSWORD'],
    ['.envrc', 'layout python\nexport API_TOKEN=abc\n', 'API_TOKEN'],
    ['service-account.json', JSON.stringify({ type: 'service_account', private_key: key }), 'a private key'],
    ['deploy/tls.yaml', `data:\n  tls: |\n    ${key.replaceAll('\n', '\n    ')}\n`, 'a private key'],
    [
      'keys.txt',
      key.replace('PRIVATE', 'RSA PRIVATE').replace('\nM', '\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nM'),
      'a private key',
    ],
    ['login.ppk', 'PuTTY-User-Key-File-3: ssh-ed25519\n', 'a private key'],
    ['config/master.key', `${'0a'.repeat(16)}\n`, 'the key that credentials are encrypted with'],
    ['config/secrets.yml', 'production:\n  secret_key_base: 0a0a0a\n', 'secret_key_base'],
    ['credentials.json', '{"web":{"client_id":"x","client_secret":"GOCSPX-1"}}', 'client_secret'],
    ['.secrets.toml', '[default]\ndb_password = "abc"\n', 'db_password'],
  ])('%s', async (path, text, holds) => {
    expect(await found({ [path]: text })).toEqual([`${path} along, which holds ${holds}`])
  })

  it.each<[path: string, text: string]>([
    ['app.env.example', 'SECRET_KEY=abc\n'],
    ['example.env', 'SECRET_KEY=abc\n'],
    ['app.env', 'LEVEL=info\nSECRET_KEY=\nSECRET_KEY_FILE=/run/key\nTOKEN_TTL=60\nAPI_TOKEN=${TOKEN}\nDB_PASSWORD="$PW"\n'],
    ['.envrc', 'dotenv\n'],
    ['smoke.env', 'SECRET_KEY=abc\n'],
    ['package.json', '{"name":"-----BEGIN PRIVATE KEY-----"}'],
    ['docs.txt', 'Paste what stands between -----BEGIN PRIVATE KEY----- and -----END PRIVATE KEY-----.\n'],
    ['ca.crt', `-----BEGIN CERTIFICATE-----\n${body}\n`],
    ['translations.key', 'greeting\n'],
    [
      'config/secrets.yml',
      'development:\n  secret_key_base: abc\ntest:\n  secret_key_base: abc\nproduction:\n  secret_key_base: <%= ENV["SECRET_KEY_BASE"] %>\n',
    ],
    ['secrets.yaml', 'db_password: ENC[AES256_GCM,data:abc]\nsecretName: shop\ntoken: !vault |\npassword_file: x\n'],
    ['secrets.example.yml', 'db_password: abc\n'],
    ['settings.yml', 'db_password: abc\n'],
  ])('and nothing in %s that says %j', async (path, text) => {
    expect(await found({ [path]: text })).toEqual([])
  })

  it('without taking long over what somebody has made to take long', async () => {
    const blanks = ' '.repeat(30_000)
    const many = `-----BEGIN PRIVATE KEY-----${'Proc-Type: '.repeat(2500)}`
    expect(
      await found({
        'app.env': `TOKEN=${blanks}x${blanks}y\n`,
        'a.txt': many,
        'b.txt': many.replace('-----P', `-----${blanks.slice(0, 500)}P`),
      }),
    ).toEqual(['app.env along, which holds TOKEN'])
  })

  it('in small files alone, in some of them, and in none that is not copied', async () => {
    const json = JSON.stringify({ private_key: key })
    expect(await found({ 'large.json': json.padEnd(40_000) })).toEqual([])
    expect(await found({ 'a.json': json, '.dockerignore': '*.json\n' })).toEqual([])
    expect(await found({ 'a.json': json, Dockerfile: 'FROM python:3.12\nCOPY app.py .\n' })).toEqual([])
    const many = Object.fromEntries(Array.from({ length: 400 }, (_, index) => [`data/${index}.json`, json]))
    // The nearest to the root first, of which launchway.yml is one.
    expect(await found(many)).toHaveLength(299)
    // Nor do they keep what starts from being read.
    const start = { ...many, 'run/now/start.sh': '#!/bin/sh\r\n' }
    expect((await findingsIn({ ...all, ...start })).map(({ rule }) => rule)).toContain('script-line-ends')
  })
})
