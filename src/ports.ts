import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from './adapters/clock.ts'
import { localFiles } from './adapters/files.ts'
import { thisProcess } from './adapters/self.ts'
import type { Assets, Branches, Cache, GitHub, Log, Notices, Ports } from './core/ports.ts'
import { redact, Secret } from './core/secret.ts'

export interface Surroundings {
  env: Record<string, string | undefined>
  log: Log
  root: string
  evidence: string
  who: string
  signal: AbortSignal
  /** Told of each secret when it is first asked for, so that it can be masked before anything prints it. */
  onSecret(this: void, secret: Secret): void
  /** Whether deployments are recorded through GitHub's API. */
  github: boolean
  /** Whether somebody sits at a terminal who can be asked. */
  isAttended?: boolean
}

/**
 * The real outside, for both doors. An adapter is loaded when it is first called: together they take longer than all
 * else that an action does at its start. `close` removes what this run alone needed.
 */
export function openPorts({
  env,
  log,
  root,
  evidence,
  who,
  signal,
  onSecret,
  github,
  isAttended = false,
}: Surroundings): Ports & { close(this: void): void } {
  const known = new Map<string, Secret>()
  const learn = (secret: Secret): Secret => {
    const value = secret.reveal()
    const before = known.get(value)
    if (before !== undefined) return before
    known.set(value, secret)
    onSecret(secret)
    return secret
  }
  const secret = (name: string): Secret | undefined => {
    const value = env[name]
    return value === undefined || value === '' ? undefined : learn(new Secret(value))
  }
  const files = localFiles(env['RUNNER_TEMP'] ?? tmpdir())
  const folder = join(env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'launchway')
  const exec: Ports['exec'] = {
    read: async (command) => (await import('./adapters/exec.ts')).processExec.read(command),
    run: async (command, options) => (await import('./adapters/exec.ts')).processExec.run(command, options),
  }
  const engine = once(async () => (await import('./adapters/engine.ts')).dockerEngine())
  const registries = once(async () => {
    const [{ ociRegistries }, { findCredentials }] = await Promise.all([
      import('./adapters/registry/repository.ts'),
      import('./adapters/registry/credentials.ts'),
    ])
    const find: Parameters<typeof ociRegistries>[1] = (settings) => findCredentials(settings, { env, secret, exec, onSecret: learn })
    return ociRegistries(systemClock, find, signal, { onPause: (line) => log.info(line) })
  })
  const openedCache = once(() => openCache(env, folder, log))
  const cache: Cache = {
    restore: async (...asked) => (await openedCache()).restore(...asked),
    save: async (...asked) => (await openedCache()).save(...asked),
  }
  const around = { env, folder, clock: systemClock, signal, log }
  const gitHub = once(() => openGitHub(env, secret))
  return {
    exec,
    ssh: { connect: async (...asked) => (await import('./adapters/ssh.ts')).openSsh(exec, files).connect(...asked) },
    engine: {
      info: async () => (await engine()).info(),
      platform: async () => (await engine()).platform(),
      image: async (reference) => (await engine()).image(reference),
      history: async (reference) => (await engine()).history(reference),
      filesIn: async (...asked) => (await engine()).filesIn(...asked),
      host: async () => (await engine()).host(),
      containers: async (label) => (await engine()).containers(label),
      container: async (id) => (await engine()).container(id),
      changes: async (...asked) => (await engine()).changes(...asked),
      lastLines: async (...asked) => (await engine()).lastLines(...asked),
      start: async (id) => (await engine()).start(id),
      stop: async (...asked) => (await engine()).stop(...asked),
      memory: async (id) => (await engine()).memory(id),
      labelled: async (label) => (await engine()).labelled(label),
      remove: async (label) => (await engine()).remove(label),
    },
    registry: {
      repository: async (...asked) => (await registries()).repository(...asked),
      credentials: async (settings) => (await registries()).credentials(settings),
    },
    probe: {
      ask: async (...asked) => (await import('./adapters/probe.ts')).localProbe.ask(...asked),
      get: async (...asked) => (await import('./adapters/probe.ts')).localProbe.get(...asked),
      connects: async (...asked) => (await import('./adapters/probe.ts')).localProbe.connects(...asked),
    },
    github:
      github && env['GITHUB_REPOSITORY'] !== undefined && secret('GITHUB_TOKEN') !== undefined
        ? {
            startDeployment: async (of) => (await gitHub()).startDeployment(of),
            mayDeploy: async () => (await gitHub()).mayDeploy(),
            setDeploymentStatus: async (...asked) => (await gitHub()).setDeploymentStatus(...asked),
          }
        : undefined,
    assets:
      releasedOn(env) && secret('GITHUB_TOKEN') !== undefined
        ? { put: async (...asked) => (await openAssets(env, secret)).put(...asked) }
        : undefined,
    ...(env['GITHUB_REPOSITORY'] === undefined || secret('GITHUB_TOKEN') === undefined
      ? {}
      : { branchHead: async (branch: string) => (await gitHub()).branchHead(branch), notices: openNotices(env, secret) }),
    cache,
    files,
    tools: {
      folder,
      trivy: async (how) => (await import('./adapters/trivy.ts')).findTrivy(around, how),
      cosign: async () => (await import('./adapters/cosign.ts')).findCosign(around),
      isWhole: async (file) => (await import('./adapters/bolt.ts')).isWhole(file),
      hasRows: async (...asked) => (await import('./adapters/sqlite.ts')).hasRows(...asked),
      cache: cacheService(env) === undefined ? undefined : cache,
    },
    watcher: async (onChange) => (await import('./adapters/watcher.ts')).fileWatcher(onChange),
    clock: systemClock,
    log,
    root,
    evidence,
    environment: new Map(Object.entries(env).map(([name, value = '']) => [name, new Secret(value)])),
    secret,
    conceal: (value) => learn(new Secret(value)),
    redact: (text) => redact(text, known.values()),
    who,
    self: thisProcess,
    prompt: isAttended ? async (question) => (await import('./adapters/prompt.ts')).terminalPrompt(signal)(question) : undefined,
    signal,
    close: files.close,
  }
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => (made ??= make())
}

