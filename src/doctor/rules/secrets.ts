import type { Found, Rule } from '../finding.ts'
import type { KeyFault, SeenSecret, SeenSecrets } from '../look/secrets.ts'

const faults: Readonly<Record<KeyFault, string>> = {
  public: 'holds a public key: the private one is the file without .pub',
  putty: 'holds a key in the format of PuTTY: export it as an OpenSSH key',
  passphrase: 'holds a key with a passphrase, which nobody is there to type',
  unreadable: 'holds no private key that OpenSSH can read: give the whole file, with its BEGIN and END lines',
}

export const secretRules: readonly Rule<SeenSecrets>[] = [
  {
    id: 'secret-missing',
    topic: 'secrets',
    severity: 'error',
    looks:
      'secrets that launchway.yml names and the environment does not have: those of services and of builds, the SSH key, passwords of registries, the key to sign with; at a terminal a hint',
    why: 'The release stops where it needs them: SECRET_MISSING.',
    fix: 'In a workflow, in the step: env: { NAME: ${{ secrets.NAME }} }. At a terminal: export NAME=…',
    find: ({ secrets, isRunner }) =>
      secrets.flatMap((one): Found[] => {
        // Without a key the agent and ~/.ssh are used, which a runner does not have.
        if (one.state === 'there' || (one.kind === 'key' && !isRunner)) return []
        const what = `${one.for} needs ${one.name}, which is ${one.state === 'empty' ? 'empty' : 'not set'} here`
        return [{ where: one.where, what, severity: isRunner ? 'error' : 'hint' }]
      }),
  },
  {
    id: 'secret-ungiven',
    topic: 'secrets',
    severity: 'warning',
    looks: 'secrets that launchway.yml names and none of the workflows gives that build, push or deploy with them',
    why: 'A step has the secrets alone that it is given: it stops with SECRET_MISSING, although the secret is set in GitHub.',
    fix: 'In the step: env: { NAME: ${{ secrets.NAME }} }; the SSH key and the password of a registry also as its inputs.',
    find: ({ secrets }) =>
      secrets.flatMap(({ name, where, isUngiven }) => (isUngiven ? [{ where, what: `no workflow gives ${name}` }] : [])),
  },
  {
    id: 'secret-line-ends',
    topic: 'secrets',
    severity: 'warning',
    looks: 'secrets with a carriage return in them, or a newline at their end',
    why: 'Whoever needs it gets it as it is: a password with a newline is another password.',
    fix: 'Give it anew, without: printf %s VALUE | gh secret set NAME',
    find: ({ secrets }) =>
      secrets.flatMap((one) => (one.ends === undefined ? [] : [{ where: one.where, what: `${one.name} has ${one.ends}` }])),
  },
  {
    id: 'key-unreadable',
    topic: 'secrets',
    severity: 'error',
    looks: 'an SSH key that is none (a public key, one with a passphrase, half a file), and a key that nothing can be signed with',
    why: 'No host lets anybody in with the one, and no image gets a signature with the other.',
    fix: 'Make a key for deploys alone: ssh-keygen -t ed25519 -N "" -f deploy_key',
    find: ({ secrets }) =>
      secrets.flatMap((one: SeenSecret) =>
        one.fault !== undefined
          ? [{ where: one.where, what: `${one.name} ${faults[one.fault]}` }]
          : one.unusable !== undefined
            ? [
                {
                  where: one.where,
                  what: `${one.name} cannot be signed with: ${one.unusable}`,
                  fix: 'Give the whole file, from -----BEGIN to -----END, and its password: evidence.sign.key and evidence.sign.password name them.',
                },
              ]
            : [],
      ),
  },
  {
    id: 'build-file',
    topic: 'secrets',
    severity: 'error',
    looks: 'files that images.<name>.secrets names and that are not there; at a terminal a hint',
    why: 'The build stops: SECRET_MISSING.',
    fix: 'Write it in a step before; it need not be committed.',
    find: ({ buildFiles, isRunner }) =>
      buildFiles.map(({ where, said }) => ({ where, what: said, severity: isRunner ? ('error' as const) : ('hint' as const) })),
  },
  {
    id: 'verify-key',
    topic: 'secrets',
    severity: 'error',
    looks: 'public keys that environments.<name>.verify names and that are not there, or are none',
    why: 'Nothing is deployed: CONFIG_INVALID.',
    fix: 'Commit the public key: cosign generate-key-pair writes it as cosign.pub.',
    find: ({ verifyKeys }) => verifyKeys.map(({ where, said }) => ({ where, what: said })),
  },
  {
    id: 'registry-authority',
    topic: 'registry',
    severity: 'error',
    looks: 'certificates that registries.<host>.ca names and that are not there, or are none; at a terminal a hint for an absolute path',
    why: 'The registry cannot be reached over TLS: nothing is pushed, and nothing pulled.',
    fix: 'Commit the certificate of the authority as a PEM file; or write it in a step before.',
    find: ({ authorities, isRunner }) =>
      authorities.map(({ where, said, isElsewhere }) => ({
        where,
        what: said,
        ...(isElsewhere && !isRunner ? { severity: 'hint' as const } : {}),
      })),
  },
  {
    id: 'env-file',
    topic: 'secrets',
    severity: 'error',
    looks: 'env-files that are not there, or have a name that no container can be given; at a terminal a hint for one that is not there',
    why: 'The deploy stops: SECRET_MISSING, or CONFIG_INVALID.',
    fix: 'Commit the file, or write it in a step before.',
    find: ({ envFiles, isRunner }) =>
      envFiles.map(({ path, where, said }) => ({
        where,
        what: `${path}: ${said}`,
        ...(said === 'it is not there' && !isRunner ? { severity: 'hint' as const } : {}),
      })),
  },
]
