import { LaunchwayError } from '../../src/core/error.ts'
import type { DeploymentStatus, GitHub } from '../../src/core/ports.ts'

interface FakeDeployment {
  id: number
  ref: string
  environment: string
  description: string
  /** Oldest first. */
  statuses: DeploymentStatus[]
}

export interface FakeGitHub extends GitHub {
  /** Oldest first. */
  readonly deployments: readonly FakeDeployment[]
  /** From now on the token may not write deployments. */
  withhold(): void
}

/** GitHub in memory, for tests of what talks to it. The contract in test/contract/github.test.ts holds for it as for the real one. */
export function fakeGitHub(): FakeGitHub {
  const deployments: FakeDeployment[] = []
  let allowed = true
  const refused = (what: string, why: string): LaunchwayError =>
    new LaunchwayError('GITHUB_REFUSED', `GitHub refused to ${what}: ${why}`, {
      hint: 'Give the job this right:\n  permissions:\n    deployments: write',
    })

  return {
    deployments,
    withhold() {
      allowed = false
    },

    async startDeployment(of) {
      if (!allowed) throw refused('create a deployment', 'Resource not accessible by integration')
      const id = deployments.length + 1
      deployments.push({ id, ...of, statuses: [] })
      return id
    },

    mayDeploy: async () => allowed,

    async setDeploymentStatus(id, status) {
      const what = 'set the status of a deployment'
      if (!allowed) throw refused(what, 'Resource not accessible by integration')
      const deployment = deployments.find((candidate) => candidate.id === id)
      if (deployment === undefined) throw refused(what, 'Not Found')
      deployment.statuses.push({ ...status, description: Array.from(status.description).slice(0, 140).join('') })
      if (status.state !== 'success') return
      for (const older of deployments) {
        const replaced = older.id < id && older.environment === deployment.environment && older.environment !== 'production'
        if (replaced && older.statuses.at(-1)?.state === 'success') older.statuses.push({ state: 'inactive', description: '' })
      }
    },
  }
}
