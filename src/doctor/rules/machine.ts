import type { Rule } from '../finding.ts'
import type { Machine, ToolName } from '../look/machine.ts'

const install: Readonly<Record<Exclude<ToolName, 'trivy'>, string>> = {
  docker: 'Install it: https://docs.docker.com/engine/install/',
  buildx: 'Install the plugin of docker: https://github.com/docker/buildx#installing',
  compose: 'Install the plugin of docker: https://docs.docker.com/compose/install/linux/',
  git: 'Install it: https://git-scm.com/downloads',
  ssh: 'Install the client of OpenSSH (package openssh-client).',
}

const says: Readonly<Record<Exclude<ToolName, 'trivy'>, string>> = {
  docker: 'nothing can be built',
  buildx: 'nothing can be built',
  compose: 'the stack cannot be started for its test',
  git: 'nobody knows which commit is released',
  ssh: 'no host can be reached',
}

export const machineRules: readonly Rule<Machine>[] = [
  {
    id: 'tool-missing',
    topic: 'machine',
    severity: 'error',
    looks: 'docker, buildx, compose, git and ssh, as far as the configuration needs them',
    why: 'A stage calls it, and stops.',
    fix: 'Install it.',
    find: ({ tools }) =>
      [...tools].flatMap(([tool, seen]) =>
        'missing' in seen && tool !== 'trivy'
          ? [{ where: { tool }, what: `${tool} is not there (${seen.missing}): ${says[tool]}`, fix: install[tool] }]
          : [],
      ),
  },
  {
    id: 'engine-silent',
    topic: 'machine',
    severity: 'error',
    looks: 'a Docker engine that does not answer',
    why: 'Images are built and stacks are tested by it.',
    fix: 'Start it (systemctl start docker), or give the account the right to use it (usermod -aG docker USER, then log in anew).',
    find: ({ engine }) =>
      engine !== undefined && 'missing' in engine
        ? [{ where: { tool: 'docker' }, what: `the Docker engine does not answer: ${engine.missing}` }]
        : [],
  },
  {
    id: 'tool-old',
    topic: 'machine',
    severity: 'error',
    looks: 'versions of the engine (20.10) and of compose (2.19) that are too old',
    why: 'They lack options that launchway uses, and fail in the middle.',
    fix: 'Install a newer one.',
    find: ({ tools, engine }) => [
      ...(isOlder(engine, [20, 10])
        ? [{ where: { tool: 'docker' }, what: `the Docker engine ${versionOf(engine)} is older than 20.10` }]
        : []),
      ...(isOlder(tools.get('compose'), [2, 19])
        ? [{ where: { tool: 'compose' }, what: `docker compose ${versionOf(tools.get('compose'))} is older than 2.19` }]
        : []),
    ],
  },
  {
    id: 'trivy-missing',
    topic: 'machine',
    severity: 'hint',
    looks: 'Trivy',
    why: 'The first scan fetches it, and stops where the network does not allow that.',
    fix: 'Nothing where the network allows it; else put it into PATH.',
    find: ({ tools }) => {
      const trivy = tools.get('trivy')
      return trivy !== undefined && 'missing' in trivy
        ? [{ where: { tool: 'trivy' }, what: 'Trivy is not here yet: the first scan fetches it' }]
        : []
    },
  },
  {
    id: 'commit-missing',
    topic: 'machine',
    severity: 'error',
    looks: 'a folder that is no git repository, or has no commit',
    why: 'A release is of a commit: its version and its tags are made from it.',
    fix: 'git init && git add --all && git commit',
    find: ({ tools, hasCommit }) => {
      const git = tools.get('git')
      return hasCommit || git === undefined || 'missing' in git ? [] : [{ where: { tool: 'git' }, what: 'there is no commit here' }]
    },
  },
]

function versionOf(tool: Machine['engine']): string {
  return tool !== undefined && 'version' in tool ? tool.version : ''
}

/** One that cannot be read is somebody's own build: no reason to refuse it. */
function isOlder(tool: Machine['engine'], [major, minor]: readonly [number, number]): boolean {
  const [, a, b] = /^v?(\d+)\.(\d+)/.exec(versionOf(tool)) ?? []
  if (a === undefined || b === undefined) return false
  return Number(a) < major || (Number(a) === major && Number(b) < minor)
}
