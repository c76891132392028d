import {
  checkedOut,
  configInput,
  indent,
  keptEvidence,
  list,
  noSecrets,
  plain,
  queued,
  registryInputs,
  rights,
  type Setting,
  sshKey,
  step,
  uses,
} from './workflow-parts.ts'

/** Workflows that somebody starts by hand: Actions, "Run workflow". */

/** The input of a button that says where. */
function choice({ environments }: Setting, description: string): string[] {
  const names = environments.map(({ name }) => name)
  return [
    'environment:',
    `  description: ${description}`,
    '  type: choice',
    `  options: ${list(names)}`,
    `  default: ${plain(names[0] ?? '')}`,
  ]
}

const dryRun = [
  '      dry-run:',
  '        description: Only say what would happen, and do nothing',
  '        type: boolean',
  '        default: false',
]

/** The job of a button: in line with the deploys of push.yml, which have the same group. */
function button(of: Setting, name: string, steps: readonly string[]): string[] {
  return [
    'permissions: {}',
    '',
    'jobs:',
    `  ${name}:`,
    ...indent(
      [
        'runs-on: ubuntu-latest',
        'timeout-minutes: 30',
        'environment: ${{ inputs.environment }}',
        '# In line with the deploys of push.yml: it has the same group.',
        ...queued('launchway-${{ inputs.environment }}'),
        ...rights(of, 'write'),
        'steps:',
        ...indent(['# For launchway.yml and .github/known_hosts: no line of the application is read.', ...checkedOut, ...steps], 2),
      ],
      4,
    ),
  ]
}

function allSecrets({ environments, passwords }: Setting): string[] {
  return [...new Set([...environments.flatMap(({ secrets }) => secrets), ...passwords])]
}

export function redeploy(of: Setting): string[] {
  const inputs = [
    ...configInput(of),
    'redeploy: ${{ inputs.version }}',
    'without-before-switch: ${{ inputs.without-before-switch }}',
    'dry-run: ${{ inputs.dry-run }}',
    'environment: ${{ inputs.environment }}',
    ...registryInputs(of),
    sshKey,
  ]
  const secrets = allSecrets(of)
  return [
    'name: redeploy',
    '',
    'on:',
    '  workflow_dispatch:',
    '    inputs:',
    '      version:',
    '        description: Version to put live, a tag of the image such as v1.2.3, or a commit',
    '        type: string',
    '        required: true',
    ...indent(choice(of, 'Environment to put it live in'), 6),
    '      without-before-switch:',
    '        description: Leave out the before-switch command, for a version older than the database',
    '        type: boolean',
    '        default: false',
    ...dryRun,
    '',
    ...button(of, 'redeploy', [
      ...step(uses(of.pin), inputs, secrets),
      ...(secrets.length === 0 ? noSecrets : []),
      ...keptEvidence('${{ inputs.environment }}'),
    ]),
  ]
}

export function versions(of: Setting): string[] {
  const place = [...configInput(of), 'environment: ${{ inputs.environment }}', 'dry-run: ${{ inputs.dry-run }}']
  const login = registryInputs(of)
  const move = (name: string, inputs: readonly string[]): string[] =>
    step(uses(of.pin, `/actions/${name}`), inputs, of.passwords, `inputs.move == '${name}'`)
  return [
    'name: versions',
    '',
    'on:',
    '  workflow_dispatch:',
    '    inputs:',
    '      move:',
    '        description: What to do with the version that runs',
    '        type: choice',
    '        options: [rollback, confirm, abort]',
    '        default: rollback',
    ...indent(choice(of, 'Environment to do it in'), 6),
    '      version:',
    '        description: For rollback, a version that the hosts keep. Empty, the one before',
    '        type: string',
    '        required: false',
    ...dryRun,
    '',
    ...button(of, 'versions', [
      ...move('rollback', [...place, 'version: ${{ inputs.version }}', ...login, sshKey]),
      ...move('confirm', [...place, sshKey]),
      ...move('abort', [...place, ...login, sshKey]),
    ]),
  ]
}
