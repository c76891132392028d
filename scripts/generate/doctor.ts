import { topicNames, topics } from '../../src/doctor/finding.ts'
import { allRules } from '../../src/doctor/table.ts'
import { code, type GeneratedFile, page, prose, table } from './page.ts'

/** Everything that doctor looks for, from its rules. */
export function doctorPage(): GeneratedFile {
  return page('docs/reference/doctor.md', 'What doctor looks for', 'src/doctor/rules/', [
    'How to read its answer, and what `--fix` does: [the guide](../guide/doctor.md). The names are a contract: `--json` has them as `rule`.',
    ...topicNames.flatMap((topic) => [
      `## ${topics[topic]}`,
      table(
        ['rule', 'severity', 'looks for', 'why', 'what to do'],
        allRules
          .filter((rule) => rule.topic === topic)
          .map(({ id, severity, looks, why, fix }) => [code(id), severity, prose(looks), prose(why), prose(fix)]),
      ),
    ]),
  ])
}
