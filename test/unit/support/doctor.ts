import { readSources } from '../../../src/doctor/sources.ts'
import { type Finding, judge, showWhere } from '../../../src/doctor/finding.ts'
import { sourceRules } from '../../../src/doctor/table.ts'
import { fakeFiles } from '../../fakes/files.ts'

/** A configuration that says nothing of interest. */
export const plainConfig = `image: ghcr.io/team/app
branches: { main: production }
environments:
  production: { host: deploy@a.example.org, port: 5000, url: https://a.example.org, health: /healthz }
`

/** An image that nothing can be said against. */
export const plainDockerfile = 'FROM python:3.12\nCOPY app.py .\nCMD ["python", "app.py"]\n'

/** A repository that nothing can be said against, with these files in it; undefined takes one away. */
function repository(files: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const all = { 'launchway.yml': plainConfig, Dockerfile: plainDockerfile, 'app.py': '', ...files }
  return Object.fromEntries(Object.entries(all).flatMap(([path, text]) => (text === undefined ? [] : [[`/repo/${path}`, text]])))
}

/** @param modes of files, which are 0644 otherwise */
export async function findingsIn(
  files: Readonly<Record<string, string | undefined>>,
  modes: Readonly<Record<string, number>> = {},
): Promise<Finding[]> {
  const disk = fakeFiles(repository(files))
  for (const [path, mode] of Object.entries(modes)) await disk.chmod(`/repo/${path}`, mode)
  return judge(sourceRules, await readSources('launchway.yml', undefined, { files: disk, root: '/repo' }))
}

/** `error script-mode Dockerfile:3 …`, as people tell of it. */
export function told({ severity, rule, where, what }: Finding): string {
  return `${severity} ${rule} ${showWhere(where)}: ${what}`
}

/** Of one rule, where it is and what. */
export function showsOnly(id: string, findings: readonly Finding[]): string[] {
  return findings.flatMap(({ rule, where, what }) => (rule === id ? [`${showWhere(where)}: ${what}`] : []))
}
