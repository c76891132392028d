import { basename, join } from 'node:path'
import { type ErrorCode, LaunchwayError, type Place } from '../core/error.ts'
import type { Credentials, Ports } from '../core/ports.ts'
import { parseReference, parseRepository } from '../core/reference.ts'
import { failedLine } from '../tools/buildx.ts'
import type { Told } from './progress.ts'
import { lackingStage } from './stages.ts'

/** Lines of the step that failed that are shown. */
const shownLines = 20

interface Cause {
  says: string
  hint?: string
  /** Default: BUILD_FAILED */
  code?: ErrorCode
}

const noSpace = /no space left on device/i
const fullDisk: Cause = {
  says: 'the disk of the builder is full',
  hint: '`docker system df` shows what takes the room; `docker builder prune` removes build caches, `docker image prune` images without a tag.',
}

const noStage = /target stage "?([^\s"]+)"? could not be found/

/** What makes one failure of BuildKit known by its words, the surest first. */
const causes: readonly [RegExp, (found: readonly string[], builder: Builder) => Cause][] = [
  [noSpace, () => fullDisk],
  [
    /failed to solve: (?:.*: )?secret ([^\s:]+): not found/,
    ([id = '']) => ({
      code: 'SECRET_MISSING',
      says: `it asks for the secret ${id}, which the image does not have`,
      hint: `Name it in launchway.yml: images.<name>.secrets: [${id}]`,
    }),
  ],
  [
    /unset ssh forward key (\S+)|no SSH key "([^"]+)" forwarded/,
    ([one, other]) => ({
      code: 'SECRET_MISSING',
      says: `it asks for SSH (${one || other || 'default'}), which the image does not have`,
      hint: 'Name it in launchway.yml: images.<name>.ssh: [default], or with a key: [{ id: default, key: NAME_OF_A_VARIABLE }]',
    }),
  ],
  [/failed to resolve source metadata for (\S+): (.*)/, ([reference = '', why = ''], builder) => missingBase(reference, why, builder)],
  [
    /pull access denied for ([^\s,]+)(.*)/,
    ([reference = '', why = ''], builder) => missingBase(reference, `pull access denied${why}`, builder),
  ],
  [/dockerfile parse error on line \d+: (.*)/, ([what = '']) => ({ says: what })],
  [/"([^"]+)": not found/, ([path = '']) => missingFile(path)],
  [
    noStage,
    ([stage = '']) => ({
      says: `the Dockerfile has no stage ${stage}`,
      hint: 'images.<name>.target is the name behind AS of a FROM line.',
    }),
  ],
  [
    /did not complete successfully: exit code: 137/,
    () => ({
      says: 'the command was killed (exit code 137)',
      hint: 'Mostly that is too little memory for it: on this machine, or that the builder is given.',
    }),
  ],
  [
    /did not complete successfully: (?:exit code: |.*exit status )(\d+)/,
    ([code = '']) => ({ says: `the command ended with exit code ${code}` }),
  ],
  [
    /no builder "([^"]+)" found|failed to find driver|failed to list workers|Cannot connect to the Docker daemon/,
    () => ({ says: 'the builder does not answer', hint: '`docker buildx ls` shows the builders and how they are.' }),
  ],
]

function missingBase(reference: string, why: string, { driver, logins }: Builder): Cause {
  const own = driver === 'docker' ? '' : ' An image that only this engine has is not seen by a builder of its own.'
  const hint = /429|toomanyrequests|rate limit/i.test(why)
    ? 'The registry limits pulls: log in before the build, or use a mirror.'
    : /40[13]|denied|unauthorized|authorization|insufficient_scope/i.test(why)
      ? refusedBase(reference, logins)
      : /not found|404/i.test(why)
        ? `Look at its name and tag in the FROM line.${own}`
        : `The registry could not be reached: ${why.trim()}${own}`
  return { says: `the base image ${reference} cannot be had`, hint }
}

function refusedBase(reference: string, logins: Builder['logins']): string {
  const { host } = parseRepository(parseReference(reference).repository)
  const login = logins.get(host)
  if (login !== undefined) return `There is no such image at ${host}, or ${login.username} may not read it.`
  const command = host === 'docker.io' ? 'docker login' : `docker login ${host}`
  return `There is no such image, or it needs a login: registries: { ${host}: … } in launchway.yml, or ${command}`
}

function missingFile(path: string): Cause {
  return {
    says: `${path} is not in the build context`,
    hint: 'COPY begins at the folder that images.<name>.context names; what .dockerignore leaves out is not there.',
  }
}

/** An image, or what an image is built on, as far as its Dockerfile is concerned. */
export interface Source {
  context: string
  dockerfile: string
  /** The stage that it is. */
  target?: string | undefined
  /** What it is built for. */
  platforms?: readonly string[]
}

