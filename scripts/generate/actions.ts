import { stringify } from 'yaml'
import { type ActionDefinition, actions, type InputName, inputNames, inputOf, outputTable } from '../../src/inputs.ts'
import { code, type GeneratedFile, notice, page, prose, table } from './page.ts'

const source = 'src/inputs.ts'

/** Where an action's folder is: the whole release at the root, so that `uses: launchway` is enough. */
export function folderOf({ stage }: ActionDefinition): string {
  return stage === undefined ? '.' : `actions/${stage}`
}

/** Every action.yml. All have the same outputs: each is empty until the stage that knows it has run. */
export function actionFiles(): GeneratedFile[] {
  return actions.map((action) => {
    const folder = folderOf(action)
    const definition = {
      name: action.name,
      description: action.description,
      branding: { icon: 'upload-cloud', color: 'blue' },
      inputs: Object.fromEntries(action.inputs.map((name) => [name, inputDefinition(name)])),
      outputs: Object.fromEntries(Object.entries(outputTable).map(([name, description]) => [name, { description }])),
      runs: { using: 'node24', main: `${folder === '.' ? '' : '../../'}dist/${action.entry}.js` },
    }
    return {
      path: folder === '.' ? 'action.yml' : `${folder}/action.yml`,
      text: `# ${notice(source)}\n${stringify(definition, { lineWidth: 0, singleQuote: true })}`,
    }
  })
}

function inputDefinition(name: InputName) {
  const { description, default: value } = inputOf(name)
  return { description, required: false, ...(value === undefined ? {} : { default: value }) }
}

const permissions = [
  [code('contents: read'), 'the checkout'],
  [
    code('packages: write'),
    'images, and what lies beside them, on ghcr.io; ' + code('packages: read') + ' where a job only deploys, or compares with what runs',
  ],
  [code('deployments: write'), 'the input ' + code('deployments')],
  [code('id-token: write'), code('evidence.sign: keyless') + ': the identity of the workflow, which signs'],
  [code('contents: write'), 'a workflow on ' + code('release') + ': the release gets the record and the SBOMs as files'],
]

/** The inputs and outputs of every action, and where they meet the environment of a step. */
export function actionsPage(): GeneratedFile {
  const sections = actions.flatMap((action) => {
    const folder = folderOf(action)
    const uses = `uses: OWNER/launchway${folder === '.' ? '' : `/${folder}`}@COMMIT`
    const rows = action.inputs.map((name) => {
      const { description, default: value } = inputOf(name)
      return [code(name), value === undefined ? '' : code(value), prose(description)]
    })
    const more = folder === '.' ? [] : [`Permissions, a whole example and the hand-over: [${folder}](../../${folder}/README.md).`]
    return [`## ${action.name}`, action.description, code(uses), table(['input', 'default', 'meaning'], rows), ...more]
  })
  return page('docs/reference/actions.md', 'Actions', source, [
    'One step runs the whole release; others run one stage each, in as many jobs as you like, and three move the hosts between the versions that they keep. All need Node 24 on the runner, `actions/checkout` before them, and no input is required.',
    ...sections,
    '## Outputs',
    'Every action has these. Each stays empty until the stage that knows it has run; `rollback`, `confirm` and `abort` set `environment`, `version`, `url` and `verdict`.',
    table(
      ['output', 'meaning'],
      Object.entries(outputTable).map(([name, meaning]) => [code(name), prose(meaning)]),
    ),
    '## Permissions',
    'What the token of a job may do is said in the workflow; launchway asks for no more than it uses. Without one of the last three a warning, or the failure, says which is missing.',
    table(['permission', 'for'], permissions),
    '## Secrets',
    'What `secrets:` in launchway.yml names is read from the environment of the step. An input that gives a secret stands in for a variable:',
    table(
      ['input', 'variable'],
      inputNames.flatMap((name) => {
        const { secret } = inputOf(name)
        return secret === undefined ? [] : [[code(name), code(secret)]]
      }),
    ),
    'All of them are masked in the log, line by line and in their base64 and URL-encoded forms.',
  ])
}
