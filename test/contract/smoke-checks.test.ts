import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { failureOf } from './support/errors.ts'
import { type Asked, compose, leftovers, repository, smokeTest, withImage } from './support/smoke.ts'

withImage()

/** Takes what is posted, and redirects; a worker does what was taken. */
const files = {
  'compose.yml': `
services:
  web:
    image: ${repository}
    ports: ["80:8000"]
    command: [sh, /start.sh]
    volumes: ["./start.sh:/start.sh:ro", "queue:/queue"]
  worker:
    image: ${repository}
    command: [sh, -c, 'while :; do for job in /queue/*.job; do [ -e "$$job" ] && echo "did $$(cat "$$job")" && mv "$$job" /queue/done; done; sleep 0.2; done']
    volumes: ["queue:/queue"]
volumes: { queue: }
`,
  'start.sh': `#!/bin/sh
mkdir -p /www/cgi-bin
cat > /www/cgi-bin/jobs << 'END'
#!/bin/sh
if [ "$REQUEST_METHOD" = POST ]; then
  head -c "$CONTENT_LENGTH" > /queue/new && mv /queue/new /queue/1.job
  printf 'Status: 202 Accepted\\r\\nContent-Type: application/json\\r\\n\\r\\n{"state":"queued","type":"%s"}' "$CONTENT_TYPE"
else
  printf 'Content-Type: application/json\\r\\n\\r\\n{"state":"%s"}' "$([ -e /queue/done ] && echo done || echo open)"
fi
END
cat > /www/cgi-bin/moved << 'END'
#!/bin/sh
printf 'Status: 302 Found\\r\\nLocation: %s\\r\\n\\r\\n' "$QUERY_STRING"
END
cat > /www/cgi-bin/safe << 'END'
#!/bin/sh
printf 'X-Frame-Options: DENY\\r\\nX-Content-Type-Options: nosniff\\r\\nContent-Type: text/plain\\r\\n\\r\\nsafe and\\nsound\\n'
END
chmod +x /www/cgi-bin/*
echo serving
exec httpd -f -p 8000 -h /www
`,
  'test/look.sh': `#!/bin/sh
echo "arguments: $*"
case "$LAUNCHWAY_SMOKE_WEB_8000" in 127.0.0.1:*) echo "web is there" ;; *) exit 1 ;; esac
docker exec "$LAUNCHWAY_SMOKE_WORKER_CONTAINER" echo the worker is there
`,
}
const failing = (asked: Partial<Asked>) => failureOf(smokeTest({ files, ...asked }))