/** Who built. */
interface Builder {
  /** As buildx names it. */
  driver: string
  /** What it could log in with, by registry. */
  logins: ReadonlyMap<string, Pick<Credentials, 'username'>>
}

/** A failed solve as a person needs it: where, why, the last lines of the step that failed, and what to do. */
export async function buildFailure(told: Told, sources: readonly Source[], builder: Builder, ports: Ports): Promise<LaunchwayError> {
  const text = told.text.join('\n')
  const [first] = told.failed
  if (/rawjson/.test(text) && first === undefined) {
    return new LaunchwayError('TOOL_MISSING', 'this buildx is too old', {
      hint: `buildx 0.13 or later is needed: \`docker buildx version\`\n${text}`,
    })
  }
  const foreign = first === undefined ? undefined : await foreignProgram(first, sources, ports)
  const { code = 'BUILD_FAILED', says, hint } = foreign ?? causeOf(`${text}\n${first?.error ?? ''}`, first?.lines ?? [], builder)
  const at = failedLine(text)
  const [, stage] = noStage.exec(text) ?? []
  const lacking = stage === undefined ? undefined : await lackingStage(stage, sources, ports)
  const place = lacking?.place ?? (at === undefined ? undefined : await placeOf(at, sources, ports))
  const where = place?.line === undefined ? 'the build failed' : `the build failed at ${place.file}:${place.line}`
  const lines = first === undefined ? [] : [first.step, ...first.lines.filter((line) => line.trim() !== '').slice(-shownLines)]
  return new LaunchwayError(code, says === '' ? where : `${where}: ${says}`, {
    hint: [...lines, ...conclusion(told.text), lacking?.hint ?? '', hint ?? ''].filter((line) => line !== '').join('\n'),
    ...(place === undefined ? {} : { place }),
  })
}

/** A program of another kind of machine says nothing but that, and ends with a code like any other. */
async function foreignProgram(
  { step, lines }: Told['failed'][number],
  sources: readonly Source[],
  ports: Pick<Ports, 'engine'>,
): Promise<Cause | undefined> {
  if (lines.findLast((line) => line.trim() !== '')?.endsWith(': exec format error') !== true) return undefined
  const platforms = new Set(sources.flatMap(({ platforms: own = [] }) => own))
  // Of several platforms each step says whose it is.
  const wanted = /^\[(?:[^\]]* )?([a-z]+\/\w+(?:\/\w+)?)[ \]]/.exec(step)?.[1] ?? (platforms.size === 1 ? [...platforms][0] : undefined)
  const own = await ports.engine.platform().catch(() => undefined)
  if (wanted === undefined || wanted === own) {
    const hint = `A program of another platform than ${own ?? 'this machine'}, or a script without #! in its first line.`
    return { says: 'this machine cannot run the program (exec format error)', hint }
  }
  const [, architecture = ''] = wanted.split('/')
  return {
    says: `the command is a program for ${wanted}, which this machine${own === undefined ? '' : ` (${own})`} cannot run`,
    hint: `With emulation it can (QEMU, as binfmt): in a workflow docker/setup-qemu-action in a step before; at a terminal, once: docker run --privileged --rm tonistiigi/binfmt --install ${architecture}\nWithout: build on a machine that is ${wanted}, or cross-compile in a stage FROM --platform=$BUILDPLATFORM.`,
  }
}

function causeOf(text: string, lines: readonly string[], builder: Builder): Cause {
  // A command says so itself, and ends with a code of its own.
  if (noSpace.test(lines.slice(-shownLines).join('\n'))) return fullDisk
  for (const [pattern, explain] of causes) {
    const found = pattern.exec(text)
    if (found !== null) return explain(found.slice(1), builder)
  }
  return { says: '' }
}

/** The excerpt of the Dockerfile and the error; what buildx 0.14 and later repeats of the step before that is left out. */
function conclusion(text: readonly string[]): readonly string[] {
  const rule = text.findIndex((line) => /^-{20,}$/.test(line))
  if (rule > 0) return text.slice(rule - 1).filter((line) => !line.startsWith('View build details: '))
  const errors = text.filter((line) => /^error: /i.test(line))
  return (errors.length === 0 ? text : errors).slice(-3)
}

/** BuildKit names a Dockerfile without its folder: it is the one that has that line. */
export async function placeOf(
  at: { file: string; line: number; text: string },
  sources: readonly Source[],
  ports: Ports,
): Promise<(Place & { line: number }) | undefined> {
  for (const { context, dockerfile } of sources) {
    const file = join(context, dockerfile)
    if (basename(file) !== at.file) continue
    const lines = (await ports.files.read(join(ports.root, file)))?.toString().split('\n')
    if (lines?.[at.line - 1]?.trim() === at.text) return { file, line: at.line }
  }
  return undefined
}
