import { registerHooks } from 'node:module'

/**
 * GitHub's own reader of workflows and of action.yml. It is made for bundlers: its modules import JSON without saying so, which Node
 * refuses. So Node is told while it loads, and of its files alone.
 */
async function load() {
  const hook = registerHooks({
    load: (url, context, next) =>
      next(url, /\/@actions\/workflow-parser\/.*\.json$/.test(url) ? { ...context, importAttributes: { type: 'json' } } : context),
  })
  try {
    return { ...(await import('@actions/workflow-parser')), ...(await import('@actions/workflow-parser/actions/index')) }
  } finally {
    hook.deregister()
  }
}

const parser = await load()

/** What GitHub would say of a workflow: schema, expressions and the contexts they may use, filters, and what waits for what. */
export async function wrongInWorkflow(name: string, content: string): Promise<string[]> {
  const { context, value } = parser.parseWorkflow({ name, content }, new parser.NoOperationTraceWriter())
  if (value !== undefined) await parser.convertWorkflowTemplate(context, value)
  return context.errors.getErrors().map(({ message }) => message)
}

/** What it would say of an action.yml, and the inputs that it sees there. */
export function readAction(name: string, content: string): { wrong: string[]; inputs: string[] } {
  const { context, value } = parser.parseAction({ name, content }, new parser.NoOperationTraceWriter())
  const template = value === undefined ? undefined : parser.convertActionTemplate(context, value)
  return { wrong: context.errors.getErrors().map(({ message }) => message), inputs: template?.inputs?.map(({ id }) => id) ?? [] }
}