/** Where a runner keeps caches for all runners. */
function cacheService(env: Surroundings['env']): string | undefined {
  return env['ACTIONS_RESULTS_URL'] ?? env['ACTIONS_CACHE_URL']
}

async function openCache(env: Surroundings['env'], folder: string, log: Log): Promise<Cache> {
  const { actionsCache, folderCache } = await import('./adapters/cache.ts')
  return cacheService(env) === undefined ? folderCache(join(folder, 'entries'), log) : actionsCache(log)
}

/** A release on GitHub set this run off. */
function releasedOn(env: Surroundings['env']): boolean {
  return env['GITHUB_EVENT_NAME'] === 'release' && env['GITHUB_REPOSITORY'] !== undefined
}

async function openAssets(env: Surroundings['env'], secret: Ports['secret']): Promise<Assets> {
  return (await import('./adapters/github-assets.ts')).releaseAssets(settingsOf(env, secret))
}

function openNotices(env: Surroundings['env'], secret: Ports['secret']): Notices {
  const notices = once(async () => (await import('./adapters/github-notices.ts')).gitHubNotices(settingsOf(env, secret)))
  return {
    comment: async (of) => (await notices()).comment(of),
    findIssue: async (of) => (await notices()).findIssue(of),
    openIssue: async (of) => (await notices()).openIssue(of),
    changeIssue: async (...asked) => (await notices()).changeIssue(...asked),
    closeIssue: async (number) => (await notices()).closeIssue(number),
    say: async (...asked) => (await notices()).say(...asked),
    uploadSarif: async (of) => (await notices()).uploadSarif(of),
    sarifStatus: async (upload) => (await notices()).sarifStatus(upload),
  }
}

async function openGitHub(env: Surroundings['env'], secret: Ports['secret']): Promise<Branches & GitHub> {
  const { octokitGitHub } = await import('./adapters/github.ts')
  return octokitGitHub({ ...settingsOf(env, secret), runUrl: runUrl(env) })
}

function settingsOf(env: Surroundings['env'], secret: Ports['secret']): { repository: string; token: Secret; apiUrl: string } {
  return {
    repository: env['GITHUB_REPOSITORY'] ?? '',
    token: secret('GITHUB_TOKEN') ?? new Secret(''),
    apiUrl: env['GITHUB_API_URL'] ?? 'https://api.github.com',
  }
}

/** The page of this workflow run. */
export function runUrl(env: Surroundings['env']): string | undefined {
  const [server, repository, run] = [env['GITHUB_SERVER_URL'], env['GITHUB_REPOSITORY'], env['GITHUB_RUN_ID']]
  return server === undefined || repository === undefined || run === undefined ? undefined : `${server}/${repository}/actions/runs/${run}`
}
