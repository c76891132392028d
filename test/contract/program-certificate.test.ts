import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { JournalLine } from '../../src/core/journal.ts'

const read = (name: string): string => readFileSync(new URL(`../../src/deploy/host/${name}.sh`, import.meta.url), 'utf8')
const program = ['journal', 'certificate'].map(read).join('')

interface Told {
  /** `step state note`, a line of the journal each. */
  lines: string[]
  called: string[]
  left: boolean
}

const good = 'echo "notAfter=Feb 20 10:00:00 2027 GMT"; case $* in *checkhost*) echo "Hostname does match certificate" ;; esac'

/** Runs the call with programs in the place of certbot and of curl, whose real ways to fail cannot be had at will. */
function asked(shell: string, certbot: string, { shows = '', seconds = 20, openssl = good } = {}): Told {
  const folder = mkdtempSync(join(tmpdir(), 'launchway-certificate-'))
  try {
    const [bin, home] = [join(folder, 'bin'), join(folder, 'home')]
    for (const one of [bin, join(home, 'try')]) mkdirSync(one, { recursive: true })
    const place = (name: string, text: string): void => {
      writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`)
      chmodSync(join(bin, name), 0o755)
    }
    const calls = join(folder, 'calls')
    place('certbot', `echo "$*" >> ${calls}\ncount=$(wc -l < ${calls})\n${certbot}`)
    place('curl', shows === '' ? `cat ${folder}/shown/.well-known/acme-challenge/*; printf '\\n200'` : shows)
    place('openssl', openssl)
    const text = `set -u
LW_APP=addie LW_ENVIRONMENT=production LW_RELEASE=20261120-101500-bbbbbbb LW_ATTEMPT=0f LW_HOME=${home} LW_TRY=${home}/try nginx=/usr/sbin/nginx
PATH=${bin}:$PATH
start_step() { journal "$1" start "\${2:-}"; }
end_step() { journal "$1" "$2" "\${3:-}" "\${4:-}"; }
fail() { journal "$1" failed "\${2:-}" "$3"; exit 0; }
no_room() { echo 'no room'; }
${program}
certificate web ${seconds} ${folder}/shown 'a.example.org b.example.org' certonly --domain a.example.org
`
    const words = shell === 'busybox' ? ['sh', '-s'] : ['-s']
    execFileSync(shell, words, { input: text, timeout: 25_000 })
    const lines = readFileSync(join(home, 'journal.jsonl'), 'utf8').trim().split('\n')
    return {
      lines: lines.map((line) => JournalLine.parse(JSON.parse(line))).map(({ state, note = '' }) => `${state} ${note}`.trim()),
      called: existsSync(calls) ? readFileSync(calls, 'utf8').trim().split('\n') : [],
      left: existsSync(join(folder, 'shown/.well-known/acme-challenge/launchway-addie.production')),
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Every run but the campaign takes one shell; the programs of the crontab are run by the other. */
const shells = process.env['LAUNCHWAY_CAMPAIGN'] === undefined ? ['dash'] : ['dash', 'busybox']

describe.each(shells)('the call that has certbot ask, with %s', (shell) => {
  it('tells its words, and until when the certificate is good; nginx is reloaded by a hook with full paths', () => {
    const { lines, called, left } = asked(shell, 'echo "Requesting a certificate"; echo received')
    expect(lines[0]).toBe('start')
    expect(lines.filter((line) => line.startsWith('says')).join('\n')).toMatch(/Requesting a certificate[^]*received/)
    expect(lines.at(-1)).toBe('done a.example.org b.example.org, until Feb 20 10:00:00 2027 GMT')
    expect(called).toEqual(['certonly --domain a.example.org --deploy-hook /usr/sbin/nginx -t && /usr/sbin/nginx -s reload'])
    expect(left).toBe(false)
  })

  it('waits for another certbot, which may be its own timer', () => {
    const busy = '[ "$count" -gt 1 ] || { echo "Another instance of Certbot is already running." >&2; exit 1; }; echo received'
    const { lines, called } = asked(shell, busy)
    expect(called).toHaveLength(2)
    expect(lines.at(-1)).toMatch(/^done /)
  })

  it('fails with what certbot said last', () => {
    const { lines } = asked(shell, 'echo "Detail: no valid A records" >&2; exit 1')
    expect(lines.at(-1)).toBe('failed certbot ended with exit code 1\nDetail: no valid A records')
  })

  it('ends one that does not come to an end, and lets it clean up', () => {
    const { lines } = asked(shell, 'trap "echo cleaned up; exit 143" TERM; echo waiting; while :; do sleep 0.1; done', { seconds: 1 })
    expect(lines.at(-1)).toBe('failed certbot was still running after 1 s, and was ended\nwaiting\ncleaned up')
  })

  it('ends although nobody is left who would say that certbot has ended', () => {
    // What waits for certbot is its parent.
    const { lines } = asked(shell, 'kill -9 "$PPID"; echo waiting; while :; do sleep 0.1; done', { seconds: 1 })
    expect(lines.at(-1)).toMatch(/^failed certbot was still running after 1 s, and was ended\nwaiting/)
  })

  it.each([
    ['has ended', '[ "$5" != 0 ] || exit 1'],
    ['is for other names', 'echo "Hostname a.example.org does NOT match certificate"'],
  ])('does not take its word for it where what nginx will read %s', (_, openssl) => {
    const { lines } = asked(shell, 'echo "Successfully received certificate"', { openssl })
    expect(lines.at(-1)).toMatch(
      /^failed certbot ended well, and \/etc\/letsencrypt\/live\/a\.example\.org\/fullchain\.pem is still not good for a\.example\.org b\.example\.org[^]*Successfully received/,
    )
  })

  it('does not call certbot where nginx does not show what it would put there', () => {
    const { lines, called, left } = asked(shell, 'exit 0', { shows: 'printf "Forbidden\\n403"' })
    expect(lines.at(-1)).toMatch(
      /^failed nginx on this host does not show .* http:\/\/a\.example\.org\/\.well-known\/acme-challenge\/launchway-addie\.production answered 403$/,
    )
    expect(called).toEqual([])
    expect(left).toBe(false)
  })
})
