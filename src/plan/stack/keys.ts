/**
 * What becomes of each key of a service of a compose project on a Swarm. A key that no list here has is one that Swarm does
 * not know either.
 */

/** They go into the stack as compose renders them. */
export const kept: ReadonlySet<string> = new Set([
  ...['cap_add', 'cap_drop', 'command', 'credential_spec', 'dns', 'dns_search', 'entrypoint', 'environment', 'hostname', 'init'],
  ...['isolation', 'labels', 'logging', 'read_only', 'stdin_open', 'stop_grace_period', 'stop_signal', 'sysctls', 'tty', 'ulimits'],
  ...['user', 'working_dir'],
])

/** They are said in other words there. */
export const translated: ReadonlySet<string> = new Set([
  ...['configs', 'cpus', 'deploy', 'extra_hosts', 'healthcheck', 'image', 'mem_limit', 'mem_reservation', 'networks', 'pids_limit'],
  ...['ports', 'restart', 'scale', 'secrets', 'shm_size', 'tmpfs', 'volumes', 'build', 'depends_on'],
])

/** They mean nothing there, and nobody misses them. */
export const dropped: ReadonlySet<string> = new Set([
  ...['annotations', 'attach', 'develop', 'env_file', 'expose', 'extends', 'profiles', 'provider', 'pull_policy'],
])

/** A service without them would be another one: what to write instead. */
export const refused: Readonly<Record<string, string>> = {
  devices: 'Swarm gives a task no device of its node: run this service outside of the stack, in an environment with compose:',
  device_cgroup_rules: 'Swarm gives a task no device of its node: run this service outside of the stack',
  external_links: 'put both on a network with `external: true`; there they find each other by name',
  gpus: 'use deploy.resources.reservations.generic_resources, for which the nodes name what they have',
  group_add: 'give the process its group with user: "UID:GID", or the files to the group that it has',
  ipc: 'tasks share no memory: put both programs into one image, or use a volume',
  network_mode: 'tasks have networks of the stack; for the address of the node use ports with mode: host',
  pid: 'tasks see their own processes alone',
  privileged: 'give it what it needs with cap_add; what needs the whole node runs outside of the stack',
  runtime: 'set it as default-runtime of the engine on those nodes, and choose them with deploy.placement.constraints',
  volumes_from: 'name the same volume in both services',
}

/** It runs without them: what it then does, or what to write instead. */
export const ignored: Readonly<Record<string, string>> = {
  blkio_config: 'limit it with deploy.resources, which knows processor, memory and processes',
  cgroup: 'Swarm sets none',
  cgroup_parent: 'Swarm sets none',
  container_name: 'tasks are called by stack, service and number; others reach it by the name of the service, and by networks.*.aliases',
  cpu_count: 'use deploy.resources.limits.cpus',
  cpu_percent: 'use deploy.resources.limits.cpus',
  cpu_period: 'use deploy.resources.limits.cpus',
  cpu_quota: 'use deploy.resources.limits.cpus',
  cpu_rt_period: 'use deploy.resources.limits.cpus',
  cpu_rt_runtime: 'use deploy.resources.limits.cpus',
  cpu_shares: 'use deploy.resources.limits.cpus',
  cpuset: 'use deploy.resources.limits.cpus',
  domainname: 'write the whole name as hostname',
  links: 'services of one network find each other by name; for another name use networks.*.aliases',
  mac_address: 'Swarm gives tasks theirs',
  mem_swappiness: 'Swarm sets none',
  memswap_limit: 'Swarm sets none',
  oom_kill_disable: 'Swarm sets none; deploy.resources.reservations.memory keeps memory for it',
  oom_score_adj: 'Swarm sets none; deploy.resources.reservations.memory keeps memory for it',
  platform: 'say where it may run with deploy.placement.constraints: [node.platform.arch == …]',
  post_start: 'Swarm runs none: have the image do it when it starts',
  pre_stop: 'Swarm runs none: have the program do it on its stop signal',
  security_opt: 'set what all containers of those nodes shall have in the daemon.json of their engines',
  storage_opt: 'set it in the daemon.json of the engines',
  userns_mode: 'set it in the daemon.json of the engines',
  uts: 'Swarm sets none',
}
