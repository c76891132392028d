import { dirname, join, relative, resolve } from 'node:path'
import { isMap, isPair, isScalar, parseDocument, visit } from 'yaml'
import type { AskedProject } from '../config/resolve-project.ts'
import { anyCode } from '../core/command.ts'
import { LaunchwayError } from '../core/error.ts'
import { parseJson } from '../core/json.ts'
import type { Ports } from '../core/ports.ts'
import { looksSecret } from '../core/secret-names.ts'
import { parseVariables } from '../core/text.ts'
import { config } from '../tools/compose.ts'
import { DeployedProject, envFilesKey, withoutEscapes, WrittenServices } from '../tools/compose-deployed.ts'
import { placeOf, type Source, sourcesOf } from '../tools/compose-sources.ts'
import { refusedByCompose, unknownForm, unsetIn, warningsIn } from '../tools/compose-words.ts'
import { trackedOf } from '../tools/git.ts'
import { z } from 'zod'
import { placeholderFor, shownSecrets } from './project-placeholders.ts'

/** A project as compose understands it here, without the value of a secret. */
export interface RenderedProject {
  project: DeployedProject
  /** By service: files of variables, from the root of the repository, that are read where the deploy runs. */
  envFiles: ReadonlyMap<string, string[]>
  sources: readonly Source[]
  /** Services that only profiles have which are not asked for: by name, the profiles. */
  inProfiles: ReadonlyMap<string, string[]>
}

interface Files {
  root: string
  files: string[]
  directory: string
  sources: readonly Source[]
}

/**
 * Renders the compose files of an environment. Of the environment of this process nothing gets into it: a release must not
 * depend on the machine that planned it, and a value that nobody called a secret must not be kept.
 * @param general the name of a project that says none
 * @throws LaunchwayError CONFIG_INVALID with compose's own words; TOOL_MISSING without compose
 */
export async function renderProject(asked: AskedProject, general: string, ports: Ports): Promise<RenderedProject> {
  const root = resolve(ports.root)
  const files = asked.files.map((file) => resolve(root, file))
  const of: Files = {
    root,
    files,
    directory: dirname(files[0] ?? root),
    sources: await sourcesOf(asked.files, { files: ports.files, root }),
  }
  const given = await variables(asked, of, ports)
  refuseOwnFolders(asked, of)
  const name = asked.name ?? (given.saysName || of.sources.some(({ text }) => /^name\s*:/m.test(text)) ? undefined : general)
  const call = {
    ...(asked.envFiles === undefined ? {} : { envFiles: asked.envFiles.map((file) => resolve(root, file)) }),
    profiles: asked.profiles,
    directory: of.directory,
    env: given.env,
    ...(name === undefined ? {} : { project: name }),
    alone: true as const,
  }
  const plain = await withoutVolumes(of, ports)
  const written = await read({ ...call, files: [...plain.keys()], asWritten: true }, WrittenServices, asked, of, ports, plain)
  const override = await withoutEnvFiles(written.value, ports)
  const found = await read({ ...call, files: [...files, ...override] }, z.unknown(), asked, of, ports)
  for (const warning of found.warnings) warnOf(warning, asked, of, ports)
  const project = DeployedProject.safeParse(withoutEscapes(found.value))
  if (!project.success) throw unknownForm(z.prettifyError(project.error))
  const inProfiles = Object.entries(written.value.services).flatMap(([service, { profiles }]): [string, string[]][] =>
    Object.hasOwn(project.data.services, service) || (profiles ?? []).length === 0 ? [] : [[service, profiles ?? []]],
  )
  return {
    project: project.data,
    envFiles: await envFilesOf(project.data, root, ports),
    sources: of.sources,
    inProfiles: new Map(inProfiles),
  }
}

/** What the files are filled in with. */
async function variables(
  asked: AskedProject,
  { root, directory }: Files,
  ports: Ports,
): Promise<{ env: Record<string, string>; saysName: boolean }> {
  const env: Record<string, string> = {}
  let saysName = false
  for (const file of asked.envFiles?.map((one) => resolve(root, one)) ?? [join(directory, '.env')]) {
    const body = await ports.files.read(file)
    if (body === undefined && asked.envFiles === undefined) continue
    if (body === undefined)
      throw new LaunchwayError('CONFIG_INVALID', `there is no ${relative(root, file)}, which env-files of compose names`, {
        hint: 'Commit it if nothing in it is secret; else leave it out, and name its variables in secrets of the environment: the deploy takes them from its own environment.',
      })
    const names = Object.keys(parseVariables(body.toString()))
    saysName ||= names.includes('COMPOSE_PROJECT_NAME')
    if ((await ports.exec.read(trackedOf([relative(root, file)], root)).catch(() => '')) !== '') continue
    // What is in nobody's repository is known to nobody: its values are the deploy's to give.
    for (const name of names) if (!name.startsWith('COMPOSE_')) env[name] = placeholderFor(name)
  }
  for (const name of asked.secrets) env[name] = placeholderFor(name)
  // Where a shell would stand.
  return { env: { PWD: directory, ...env, ...asked.env }, saysName: saysName || Object.hasOwn(asked.env, 'COMPOSE_PROJECT_NAME') }
}

