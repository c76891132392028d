import { z } from 'zod'
import { Release } from '../../src/core/release.ts'
import { code, fenced, type GeneratedFile, page, prose, table } from './page.ts'
import { isOptional, typeOf, unwrap } from './types.ts'

const top = 'release'

/** What a field's name does not say. A test of the generator: a name that is no field any more is an error. */
const meanings: Readonly<Record<string, string>> = {
  'release.version':
    'version of this format; a released field keeps its meaning under it, and a reader overlooks keys that it does not know',
  'release.id': 'the release, named by time and commit',
  'release.created': 'when it was planned, ISO 8601 in UTC',
  'release.outcome': 'how the run ended so far',
  'release.outcome.code': 'the error that ended it',
  'release.outcome.stage': 'the step that failed',
  'release.outcome.evidence': 'what the failure showed: the last of it, without the secrets of the run',
  'plan.ref': '`refs/heads/…` or `refs/tags/…`',
  'plan.dirty': 'on a terminal: files were not as committed',
  'plan.version': 'what people call this version: the first image tag',
  'plan.images[].repositories': 'where it is pushed; hosts pull from the first',
  'plan.images[].contexts': 'by the name in FROM',
  'plan.images[].secrets': 'where the values come from; never a value',
  'plan.images[].ssh[].key': 'name of the environment variable that holds it; without it the agent',
  'plan.images[].cache': 'in the words of buildx',
  'plan.images[].bake': 'what else a bake file says of it',
  'plan.bases': 'what images are built on and nobody pushes',
  'plan.build': 'what somebody asked for: without the layers of earlier builds, with base images asked for anew',
  'plan.tags': 'tags, without a repository, that move once the gates have passed',
  'plan.immutable': 'those of them that are made once and never name anything else, such as a version',
  'plan.registries[].password': 'name of the environment variable that holds it',
  'plan.environment': 'what runs where, with every default filled in',
  'plan.proposed': 'of a pull request, what a merge would put live, as far as the files of the repository tell it',
  'plan.proposed.at': 'where people would reach it',
  'plan.proposed.containers[].how': 'when it starts, how it is reached, what stops first',
  'plan.stages': 'by stage',
  'plan.stages.*.reason': 'why it runs or is skipped',
  'build.images[].key': 'content key',
  'build.images[].bases': 'of one that was built: by name the images that the build was held to, with the digest in their registry',
  'build.images[].config': 'by platform: digest of the configuration, the identity of the image in every store',
  'build.images[].registries': 'by repository, once uploaded',
  'build.images[].registries.*.digest': 'of the manifest, or of the index of several platforms',
  'build.images[].size': 'bytes; of several platforms that of the engine',
  'build.images[].layers': 'how many there are, also those that hold nothing (`WORKDIR` makes one); those of `size` do hold something',
  'smoke.project': 'name of the compose project; unique to the run',
  'smoke.services[].image': 'what the container was told to run',
  'smoke.services[].config': 'digest of the configuration that ran; absent where the engine keeps its images in containerd',
  'smoke.services[].state': 'how it was at the end: `healthy`, `running`, `exited 0`, `exited 3 after 5 restarts`',
  'smoke.services[].ms': 'until it was up',
  'smoke.steps': 'what was done before the checks, in its order; absent when nothing was, and in older records',
  'smoke.checks[].evidence': 'what was answered, without the secrets of the run',
  'scan.against': 'what it was compared with; without it every finding counts as new',
  'scan.images[].findings[].class': 'kind of finding: vulnerabilities of the system and of libraries, and what the other scanners find',
  'scan.images[].findings[].package': 'of a secret or a misconfiguration the file',
  'scan.images[].findings[].base': 'it came with the base image; absent where the base is not known',
  'scan.images[].findings[].exempt': 'an exception lets it pass',
  'scan.images[].config': 'of several platforms that of the first',
  'scan.images[].findings[].platforms': 'of an image of several platforms those that have it; absent where all do',
  'scan.images[].platforms': 'of an image of several platforms: by platform, what was looked at',
  'scan.images[].base': 'what the image stands on, where its layers prove it',
  'scan.images[].packages': "first four bytes of the SHA-256 of each package's name and version, sorted, in Base64",
  'scan.rules[].findings': 'names of what the rule decides about',
  'scan.exceptions[].findings': 'names of what it lets pass',
  'scan.reports[].path': 'from the root of the repository',
  'push.references[].was': 'what the tag pointed at before',
  'deploy.hosts[].downtimeMs': 'time without any version serving; 0 where the switch overlaps',
  'deploy.hosts[].waits': 'the release waits there for a confirmation',
  'deploy.hosts[].waits.until': 'when it counts as confirmed; without it, when somebody has decided',
  'deploy.hosts[].previous': 'the release that a rollback would return to',
}

const notYet: readonly string[] = ['report']

export function recordPage(): GeneratedFile {
  const { shape } = Release
  const own = Object.entries(shape).filter(([, field]) => !isSection(field))
  const sections = Object.entries(shape).filter(([, field]) => isSection(field))
  const rows = sections.map(([name, field]) => [name, rowsOf(field, name)] as const)
  const topRows = own.flatMap(([name, field]) => rowsOf(field, `${top}.${name}`, true))
  const known = [...topRows, ...rows.flatMap(([, inner]) => inner)].map(([path]) => path)
  const unknown = Object.keys(meanings).filter((path) => !known.includes(code(shown(path))))
  if (unknown.length > 0) throw new TypeError(`the record has no ${unknown.join(', ')}`)
  return page('docs/reference/record.md', 'The release record', 'src/core/release.ts', [
    'One JSON document a release. Each stage reads it and adds its own section, so a section that is missing belongs to a stage that has not run. It holds no secret. Times are milliseconds, sizes bytes, instants ISO 8601 in UTC.',
    fenced('sh', "launchway run\njq '.outcome, .push.references' ~/.local/state/launchway/*/release.json"),
    'In a workflow it is the file that the output `release` names.',
    table(['field', 'type', 'always', 'meaning'], topRows),
    ...rows.flatMap(([name, inner]) => [
      `## ${name}`,
      ...(notYet.includes(name) ? ['Not written by this version.'] : []),
      table(['field', 'type', 'always', 'meaning'], inner),
    ]),
  ])
}

/** A stage's own part of the record. */
function isSection(field: unknown): boolean {
  return field === Release.shape.plan || (isOptional(field) && unwrap(field) instanceof z.ZodObject)
}

/** One row for each field, mappings and lists being entered. */
function rowsOf(field: unknown, path: string, withSelf = false): string[][] {
  const self = [code(shown(path)), typeOf(field), isOptional(field) ? 'no' : 'yes', prose(meanings[path] ?? '')]
  const inner = enter(unwrap(field), path)
  return withSelf ? [self, ...inner] : inner
}

function enter(bare: unknown, path: string): string[][] {
  if (bare instanceof z.ZodObject) return Object.entries(bare.shape).flatMap(([name, field]) => rowsOf(field, `${path}.${name}`, true))
  if (bare instanceof z.ZodArray) return enter(unwrap(bare.element), `${path}[]`)
  if (bare instanceof z.ZodRecord) return enter(unwrap(bare.valueType), `${path}.*`)
  return []
}

function shown(path: string): string {
  return path.startsWith(`${top}.`) ? path.slice(top.length + 1) : path
}
