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
      'secrets that launchway.yml names and the environment does not have: those of services, the SSH key, passwords of registries; at a terminal a hint',
    why: 'The deploy stops where it needs them: SECRET_MISSING.',
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
    looks: 'secrets that launchway.yml names and none of the workflows that deploy gives',
    why: 'A step has the secrets alone that it is given: the deploy stops with SECRET_MISSING, although the secret is set in GitHub.',
    fix: 'In the step: env: { NAME: ${{ secrets.NAME }} }; the SSH key and the password of a registry also as its inputs.',
    find: ({ secrets, ungiven }) =>
      secrets.flatMap(({ name, where }) => (ungiven.has(name) ? [{ where, what: `no workflow gives ${name}` }] : [])),
  },
  {
    id: 'secret-line-ends',
    topic: 'secrets',
    severity: 'warning',
    looks: 'secrets with a carriage return in them, or a newline at their end',
    why: 'The application gets it as it is: a password with a newline is another password.',
    fix: 'Give it anew, without: printf %s VALUE | gh secret set NAME',
    find: ({ secrets }) =>
      secrets.flatMap((one) => (one.ends === undefined ? [] : [{ where: one.where, what: `${one.name} has ${one.ends}` }])),
  },
  {
    id: 'key-unreadable',
    topic: 'secrets',
    severity: 'error',
    looks: 'an SSH key that is none: a public key, one with a passphrase, half a file',
    why: 'No host lets anybody in with it.',
    fix: 'Make a key for deploys alone: ssh-keygen -t ed25519 -N "" -f deploy_key',
    find: ({ secrets }) =>
      secrets.flatMap((one: SeenSecret) =>
        one.fault === undefined ? [] : [{ where: one.where, what: `${one.name} ${faults[one.fault]}` }],
      ),
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
