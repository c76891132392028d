import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Service } from '../../src/core/deployment.ts'
import { joinCalls } from '../../src/deploy/call.ts'
import { containerArgs } from '../../src/deploy/container.ts'
import { planProject } from '../support/compose-project.ts'
import { temporaryFolder } from '../unit/support/ports.ts'
import { base, withImage } from './support/smoke.ts'

withImage()

const project = `lw-inspect-${process.pid}`
const made: string[] = []

function docker(...args: string[]): string {
  return execFileSync('docker', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim()
}

function clean(): void {
  const filter = ['--quiet', '--filter', `label=com.docker.compose.project=${project}`]
  const containers = [...docker('ps', '--all', ...filter).split('\n'), ...made.splice(0)].filter((one) => one !== '')
  if (containers.length > 0) docker('rm', '--force', '--volumes', ...containers)
  for (const kind of ['network', 'volume']) {
    const found = docker(kind, 'ls', ...filter)
      .split('\n')
      .filter((one) => one !== '')
    if (found.length > 0) docker(kind, 'rm', ...found)
  }
}
beforeEach(clean)
afterEach(clean)

/** Every key of a service that an engine of this machine takes at the making of a container. */
const everything = (reference: string): string => `
name: ${project}
services:
  web:
    image: ${reference}
    annotations: { org.example.note: "a b" }
    blkio_config: { weight: 300, device_read_bps: [{ path: /dev/null, rate: 1mb }], device_write_iops: [{ path: /dev/null, rate: 30 }] }
    cap_add: [NET_ADMIN]
    cap_drop: [MKNOD]
    cgroup: host
    cgroup_parent: /lw
    command: ["httpd", "-f", "-p", "8000", "$$HOME"]
    configs: [{ source: note, target: /etc/note }]
    container_name: ${project}-named
    cpu_shares: 512
    cpus: 0.5
    cpuset: "0"
    device_cgroup_rules: ["c 1:3 mr"]
    devices: ["/dev/null:/dev/nothing:rw"]
    dns: [192.0.2.1]
    dns_opt: ["ndots:2"]
    dns_search: [example.org]
    domainname: example.org
    entrypoint: ["/bin/busybox", "time"]
    environment: { A: "1", B: "two words", C: "$$5", D: "" }
    expose: ["9001"]
    extra_hosts: ["one:192.0.2.7", "gateway:host-gateway"]
    group_add: ["33", "44"]
    healthcheck: { test: 'wget -q -O- "http://127.0.0.1:8000" || exit 1', interval: 5s, timeout: 3s, retries: 4, start_period: 1m, start_interval: 1s }
    hostname: web-host
    init: true
    ipc: shareable
    labels: { org.example.team: shop }
    logging: { driver: json-file, options: { max-size: 1m, max-file: "2" } }
    mac_address: 02:42:ac:11:65:43
    mem_limit: 256m
    mem_reservation: 128m
    memswap_limit: 512m
    networks:
      back: { aliases: [inner, web-back], ipv4_address: 10.213.7.9 }
      front: { aliases: [outer] }
    oom_score_adj: 5
    pids_limit: 99
    platform: linux/amd64
    ports: ["127.0.0.1:28931:8000", "127.0.0.1:28932:8000/udp", "28933-28934:9001-9002"]
    read_only: true
    restart: on-failure:3
    runtime: runc
    security_opt: ["no-new-privileges:true", "apparmor:unconfined"]
    shm_size: 32m
    stdin_open: true
    stop_grace_period: 25s
    stop_signal: SIGINT
    sysctls: { kernel.msgmax: 65536 }
    tmpfs: ["/run", "/scratch:size=1m,mode=700"]
    tty: true
    ulimits: { nofile: { soft: 1000, hard: 2000 }, nproc: 77 }
    user: "1000:1000"
    volumes:
      - data:/data
      - shared:/shared:ro
      - /usr/share:/host/share:ro
      - { type: bind, source: /usr, target: /host/usr, bind: { propagation: rslave } }
      - { type: tmpfs, target: /fast, tmpfs: { size: 2m, mode: 0700 } }
    working_dir: /www
    deploy: { resources: { reservations: { memory: 128m, devices: [{ device_ids: ["0", "1"], capabilities: [utility, gpu] }] } } }
  agent:
    image: ${reference}
    container_name: ${project}-agent
    cgroup: private
    ipc: host
    network_mode: host
    pid: host
    privileged: true
    userns_mode: host
    uts: host
    oom_kill_disable: false
    scale: 1
    healthcheck: { disable: true }
    init: false
    deploy: { resources: { limits: { cpus: "0.25", memory: 200m, pids: 50 }, reservations: { memory: 100m } }, restart_policy: { condition: on-failure, max_attempts: 2 } }
networks:
  back: { internal: true, driver_opts: { com.docker.network.bridge.enable_icc: "true" }, labels: { a: b }, ipam: { config: [{ subnet: 10.213.7.0/24, ip_range: 10.213.7.128/25, gateway: 10.213.7.1, aux_addresses: { router: 10.213.7.2 } }] } }
  front: { attachable: true, ipam: { config: [{ subnet: 10.213.8.0/24 }] } }
volumes:
  data: { labels: { keep: "yes" } }
  shared: { driver_opts: { type: tmpfs, device: tmpfs, o: "size=1m" } }
configs: { note: { file: /etc/hostname } }
`

type Json = Record<string, unknown>

function inspect(kind: string, name: string): Json {
  const [found]: Json[] = JSON.parse(docker(kind, 'inspect', name)) as Json[]
  if (found === undefined) throw new Error(`no ${name}`)
  return found
}

/** What makes one container another than the next is left out: names, times, and the labels by which each tool finds its own. */
function comparable(container: Json): unknown {
  const { Config, HostConfig, Mounts, NetworkSettings } = container as Record<string, Json>
  const networks = Object.entries((NetworkSettings?.['Networks'] ?? {}) as Record<string, Json>)
  return withoutEmpty({
    // A list of words before the command is the first of them and more of the command. Ten seconds are what the engine takes where nobody says them.
    config: {
      StopTimeout: 10,
      ...Config,
      // No option says that input outlives who was attached to it; nobody is attached.
      AttachStdin: undefined,
      StdinOnce: undefined,
      Entrypoint: undefined,
      Cmd: [[Config?.['Entrypoint'] ?? [], Config?.['Cmd'] ?? []].flat().map(String).join(' ')],
      Labels: ownLabels(Config?.['Labels']),
      Hostname: hostnameOf(container),
    },
    // One tool mounts by the one option, the other by the other: where the engine has them is below.
    host: {
      ...HostConfig,
      ContainerIDFile: undefined,
      Binds: undefined,
      Mounts: undefined,
      ConsoleSize: undefined,
      CapAdd: capabilities(HostConfig?.['CapAdd']),
      CapDrop: capabilities(HostConfig?.['CapDrop']),
      ...(takesRates ? {} : { BlkioDeviceReadBps: undefined, BlkioDeviceWriteIOps: undefined }),
    },
    mounts: ((Mounts ?? []) as unknown as Json[]).map((one) => ({ ...one, Mode: undefined })),
    networks: Object.fromEntries(
      networks.map(([name, { IPAMConfig, MacAddress, DriverOpts, Aliases }]) => [
        name,
        { IPAMConfig, MacAddress, DriverOpts, Aliases: namesIn(Aliases, container) },
      ]),
    ),
  })
}

const isEmpty = (list: unknown): boolean => withoutEmpty(list) === null

/** As the engine has them. */
function capabilities(list: unknown): string[] {
  return ((list ?? []) as string[]).map((one) => one.replace(/^(?!CAP_)/, 'CAP_'))
}

/** Without the names of the container itself and of one of compose's service, which launchway gives as well. */
function namesIn(aliases: unknown, { Id, Name }: Json): string[] {
  const own = [String(Id).slice(0, 12), String(Name).slice(1), `${project}-named`]
  return [...new Set(((aliases ?? []) as string[]).filter((one) => !own.includes(one)))]
}

function hostnameOf({ Id, Config }: Json): unknown {
  const { Hostname } = Config as Json
  return String(Id).startsWith(String(Hostname)) ? 'its ID' : Hostname
}

/** The engine keeps what a client leaves out as nothing or as an empty list; and most lists have no order. */
function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? null : value.map((one) => JSON.stringify(withoutEmpty(one))).toSorted()
  if (value === null || typeof value !== 'object') return value ?? null
  const entries = Object.entries(value)
    .map(([key, inner]) => [key, withoutEmpty(inner)] as const)
    .filter(([, inner]) => inner !== null)
  return entries.length === 0 ? null : Object.fromEntries(entries)
}

