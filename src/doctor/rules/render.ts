import type { Found, Rule } from '../finding.ts'
import type { Rendered } from '../look/render.ts'

export const renderRules: readonly Rule<readonly Rendered[]>[] = [
  {
    id: 'compose-variable',
    topic: 'compose',
    severity: 'error',
    looks: 'variables that compose files ask for and nobody gives; with :? the test of the stack stops, without it they are empty',
    why: 'Compose does not start the stack, or starts it with an empty text in that place.',
    fix: 'Give it in the environment of the step if it is a secret, else in launchway.yml: smoke: { env: { NAME: … } }',
    find: (stacks) =>
      stacks.flatMap(({ variables }) =>
        variables.map(({ name, isRequired, at }): Found => ({
          where: at ?? { environment: 'smoke' },
          what: isRequired ? `${name} is required and has no value here` : `${name} has no value here, and counts as empty`,
          severity: isRequired ? 'error' : 'warning',
        })),
      ),
  },
  {
    id: 'compose-invalid',
    topic: 'compose',
    severity: 'error',
    looks: 'compose files that `docker compose config` refuses',
    why: 'The stack cannot be started, and no tag moves.',
    fix: 'Mend what compose says.',
    find: (stacks) =>
      stacks.flatMap(({ refused }) =>
        refused === undefined
          ? []
          : [
              {
                where: refused.place ?? { tool: 'compose' },
                what: refused.message,
                ...(refused.hint === undefined ? {} : { fix: refused.hint }),
              },
            ],
      ),
  },
]
