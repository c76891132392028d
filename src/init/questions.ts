import { EnvironmentConfig } from '../config/schema.ts'
import { Repository } from '../config/schema-image.ts'
import { LaunchwayError } from '../core/error.ts'
import { Name } from '../core/names.ts'
import type { Stack } from './draft.ts'
import type { Seen } from './seen.ts'
import type { Pin } from './workflow-parts.ts'

/** What a repository cannot say by itself. Each question is an option of the command line, too. */

export interface Question {
  id: AnswerName
  says: string
  /** Empty stands for none. Undefined: somebody must say it. */
  default: string | undefined
  /** What is wrong with an answer. */
  check(this: void, answer: string): string | undefined
}

const answerNames = ['image', 'host', 'environment', 'branch', 'live', 'port', 'url', 'publish', 'health', 'launchway'] as const
type AnswerName = (typeof answerNames)[number]
export type Answers = Partial<Record<AnswerName, string>>

interface Schema {
  safeParse(value: unknown): { success: true } | { success: false; error: { issues: readonly { message: string }[] } }
}

const by =
  (schema: Schema, mayBeEmpty = false): Question['check'] =>
  (answer) => {
    if (mayBeEmpty && answer === '') return undefined
    const parsed = schema.safeParse(answer)
    return parsed.success ? undefined : parsed.error.issues[0]?.message
  }

const aPort: Question['check'] = (answer) =>
  /^\d+$/.test(answer) && Number(answer) > 0 && Number(answer) < 65_536 ? undefined : 'must be a port, from 1 to 65535'

/** What puts a version live: whatever comes to the branch, a tag, or a release that is published on GitHub. */
const aWayToLive: Question['check'] = (answer) => (/^(push|tag|release)$/.test(answer) ? undefined : 'must be push, tag or release')

/**
 * Whether versions are published on GitHub, of a launchway.yml that is there: what goes live where, stands in it.
 * @throws LaunchwayError USAGE
 */
export function publishes(live: string | undefined, { publishes: file }: Seen, hasTags: boolean): boolean {
  if (live === undefined) return file !== undefined
  const wrong = aWayToLive(live) ?? (live === 'push' || hasTags ? undefined : 'launchway.yml is there already, and names no tags')
  if (wrong === undefined) return live === 'release'
  throw new LaunchwayError('USAGE', `--live ${live}: ${wrong}`, {
    hint: "What goes live where stands in launchway.yml, such as tags: { 'v*': production }.",
  })
}