function ownLabels(labels: unknown): Json {
  return Object.fromEntries(Object.entries((labels ?? {}) as Json).filter(([name]) => !/^(com\.docker\.compose|launchway)\./.test(name)))
}

/** As the host program does it. */
function create(service: Service, reference: string): string {
  const container = `${project}.production.${service.name}.20260101-000000-0123456`
  const owner = { app: project, environment: 'production', release: '20260101-000000-0123456', slot: 'a' as const }
  made.push(container)
  docker('create', '--name', container, '--restart', service.restart, ...containerArgs(service, owner, reference))
  for (const [, , network, , ...names] of joinCalls(service, container))
    docker('network', 'connect', ...names.flatMap((name) => ['--alias', name]), network ?? '', container)
  return container
}

/** An engine inside of a container may drop the rates of devices that `docker create` asks for, without a word; what compose asks for it keeps. */
let takesRates = true
beforeAll(() => {
  const probe = docker('create', '--device-read-bps', '/dev/null:1mb', base).trim()
  made.push(probe)
  takesRates = !isEmpty((inspect('container', probe)['HostConfig'] as Json)['BlkioDeviceReadBps'])
})

describe('a container that launchway makes of a compose project', () => {
  it('is the container that docker compose makes', async () => {
    const reference = base
    const compose = everything(reference)
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'compose.yml'), compose)
    docker('compose', '--file', join(folder, 'compose.yml'), '--project-name', project, 'create', '--no-build')
    const theirs = [`${project}-agent`, `${project}-named`].map((name) => comparable(inspect('container', name)))
    const theirNetworks = ['back', 'front'].map((name) => inspect('network', `${project}_${name}`))
    const theirVolumes = ['data', 'shared'].map((name) => inspect('volume', `${project}_${name}`))
    docker('compose', '--file', join(folder, 'compose.yml'), '--project-name', project, 'down', '--volumes')

    const { environment } = await planProject(compose, undefined, {
      head: `image: ${base}\nenvironments:\n  production:\n    host: deploy@a.example.org\n`,
    })
    for (const [name, options] of Object.entries(environment.project?.networks ?? {})) docker('network', 'create', ...options, name)
    for (const [name, options] of Object.entries(environment.project?.volumes ?? {})) docker('volume', 'create', ...options, name)
    const ours = environment.services.map((service) => comparable(inspect('container', create(service, reference))))

    expect(environment.services.map(({ name }) => name)).toEqual(['agent', 'web'])
    for (const [index, one] of ours.entries()) expect(one).toEqual(theirs[index])
    const network = ({ Driver, Options, IPAM, Internal, Attachable, EnableIPv6, Labels }: Json): unknown =>
      withoutEmpty({
        Driver,
        Options,
        IPAM,
        Internal,
        Attachable,
        EnableIPv6,
        Labels: ownLabels(Labels),
      })
    expect(['back', 'front'].map((name) => network(inspect('network', `${project}_${name}`)))).toEqual(theirNetworks.map(network))
    const volume = ({ Driver, Options, Labels }: Json): unknown => withoutEmpty({ Driver, Options, Labels: ownLabels(Labels) })
    expect(['data', 'shared'].map((name) => volume(inspect('volume', `${project}_${name}`)))).toEqual(theirVolumes.map(volume))
  })
})