// They wait for their stacks, each for its own.
describe.concurrent('checks', () => {
  it('ask a stack for all that it shall do, from the job that is posted to the worker that does it', async () => {
    const { section, root } = await smokeTest({
      files,
      smoke: `
prepare:
  - { run: web, command: [sh, -c, "rm -f /queue/*"] }
checks:
  - { name: done, http: "http://web:8000/cgi-bin/jobs", json: { /state: done }, after: taken }
  - { name: worked, log: worker, matches: 'did \\{"numbers":\\[1,2\\]\\}$', never: Traceback, after: taken }
  - { name: taken, http: "http://web:8000/cgi-bin/jobs", body: { numbers: [1, 2] }, status: 202, json: { /state: queued, /type: application/json } }
  - { http: "http://web:8000/cgi-bin/moved?/cgi-bin/moved?/", redirects: 2, contains: it works }
  - { http: "http://web:8000/cgi-bin/moved?/", status: 302, headers: { location: / } }
  - { http: "http://web:8000/cgi-bin/safe", security: true, matches: "^sound$" }
  - { tcp: "web:8000" }
  - { exec: worker, command: [echo, here], stdout: here }
  - { run: worker, command: [sh, -c, "echo alone; ls /queue"], stdout: alone }
  - { script: test/look.sh, args: [a b, "$HOME"], stdout: "arguments: a b $HOME", after: done }
  - { log: web, never: "rror" }
`,
    })
    expect(section.checks.filter(({ passed }) => !passed)).toEqual([])
    expect(section.checks).toHaveLength(11)
    expect(section.steps).toEqual([{ name: 'run web: sh -c rm -f /queue/*', passed: true, ms: expect.any(Number) }])
    const script = section.checks.find(({ name }) => name.startsWith('test/look.sh'))
    expect(script?.evidence).toContain('web is there\nthe worker is there')
    expect(section.checks.at(-1)?.name).toMatch(/never|worked/)
    expect(readFileSync(join(root, '.evidence/smoke/compose.yaml'), 'utf8')).toContain('host_ip: 127.0.0.1')
  })

  it('that fail say each what was wanted and what there was; what came after them is no failure of its own; no secret of the step is shown', async () => {
    const failure = await failing({
      files: {
        ...files,
        'test/red.sh': '#!/bin/sh\necho "token is $SCRIPT_TOKEN"\necho went wrong >&2\nexit 7\n',
        'test/leaky.sh': '#!/bin/sh\necho "it is hush-hush-hush, and hush-by-another-name"\nexit 1\n',
      },
      secrets: { REGISTRY_PASSWORD: 'hush-hush-hush', FERNET_KEY: 'hush-by-another-name' },
      smoke: `
checks:
  - { tcp: "worker:9", timeout: 1s }
  - { run: worker, command: [sh, -c, "echo no table; exit 3"], timeout: 10s }
  - { exec: worker, command: [sh, -c, "echo no such row; exit 6"], timeout: 1s }
  - { name: red script, script: test/red.sh }
  - { name: leaky script, script: test/leaky.sh }
  - { log: web, never: serving, name: quiet }
  - { http: "http://web:8000/", security: true, timeout: 1s, name: unsafe }
  - { http: "http://web:8000/cgi-bin/jobs", json: { /state: done, /n: 1 }, timeout: 1s, name: open job }
  - { http: "http://web:8000/cgi-bin/moved?https://sso.example.org/", redirects: 3, timeout: 1s, name: away }
  - { exec: worker, command: [echo, never], after: away, name: echo }
`,
    })
    expect(failure).toMatchObject({ code: 'SMOKE_CHECK_FAILED', message: expect.stringMatching(/^9 checks failed: /) })
    for (const part of [
      'nobody listens on port 9',
      'exit code 3\n  no table',
      'exit code 6\n  no such row',
      'exit code 7\n  token is \n  went wrong',
      'it is ***, and ***',
      'a line of the log matches serving:\n  serving',
      'wanted: the header x-content-type-options: nosniff',
      'wanted: the header x-frame-options: DENY or SAMEORIGIN',
      'wanted: /state to be "done", which is "open"',
      'wanted: /n to be 1, which is not there',
      'sso.example.org is no service of the stack, so it is not followed',
      'echo: not asked, since "away" failed',
    ])
      expect(failure.hint).toContain(part)
    expect(failure.part?.smoke?.checks).toHaveLength(10)
    expect(JSON.stringify(failure.part)).not.toContain('hush')
  })

  it('come after the steps, which are done one after the other; and are asked side by side', async () => {
    const waiting = (mine: string, other: string): string =>
      `{ exec: worker, command: [sh, -c, "touch /queue/${mine}; until [ -e /queue/${other} ]; do sleep 0.1; done"], timeout: 20s }`
    const { section } = await smokeTest({
      files,
      smoke: `
prepare:
  - { run: web, command: [sh, -c, "sleep 1; echo table > /queue/schema"] }
  - { exec: worker, command: [sh, -c, "grep -q table /queue/schema && sleep 1 && echo row >> /queue/schema"] }
  - { run: web, command: [grep, -q, row, /queue/schema] }
checks:
  - { exec: worker, command: [grep, -c, ., /queue/schema], stdout: "2", timeout: 1s }
  - ${waiting('one', 'other')}
  - ${waiting('other', 'one')}
`,
    })
    expect(section.steps?.map(({ passed }) => passed)).toEqual([true, true, true])
    expect(section.checks.map(({ passed }) => passed)).toEqual([true, true, true])
  })

  it('are not asked after a step that takes too long, which is told and ended', async () => {
    const name = 'run web: sh -c echo waiting for a lock; exec sleep 1000'
    const failure = await failing({
      smoke: `
prepare: [{ run: web, command: [sh, -c, "echo waiting for a lock; exec sleep 1000"], timeout: 4s }]
checks: [{ tcp: "web:8000" }]
`,
    })
    expect(failure).toMatchObject({
      code: 'SMOKE_CHECK_FAILED',
      message: `${name} did not end within 4.0 s`,
      hint: expect.stringContaining('waiting for a lock'),
    })
    expect(failure.part?.smoke).toMatchObject({ steps: [{ name, passed: false }], checks: [] })
    expect(await leftovers(failure.part?.smoke?.project)).toEqual([])
  })

  it('show no secret of a file of variables that a command has', async () => {
    const { section, root, said } = await smokeTest({
      files: {
        ...compose(`web: { image: "${repository}", command: [sh, -c, "echo $\{REDIS_PASSWORD}; exec httpd -f -p 8000 -h /www"] }`),
        '.env': 'REDIS_PASSWORD=hush-in-a-command\n',
      },
      smoke: 'checks: [{ log: web, matches: "hush" }]',
    })
    const kept = ['compose.yaml', 'web.log', 'containers.json'].map((name) => readFileSync(join(root, '.evidence/smoke', name), 'utf8'))
    expect(kept[0]).toContain('echo ***')
    expect(kept[1]).toContain('***')
    expect([...kept, JSON.stringify(section), ...said].join('\n')).not.toContain('hush-in')
  })

  it('show no secret of a file of variables that compose stumbles over', async () => {
    const failure = await failing({
      files: { ...compose(`web: { image: "${repository}", ports: ["$\{WEB_TOKEN}:80"] }`), '.env': 'WEB_TOKEN=hush-no-port\n' },
    })
    expect(failure.code).toBe('CONFIG_INVALID')
    expect(failure.hint).toContain('***')
    expect(failure.hint).not.toContain('hush-no-port')
  })

  it('of what a log must never have watch until the others have ended', async () => {
    const failure = await failing({
      files: {
        'compose.yml': `
services:
  web: { image: "${repository}", command: [sh, -c, "sleep 1; echo Traceback of $$HOSTNAME; exec httpd -f -p 8000 -h /www"] }
`,
      },
      smoke: 'checks: [{ http: "http://web:8000/" }, { log: web, never: Traceback, name: quiet }]',
    })
    expect(failure).toMatchObject({ code: 'SMOKE_CHECK_FAILED', message: 'the check "quiet" failed' })
    expect(failure.hint).toMatch(/a line of the log matches Traceback:\n {2}Traceback of [0-9a-f]{12}/)
  })

  it('read the log of each container of a service, and of each of its lives', async () => {
    const { section } = await smokeTest({
      files: {
        'compose.yml': `
services:
  web:
    image: ${repository}
    restart: always
    deploy: { replicas: 2 }
    volumes: ["/lives"]
    command: [sh, -c, "echo x >> /lives/n; echo life $$(wc -l < /lives/n); [ $$(wc -l < /lives/n) -ge 2 ] || exit 1; exec sleep 1000"]
`,
      },
      smoke: 'checks: [{ log: web, matches: "^life 2$", never: "^life 3$" }]',
    })
    expect(section.verdict).toBe('passed')
  })

  it.each([
    ['on another port', '-p 8001', /nobody listens on port 8000\n +web listens on 8001\n +tried/],
    [
      'on the loopback of its container',
      '-p 127.0.0.1:8000',
      /web listens on port 8000 of 127\.0\.0\.1 alone, .*let it listen on 0\.0\.0\.0/,
    ],
    ['nowhere', undefined, /nothing in web listens on any port/],
  ])('find nobody at the port of a service that listens %s, and say where', async (_name, where, says) => {
    const command = where === undefined ? '[sleep, "600"]' : `[sh, -c, "exec httpd -f ${where} -h /www"]`
    const failure = await failureOf(
      smokeTest({
        files: compose(`web: { image: "${repository}", command: ${command} }`),
        smoke: 'checks: [{ tcp: "web:8000", timeout: 2s }]',
      }),
    )
    expect(failure).toMatchObject({ code: 'SMOKE_CHECK_FAILED', hint: expect.stringMatching(says) })
  })
})
