/** A release as a careful person types it, one command after the other: the floor of `bench release`. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePorts } from '../lab/free-ports.ts'
import type { Place } from '../lab/demo/place.ts'
import { sshArgs } from '../lab/lab.ts'
import { call } from '../lab/run.ts'

const name = 'launchway-bench-by-hand'

/** Builds, composes and asks, scans, pushes, and replaces the container on the host. */
export async function byHand({ lab, host, repository }: Place): Promise<void> {
  const cwd = repository
  const image = `${lab.registry.address}/by-hand/addie`
  const sha = (await call('git', ['rev-parse', '--short', 'HEAD'], { cwd })).stdout.trim()
  const tag = `${image}:sha-${sha}`
  await call('docker', ['buildx', 'build', '--load', '--tag', tag, '.'], { cwd })
  await compose(cwd, tag)
  const [severe, database] = [
    ['--severity', 'HIGH,CRITICAL', '--ignore-unfixed'],
    ['--db-repository', lab.vulnerabilities],
  ]
  await call('trivy', ['image', '--quiet', '--scanners', 'vuln', '--exit-code', '1', ...severe, ...database, tag])
  await call('docker', ['push', '--quiet', tag])
  await call('docker', ['tag', tag, `${image}:master`])
  await call('docker', ['push', '--quiet', `${image}:master`])
  // Constant but for the tag, which is of hexadecimal digits and an address.
  const program = `set -e
docker pull --quiet ${tag} > /dev/null
docker rm --force ${name} > /dev/null 2>&1 || :
docker run --detach --name ${name} --publish 6000:5000 --env SECRET_KEY=bench ${tag} > /dev/null
for _ in $(seq 120); do curl --fail --silent http://127.0.0.1:6000/healthz > /dev/null && exit; sleep 0.5; done
exit 1
`
  await call('ssh', [...sshArgs(lab, host, 'deploy'), 'sh', '-s'], { stdin: program })
}

async function compose(cwd: string, tag: string): Promise<void> {
  const [port = 0] = await freePorts(1)
  const override = join(cwd, '.git', 'compose.bench.yaml')
  writeFileSync(override, `services:\n  web:\n    image: ${tag}\n    build: !reset null\n    ports: !override ["127.0.0.1:${port}:5000"]\n`)
  const project = ['compose', '--project-name', name, '--file', 'compose.yaml', '--file', override]
  try {
    await call('docker', [...project, 'up', '--detach', '--wait', '--quiet-pull'], { cwd })
    await call('curl', ['--fail', '--silent', `http://127.0.0.1:${port}/healthz`])
    await call('docker', [...project, 'exec', '-T', 'web', 'redis-cli', 'ping'], { cwd })
    await call('docker', [...project, 'exec', '-T', 'web', 'python', 'check_job.py'], { cwd })
  } finally {
    await call('docker', [...project, 'down', '--volumes', '--timeout', '5'], { cwd })
  }
}
