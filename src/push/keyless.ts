import { anyCode } from '../core/command.ts'
import { LaunchwayError } from '../core/error.ts'
import type { Ports } from '../core/ports.ts'
import type { Registry } from '../core/release.ts'
import { reachOf } from '../core/repository.ts'
import { reasonOf, signKeyless, tokenVariables, verifyKeyless } from '../tools/cosign.ts'
import type { Signer } from './sign.ts'

/** Who vouches for the identity of a workflow on GitHub. */
const githubIssuer = 'https://token.actions.githubusercontent.com'

/**
 * Signs as who runs this. Somebody who signs at a terminal opens a browser; here nobody would, and the run would wait.
 * @throws LaunchwayError SECRET_MISSING, TOOL_MISSING
 */
export async function keylessSigner(registries: readonly Registry[], ports: Ports): Promise<Signer> {
  requireIdentity(ports)
  const file = await ports.tools.cosign()
  const [server, workflow] = ['GITHUB_SERVER_URL', 'GITHUB_WORKFLOW_REF'].map((name) => ports.environment.get(name)?.reveal())
  const identity = server === undefined || workflow === undefined ? undefined : `${server}/${workflow}`
  return async (subject, repository) => {
    const of = { file, ...(await reachOf(repository, registries, ports)) }
    const reference = `${repository}@${subject.digest}`
    // The public log is for ever: of the same image nothing is entered twice.
    const before =
      identity === undefined
        ? undefined
        : await ports.exec.run(verifyKeyless(of, reference, { identity, issuer: githubIssuer }), { signal: ports.signal, accept: anyCode })
    if (before?.code === 0) return { added: false }
    const { code, stderr } = await ports.exec.run(signKeyless(of, reference), { signal: ports.signal, accept: anyCode })
    if (code === 0) return { added: true }
    throw new LaunchwayError('SIGNING_FAILED', `${reference} could not be signed: ${ports.redact(reasonOf(stderr))}`, {
      hint: 'cosign asks the token service of the run, fulcio.sigstore.dev and rekor.sigstore.dev: see https://status.sigstore.dev if they do not answer.\nNo tag has moved.',
    })
  }
}

/** @throws LaunchwayError SECRET_MISSING */
export function requireIdentity({ environment }: Pick<Ports, 'environment'>): void {
  if (tokenVariables.every((name) => (environment.get(name)?.reveal() ?? '') === '')) {
    throw new LaunchwayError('SECRET_MISSING', 'sign: keyless needs an identity, and this run has none', {
      hint: 'On GitHub, in the job that pushes:\n  permissions:\n    id-token: write\nElsewhere a token for sigstore in SIGSTORE_ID_TOKEN; at a terminal sign with a key.',
    })
  }
}