/** docker itself needs these, and another machine has others. */
function refuseOwnFolders({ env, secrets }: AskedProject, { sources, root }: Files): void {
  for (const name of ['HOME', 'PATH', 'TMPDIR']) {
    if (Object.hasOwn(env, name) || secrets.includes(name)) continue
    const place = placeOf(name, sources, root)
    if (place === undefined) continue
    throw new LaunchwayError('CONFIG_INVALID', `${place.file} asks for ${name}, which is another on each machine`, {
      hint: `Say what it is on the hosts:\n  compose:\n    env: { ${name}: … }`,
      place,
    })
  }
}

async function read<T>(
  call: Parameters<typeof config>[0],
  schema: z.ZodType<T>,
  asked: AskedProject,
  { sources, root }: Files,
  ports: Ports,
  copies: ReadonlyMap<string, string> = new Map(),
): Promise<{ value: T; warnings: string[] }> {
  const { code, stdout, stderr } = await ports.exec.run(config(call), { signal: ports.signal, accept: anyCode })
  const said = [...copies].reduce((text, [copy, file]) => text.replaceAll(copy, file), shownSecrets(ports.redact(stderr))).trim()
  if (code !== 0) throw refusedByCompose(said, { files: asked.files, sources, root, givenBy: (variable) => givenBy(variable, ports) })
  const value = parseJson(stdout, schema)
  if (value === undefined) throw unknownForm()
  return { value, warnings: warningsIn(said) }
}

function givenBy(variable: string, ports: Ports): string {
  const there = ports.environment.has(variable) ? ' It stands in the environment of this step, which a plan does not read.' : ''
  return `Name it in secrets of the environment if its value is secret (the deploy then takes it from its own environment), else say it in launchway.yml:\n  compose:\n    env: { ${variable}: … }${there === '' ? '' : `\n${there.trim()}`}`
}

/** A blank where somebody meant a password would be deployed as it is. */
function warnOf(warning: string, { files }: AskedProject, { sources, root }: Files, ports: Ports): void {
  const variable = unsetIn(warning)
  const place = variable === undefined ? undefined : placeOf(variable, sources, root)
  if (variable !== undefined && (looksSecret(variable) || ports.environment.has(variable))) {
    throw new LaunchwayError('CONFIG_INVALID', `${place?.file ?? files.join(', ')} asks for the variable ${variable}, which has no value`, {
      hint: givenBy(variable, ports),
      ...(place === undefined ? {} : { place }),
    })
  }
  ports.log.warning(`${place?.file ?? files.join(', ')}: ${warning}`, place)
}

/**
 * The files, or copies of them: compose 2.26 takes the colons of `${DIR:-./data}:/data` for those of the mount where it
 * leaves variables as they are written. By the copy, the file that it is of.
 */
async function withoutVolumes({ files, sources }: Files, ports: Ports): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (const [index, file] of files.entries()) {
    const text = sources.find(({ path }) => path === file)?.text ?? ''
    const document = /\$\{\w+:/.test(text) ? parseDocument(text) : undefined
    if (document === undefined || document.errors.length > 0 || !isMap(document.get('services'))) {
      found.set(file, file)
      continue
    }
    // Wherever a service has them from: its own lines, or a part of the file that several services take over.
    visit(document, {
      Pair(_, { key }, path) {
        // A service, or another part of the file, may be called so.
        const isName = path.length === 2 || (path.length === 4 && isPair(path[2]) && String(path[2].key) === 'services')
        return isScalar(key) && key.value === 'volumes' && !isName ? visit.REMOVE : undefined
      },
    })
    const copy = join(await ports.files.temporary('compose'), `${index}.yml`)
    await ports.files.write(copy, document.toString())
    found.set(copy, file)
  }
  return found
}

/** One more file, by which compose reads none of the variables of a service, and says which files they are in. */
async function withoutEnvFiles({ services }: z.infer<typeof WrittenServices>, ports: Ports): Promise<string[]> {
  const having = Object.entries(services).flatMap(([name, { env_file }]) => {
    const files = (env_file ?? []).map((one) =>
      typeof one === 'string' ? { path: one, required: true } : { path: one.path, required: one.required !== false },
    )
    return files.length === 0 ? [] : [{ name, files }]
  })
  if (having.length === 0) return []
  const file = join(await ports.files.temporary('compose'), 'env-files.yml')
  const lines = [
    'services:',
    ...having.flatMap(({ name }) => [`  ${JSON.stringify(name)}:`, '    env_file: !reset null']),
    `${envFilesKey}: ${JSON.stringify(Object.fromEntries(having.map(({ name, files }) => [name, files])))}`,
  ]
  await ports.files.write(file, `${lines.join('\n')}\n`)
  return [file]
}

async function envFilesOf(project: DeployedProject, root: string, ports: Ports): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>()
  for (const [service, files] of Object.entries(project[envFilesKey] ?? {})) {
    const paths: string[] = []
    for (const { path, required } of files) {
      const shown = relative(root, path)
      if (required || (await ports.files.look(path)) !== undefined) paths.push(shown)
      else ports.log.info(`${service}: ${shown} is not there, and need not be`)
    }
    if (paths.length > 0) found.set(service, paths)
  }
  return found
}
