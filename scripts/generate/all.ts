import { actionFiles, actionsPage } from './actions.ts'
import { cliPage, errorsPage } from './cli.ts'
import { configurationPage } from './configuration.ts'
import { doctorPage } from './doctor.ts'
import { journalPage, namesPage } from './host.ts'
import type { GeneratedFile } from './page.ts'
import { provenPage } from './proven.ts'
import { recordPage } from './record.ts'
import { schemaFile } from './schema.ts'
import { starters } from '../../src/init/starters.ts'

/** Every file that is made from a definition, as it shall be. */
export function generated(): GeneratedFile[] {
  return [
    ...actionFiles(),
    schemaFile(),
    configurationPage(),
    cliPage(),
    actionsPage(),
    errorsPage(),
    namesPage(),
    journalPage(),
    recordPage(),
    doctorPage(),
    provenPage(),
    ...starters().map(({ name, text }) => ({ path: `workflows/${name}`, text })),
  ]
}
