import type { BuiltImage, PlannedImage, Release } from '../core/release.ts'

/**
 * Where an image comes from, as a statement that others can read.
 * @see https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
 * @see https://slsa.dev/spec/v1.0/provenance
 */

export const statementType = 'application/vnd.in-toto+json'
export const provenanceType = 'https://slsa.dev/provenance/v1'

/** What a run says of itself. */
export interface Surroundings {
  /** Who is answerable for the build: the workflow, or whose machine it was. */
  builder: string
  /** The page of the run, or what else tells it from others. */
  invocation: string
  launchway: string
}

export interface Base {
  reference: string
  /** In its registry: what the build was held to, or what the layers of the image prove. */
  digest?: string
}

/** @param subject digest of the manifest or index */
export function provenance(
  release: Pick<Release, 'id' | 'created' | 'plan'>,
  { image, built, repository, subject, bases, builder }: About,
  run: Surroundings,
): string {
  const { plan } = release
  const { context, dockerfile, target, args, platforms } = image
  return JSON.stringify({
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: repository, digest: digestOf(subject) }],
    predicateType: provenanceType,
    predicate: {
      buildDefinition: {
        buildType: 'urn:launchway:build:v1',
        externalParameters: {
          source: {
            ...(plan.source === undefined ? {} : { uri: plan.source }),
            ...(plan.ref === undefined ? {} : { ref: plan.ref }),
            revision: plan.sha,
            // What was built is not what that commit holds.
            ...(plan.dirty === true ? { dirty: true } : {}),
          },
          image: { name: image.name, context, dockerfile, ...(target === undefined ? {} : { target }), args, platforms },
        },
        internalParameters: { contentKey: built.key, how: built.how, configurations: built.config, release: release.id, event: plan.event },
        resolvedDependencies: [
          {
            ...(plan.source === undefined
              ? { name: 'source' }
              : { uri: `git+${plan.source}${plan.ref === undefined ? '' : `@${plan.ref}`}` }),
            digest: { gitCommit: plan.sha },
          },
          ...bases.map(({ reference, digest }) => ({
            uri: `docker-image://${reference}`,
            ...(digest === undefined ? {} : { digest: digestOf(digest) }),
          })),
        ],
      },
      runDetails: {
        builder: { id: run.builder, version: { launchway: run.launchway, buildx: builder } },
        metadata: { invocationId: run.invocation, startedOn: release.created },
      },
    },
  })
}

interface About {
  image: PlannedImage
  built: BuiltImage
  repository: string
  subject: string
  bases: readonly Base[]
  /** The builder that buildx used. */
  builder: string
}

function digestOf(digest: string): Record<string, string> {
  const [algorithm = 'sha256', value = ''] = digest.split(':')
  return { [algorithm]: value }
}

/** What the environment of a run says of it, on GitHub and on GitLab. @param who runs it, where there is neither */
export function surroundings(
  variable: (name: string) => string | undefined,
  run: { who: string; id: string; launchway: string },
): Surroundings {
  const [server, workflow, page] = ['GITHUB_SERVER_URL', 'GITHUB_WORKFLOW_REF', 'GITHUB_RUN_ID'].map(variable)
  const [project, job] = ['CI_PROJECT_URL', 'CI_JOB_URL'].map(variable)
  const { launchway } = run
  if (server !== undefined && workflow !== undefined) {
    const attempt = variable('GITHUB_RUN_ATTEMPT')
    const invocation = `${server}/${variable('GITHUB_REPOSITORY') ?? ''}/actions/runs/${page ?? ''}`
    return {
      builder: `${server}/${workflow}`,
      invocation: attempt === undefined ? invocation : `${invocation}/attempts/${attempt}`,
      launchway,
    }
  }
  if (project !== undefined && job !== undefined) return { builder: project, invocation: job, launchway }
  return { builder: `urn:launchway:local:${encodeURIComponent(run.who)}`, invocation: `urn:launchway:release:${run.id}`, launchway }
}