/** The questions, in their order. One that an answer before it has settled is not asked. */
export function questions({
  stack,
  seen,
  forGitHub,
  needsPin,
}: {
  stack: Stack
  seen: Seen
  forGitHub: boolean
  needsPin: boolean
}): ((given: Answers) => Question | undefined)[] {
  const { shape } = EnvironmentConfig
  const front = stack.services.find(({ isPublic }) => isPublic)
  const port = front?.port
  const question = (id: AnswerName, says: string, byDefault: string | undefined, check: Question['check']): Question => ({
    id,
    says,
    default: byDefault,
    check,
  })
  return [
    () => question('image', 'Repository of the image, without a tag: where it is pushed', repositoryFor(stack, seen), by(Repository)),
    () => question('host', 'SSH address of the server, such as deploy@app.example.org', undefined, by(shape.host)),
    () => question('environment', 'Name of the environment', 'production', by(Name)),
    () =>
      question('branch', 'Branch that goes there', branchFor(seen), (answer) =>
        answer === '' || /[\s~^:?*[\\]/.test(answer) ? 'must be the name of a branch' : undefined,
      ),
    ({ branch = '' }) =>
      forGitHub
        ? question(
            'live',
            `What goes live there: push (whatever comes to ${branch}), tag (a version, when its tag v… is pushed) or release (a version, when it is published on GitHub)`,
            seen.publishes === undefined ? 'push' : 'release',
            aWayToLive,
          )
        : undefined,
    () =>
      front === undefined
        ? undefined
        : question(
            'port',
            'Port on which the application listens in its container; none for a worker',
            port === undefined ? undefined : String(port),
            (answer) => (answer === 'none' ? undefined : aPort(answer)),
          ),
    ({ port: asked }) =>
      front === undefined || asked === 'none'
        ? undefined
        : question(
            'url',
            'Address for visitors (https://…): nginx on the server leads it to the application. Empty, a port of the server does',
            '',
            (answer) => (by(shape.url, true)(answer) === undefined ? undefined : 'must be an address such as https://app.example.org'),
          ),
    ({ port: asked, url = '' }) =>
      front === undefined || asked === 'none' || url !== '' || isSaid(stack)
        ? undefined
        : question('publish', 'Port of the server for visitors', String(front.published ?? 80), aPort),
    ({ port: asked }) =>
      front === undefined || asked === 'none'
        ? undefined
        : question(
            'health',
            'Path that answers 2xx when the application is well. Empty, it is well when it stays up',
            front.healthPath ?? '',
            (answer) => (answer === '' || answer.startsWith('/') ? undefined : 'must begin with /'),
          ),
    () =>
      needsPin && seen.pin === undefined
        ? question(
            'launchway',
            'launchway for the workflows, as OWNER/launchway@COMMIT: whose copy on GitHub they use, at which commit. Empty, that is filled in later (with --ci none there are no workflows)',
            '',
            (answer) =>
              answer !== '' && typeof parsePin(answer) === 'string' ? 'must be OWNER/launchway@ and the full hash of a commit' : undefined,
          )
        : undefined,
  ]
}

/** The compose file is deployed, and has the port of the host as a number. */
function isSaid({ project }: Stack): boolean {
  return project !== undefined && project.publishedBy === undefined
}

/**
 * What somebody has said, and the compose file that is deployed says otherwise.
 * @throws LaunchwayError USAGE
 */
export function refuseOtherPort(stack: Stack, { publish, url = '' }: Answers): void {
  const { project, services } = stack
  const published = services.find(({ isPublic }) => isPublic)?.published
  if (project === undefined || publish === undefined || url !== '' || !isSaid(stack) || publish === String(published)) return
  const says = published === undefined ? 'publishes no port to visitors' : `publishes ${published}`
  throw new LaunchwayError('USAGE', `--publish ${publish}: ${project.file} is deployed as it is (${project.why}), and ${says}`, {
    hint: `Change the port in ${project.file}, or write a variable there, such as "\${PORT:-${published ?? 80}}:…", which launchway.yml then sets. Or --url: nginx on the host leads visitors to it, and no port of its own is needed.`,
  })
}

/** What was said and could not be used, since something else that was said does not go with it. */
export function contradictions({ services }: Stack, given: Answers, forGitHub: boolean): LaunchwayError[] {
  const { port, url = '', publish, live } = given
  const refuse = (id: AnswerName, why: string, hint: string): LaunchwayError =>
    new LaunchwayError('USAGE', `--${id} ${given[id]}: ${why}`, { hint })
  const ofVisitors = (['url', 'publish', 'health'] as const).filter((id) => (given[id] ?? '') !== '')
  const hasFront = services.some(({ isPublic }) => isPublic)
  const noVisitors = !hasFront
    ? 'no service here is one that visitors reach'
    : port === 'none'
      ? 'not with --port none: nobody reaches a worker'
      : undefined
  const apart =
    noVisitors === undefined ? [] : [...ofVisitors, ...(hasFront || port === undefined || port === 'none' ? [] : (['port'] as const))]
  return [
    ...apart.map((id) =>
      refuse(id, noVisitors ?? '', 'Leave it out, or say which port is reached: --port, or ports: in the compose file.'),
    ),
    ...(noVisitors === undefined && url !== '' && publish !== undefined
      ? [
          refuse(
            'publish',
            'not beside --url: nginx on the host leads visitors, and no port of its own is published',
            'Leave one of them out.',
          ),
        ]
      : []),
    ...(!forGitHub && live !== undefined && live !== 'push'
      ? [refuse('live', 'that is what workflows do, and none are written', 'Leave it out, or --ci github.')]
      : []),
  ]
}

/** GitHub's registry, beside the sources, unless a compose file names another for each image. */
export function repositoryFor({ images }: Stack, { git: { github } }: Seen): string | undefined {
  const named = images.every(({ repository }) => repository !== undefined) ? images[0]?.repository : undefined
  return named ?? (github === undefined ? undefined : `ghcr.io/${github.toLowerCase()}`)
}

function branchFor({ git: { branch, branches, remoteDefault } }: Seen): string | undefined {
  return remoteDefault ?? ['main', 'master'].find((name) => branches.includes(name)) ?? branch
}

/** @returns in words, what is wrong with it */
export function parsePin(text: string): Pin | string {
  const [, repository, commit] = /^([\w.-]+\/[\w.-]+)@([0-9a-f]{40})$/.exec(text) ?? []
  return repository === undefined || commit === undefined
    ? `"${text}" is not OWNER/launchway@ and the full hash of a commit`
    : { repository, commit }
}

/**
 * What was given, and for the rest what is the default.
 * @param faults what is wrong with what was given already
 * @throws LaunchwayError USAGE with everything that is missing or wrong, at once
 */
export function withDefaults(asked: ReturnType<typeof questions>, given: Answers, faults: readonly LaunchwayError[] = []): Answers {
  const answers: Answers = {}
  const missing: string[] = []
  for (const make of asked) {
    const question = make(answers)
    if (question === undefined) continue
    const answer = given[question.id] ?? question.default
    const wrong = answer === undefined ? undefined : question.check(answer)
    if (answer === undefined) missing.push(`--${question.id}: ${question.says}`)
    else if (wrong !== undefined) missing.push(`--${question.id} ${answer}: ${wrong}`)
    else answers[question.id] = answer
  }
  const [first, ...more] = faults
  if (missing.length === 0 && first === undefined) return answers
  if (missing.length === 0 && first !== undefined && more.length === 0) throw first
  throw new LaunchwayError('USAGE', 'init cannot see everything by itself', {
    hint: `Say it, or leave --yes out to be asked:\n${[...faults.map(inLine), ...missing].join('\n')}`,
  })
}

function inLine({ message, hint }: LaunchwayError): string {
  return hint === undefined ? message : `${message}. ${hint.replaceAll('\n', ' ')}`
}

/** Asks for what was not given, each question until its answer can be used. */
export async function askFor(
  asked: ReturnType<typeof questions>,
  given: Answers,
  ask: (question: string) => Promise<string>,
): Promise<Answers> {
  const answers: Answers = {}
  for (const make of asked) {
    const question = make(answers)
    if (question === undefined) continue
    const { id, says, default: byDefault, check } = question
    let answer = given[id]
    let wrong = answer === undefined ? '' : check(answer)
    while (wrong !== undefined || answer === undefined) {
      const said = wrong === undefined || wrong === '' ? '' : `${wrong}\n`
      const typed = (await ask(`${said}${says}${byDefault === undefined || byDefault === '' ? '' : ` [${byDefault}]`}: `)).trim()
      answer = typed === '' ? (byDefault ?? '') : typed
      wrong = answer === '' && byDefault === undefined ? 'This has no default.' : check(answer)
    }
    answers[id] = answer
  }
  return answers
}
