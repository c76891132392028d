import { InvalidConfig } from '../../config/load.ts'
import type { LaunchwayError } from '../../core/error.ts'
import type { Rule } from '../finding.ts'

export const invalidRules: readonly Rule<LaunchwayError>[] = [
  {
    id: 'configuration-invalid',
    topic: 'configuration',
    severity: 'error',
    looks: 'problems of launchway.yml, each with its line',
    why: 'No stage runs: CONFIG_INVALID.',
    fix: 'See docs/reference/configuration.md.',
    find: (error) =>
      error instanceof InvalidConfig
        ? error.problems.map(({ place, message }) => ({ where: place, what: message }))
        : [
            {
              where: error.place ?? { file: 'launchway.yml' },
              what: error.message,
              ...(error.hint === undefined ? {} : { fix: error.hint }),
            },
          ],
  },
]
