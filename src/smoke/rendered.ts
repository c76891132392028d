import { stringify } from 'yaml'
import type { ComposeProject } from '../tools/compose.ts'
import { looksSecret } from '../core/secret-names.ts'

/** Instead of a value that is for nobody's eyes. */
const hidden = '***'

/**
 * The project as it is started, for people: without what looks like a secret by its name, however short, without what
 * compose hands on as secrets and configs, and without what is known to be one.
 * @param shown values that launchway.yml shows itself
 */
export function shownProject(file: ComposeProject, shown: ReadonlySet<string>, hide: (text: string) => string): string {
  const hush = (name: string, value: unknown): unknown =>
    typeof value === 'string' && value !== '' && looksSecret(name) && !shown.has(value.replaceAll('$$', '$')) ? hidden : value
  const pairs = (of: Readonly<Record<string, unknown>> | undefined) =>
    of === undefined ? undefined : Object.fromEntries(Object.entries(of).map(([name, value]) => [name, hush(name, value)]))
  const services = Object.entries(file.services).map(([name, service]) => {
    const { environment, build, labels } = service
    const changed = {
      environment: pairs(environment),
      labels: pairs(labels),
      build: build === undefined ? undefined : { ...build, args: pairs(build.args) },
    }
    return [name, { ...service, ...changed }] as const
  })
  const kept = (of: ComposeProject['secrets']) =>
    of === undefined
      ? undefined
      : Object.fromEntries(
          Object.entries(of).map(([name, one]) => [name, one !== null && 'content' in one ? { ...one, content: hidden } : one]),
        )
  const project = { ...file, services: Object.fromEntries(services), secrets: kept(file.secrets), configs: kept(file.configs) }
  // Before it is YAML: there the mark of what is hidden needs quotes.
  return stringify(eachText(project, plainly(hide)), { aliasDuplicateObjects: false, lineWidth: 0 })
}

/** Compose writes a `$` twice, and a secret of the run has it once. */
function plainly(hide: (text: string) => string): (text: string) => string {
  return (text) => {
    const plain = text.replaceAll('$$', '$')
    const left = hide(plain)
    return left === plain ? hide(text) : left.replaceAll('$', '$$$$')
  }
}

function eachText(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value)
  if (Array.isArray(value)) return value.map((item) => eachText(item, change))
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, eachText(inner, change)]))
}
