import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { call } from '../../lab/run.ts'
import { processExec } from '../../src/adapters/exec.ts'
import { localFiles } from '../../src/adapters/files.ts'
import { Secret } from '../../src/core/secret.ts'
import { filledFile, stackFile } from '../../src/deploy/swarm/file.ts'
import { convert } from '../../src/plan/stack/convert.ts'
import { composedIn } from '../../src/plan/stack/index.ts'
import { ProjectShape } from '../../src/plan/stack/shape.ts'
import { renderProject } from '../../src/plan/project-render.ts'
import { portsFor } from './support/release.ts'
import { nodeOf } from './support/swarm.ts'

/** What of compose's language a stack can have, in the forms in which people write it. */
const project = `
services:
  web:
    image: team/web:1
    command: serve --home $$HOME
    ports: ["8080:80", { target: 90, published: 9090, mode: host }]
    environment: { A: "\${A_SECRET:?needed}", B: "\${B:-x}", C: "x$$y" }
    depends_on: { migrate: { condition: service_completed_successfully } }
    healthcheck: { test: curl -f localhost, interval: 10s, retries: 3 }
    extra_hosts: ["a:1.2.3.4"]
    tmpfs: /run:size=64m
    configs: [plain, { source: inline, target: /etc/inline, mode: 0440 }]
    secrets: [key]
    restart: on-failure:3
    stop_grace_period: 1m30s
    ulimits: { nofile: 1000, nproc: { soft: 1, hard: 2 } }
    sysctls: [net.core.somaxconn=1024]
    shm_size: 64m
    cap_add: [NET_ADMIN]
    init: true
    logging: { driver: json-file, options: { max-size: 10m } }
    deploy:
      replicas: 3
      resources: { limits: { cpus: '0.5', memory: 50M }, reservations: { memory: 20M } }
      update_config: { parallelism: 2, delay: 10s, max_failure_ratio: 0.5 }
      placement: { constraints: [node.role == manager], preferences: [{ spread: node.id }], max_replicas_per_node: 1 }
      restart_policy: { condition: on-failure, delay: 5s, max_attempts: 3, window: 2m }
    volumes: ["data:/data", "/srv:/srv", { type: tmpfs, target: /t, tmpfs: { size: 1000 } }]
    networks: { default: { aliases: [w] }, back: }
  migrate: { image: team/web:1, restart: "no", command: migrate }
volumes: { data: { driver_opts: { type: nfs, o: addr=10.0.0.1, device: ":/data" } } }
networks: { back: { internal: true, ipam: { config: [{ subnet: 10.77.0.0/24 }] } } }
configs: { plain: { file: ./plain.conf }, inline: { content: "a=\${A_SECRET}" } }
secrets: { key: { environment: KEY } }
`

test.each(['node1', 'node3'])(
  'docker on %s reads a rich project once it is converted, and refuses it as compose renders it',
  async (node) => {
    const folder = mkdtempSync(join(tmpdir(), 'launchway-stack-'))
    const files = localFiles(tmpdir())
    try {
      writeFileSync(join(folder, 'stack.yml'), project)
      writeFileSync(join(folder, 'plain.conf'), 'plain')
      const asked = { name: 'rich', files: ['stack.yml'], profiles: [], env: {}, secrets: ['A_SECRET'], services: {} }
      const ports = {
        ...portsFor(
          () => {
            throw new Error('no host is needed')
          },
          { version: '1' },
        ),
        exec: processExec,
        files,
        root: folder,
      }
      const { project: rendered } = await renderProject(asked, 'rich', ports)
      const read = (text: string): Promise<string> =>
        call('docker', ['exec', '--interactive', nodeOf(node), 'docker', 'stack', 'config', '--compose-file', '-'], { stdin: text }).then(
          ({ stdout }) => stdout,
        )
      await expect(read(JSON.stringify(rendered))).rejects.toThrow('docker stack config')

      const around = { app: 'addie', environment: 'live', name: 'rich', root: folder, files: new Map(), built: new Map() }
      const { stack, notes } = convert(ProjectShape.parse(composedIn(rendered)), around)
      expect(notes.filter(({ level }) => level === 'error')).toEqual([])
      expect(stack.variables).toEqual(['A_SECRET'])
      const images = new Map([['web', `team/web@sha256:${'0'.repeat(64)}`]])
      const objects = [
        ...Object.keys(stack.configs).map((key) => ({ kind: 'config' as const, key, name: `rich_${key}.1`, content: new Secret('') })),
        { kind: 'secret' as const, key: 'key', name: 'rich_key.1', content: new Secret('') },
      ]
      const file = filledFile(
        stackFile(stack, { images, objects, release: '20260101-000000-abcdef0' }),
        new Map([['A_SECRET', new Secret('pa$$w"ord')]]),
        'salt',
      )
      const understood = await read(file.reveal())
      for (const word of [
        'A: pa$$w"ord',
        'C: x$y',
        'max_replicas_per_node: 1',
        'published: 9090',
        'size: 67108864',
        'name: rich_inline.1',
        'launchway.release',
      ])
        expect(understood).toContain(word)
      expect(understood).not.toContain('migrate')
    } finally {
      files.close()
      rmSync(folder, { recursive: true, force: true })
    }
  },
)
