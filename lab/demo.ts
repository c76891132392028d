/**
 * A push becomes a running version, on this machine alone: a lab, a user's repository (examples/addie), its push
 * workflow under act, one changed line, and the workflow again under traffic.
 *
 *   npm run demo                       and everything is taken away at the end
 *   npm run demo -- --keep             it stays up to play with
 *   npm run demo -- --push NAME        one more push in a demo that was kept
 */
import { join } from 'node:path'
import { onSignals } from '../src/adapters/signals.ts'
import { command, display } from '../src/core/command.ts'
import { LaunchwayError } from '../src/core/error.ts'
import { newNarrator } from './demo/narrator.ts'
import { account, type Place, placeOf, prepareHost, serverName } from './demo/place.ts'
import { push } from './demo/push.ts'
import { commit, makeRepository, nextVersion } from './demo/repository.ts'
import { down } from './down.ts'
import { type Lab, readLab } from './lab.ts'
import { root } from './paths.ts'
import { call } from './run.ts'
import { traffic } from './traffic.ts'
import { newLabName, up } from './up.ts'

const { say, part, times } = newNarrator((line) => void process.stdout.write(`${line}\n`))
const words = process.argv.slice(2)
const [flag, ...rest] = words
if (!(flag === undefined || (flag === '--keep' && rest.length === 0) || (flag === '--push' && rest.length === 1))) {
  say(`npm run demo [-- --keep | --push NAME]; not ${words.join(' ')}`)
  process.exit(2)
}
const name = flag === '--push' ? rest.join() : newLabName()
const cancel = new AbortController()
/** There is a lab of which nobody has been told, and that nobody has taken away. */
let isLeft = false
// A second one comes from somebody who will not wait: then there is something to take away by hand.
onSignals(
  cancel,
  (signal) => say(`\n${signal}: what runs is being ended`),
  () => {
    if (isLeft) say(`\nWhat is left is taken away by: npm run lab -- down ${name}`)
  },
)

/** One run of the push workflow, with its summary at the end and proof that the version answers. */
async function release(place: Place): Promise<void> {
  const { summary, url } = await push(place, say, cancel.signal)
  say(`\n  The summary of the job:\n\n${indented(summary.trim(), '  │ ')}\n`)
  if (url === '') return say('  This branch leads to no environment: nothing was deployed.')
  await show(place, 'curl', '--silent', '--show-error', ...(url === place.front.url ? place.front.curl : []), `${url}/healthz`)
}

async function show(place: Place, file: string, ...args: string[]): Promise<void> {
  say(`  $ ${display(command(file, args))}`)
  say(indented((await call(file, args, { cwd: place.repository })).stdout.trim(), '  '))
}

/** The next version, pushed while 20 connections ask all the time, each 50 ms after its last answer. */
async function releaseUnderTraffic(place: Place): Promise<void> {
  const { port, ca } = place.front
  say(`  one line is changed and committed: ${nextVersion(place)}`)
  await commit(place, 'The next version')
  const requests = traffic({
    port,
    serverName,
    ca,
    path: '/api/echo',
    connections: 20,
    pauseMs: 50,
    seconds: 600,
  })
  let lost = 0
  try {
    await release(place)
  } finally {
    const { versions, failed, failures } = await requests.stop()
    say('\n  20 keep-alive connections that never retry, all the time:')
    for (const [version, count] of versions) say(`    ${count} requests served by version ${version}`)
    const how = [...failures].map(([kind, count]) => `${count} ${kind}`).join(', ')
    say(`    ${failed} failed${failed === 0 ? '' : ` (${how})`}`)
    lost = failed
  }
  if (lost > 0) throw new LaunchwayError('COMMAND_FAILED', `${lost} requests failed while the version changed`)
}

function howToPlayOn({ lab, repository, front }: Place): string {
  const launchway = `SSH_KEY="$(cat ${lab.key})" ${join(root, 'bin/launchway')}`
  return `
It stays up. It answers at
  ${display(command('curl', [...front.curl, `${front.url}/`]))}
The repository:
  cd ${repository}
Push again: change something there, such as the version in pdfitc/__init__.py, and
  git commit --all --message 'Something new'
  npm --prefix ${root} run demo -- --push ${lab.name}
Look at what runs, from the repository:
  ${launchway} status
Back to the version before:
  ${launchway} rollback
Take all of it away:
  npm --prefix ${root} run lab -- down ${lab.name}`
}

async function demo(): Promise<Place> {
  const lab = await part('A lab: a registry, a server with Docker and nginx, GitHub’s API', startLab)
  const place = placeOf(lab)
  await part('A repository: examples/addie, with the addresses of the lab', async () => {
    await prepareHost(place)
    for (const line of await makeRepository(place)) say(`  ${line}`)
  })
  await part('The first push: .github/workflows/push.yml under act', () => release(place))
  await part('The next push, under traffic', () => releaseUnderTraffic(place))
  return place
}

/** Whatever happens, nothing is left of a demo that is not to be kept, or that failed. */
async function demoOnce(keep: boolean): Promise<void> {
  let kept = false
  try {
    const place = await demo()
    kept = keep
    if (kept) say(howToPlayOn(place))
  } finally {
    if (!kept) await part('Taking all of it away', () => down(name))
    isLeft = false
  }
}

async function startLab(): Promise<Lab> {
  isLeft = true
  const lab = await up({ name, hosts: ['trixie'] })
  cancel.signal.throwIfAborted()
  say(`  ${name}: registry ${lab.registry.address}, host ${account}@127.0.0.1:${lab.hosts['trixie']?.ports['22']}, API ${lab.github.url}`)
  return lab
}

async function pushAgain(): Promise<void> {
  const lab = readLab(name)
  if (lab === undefined) throw new LaunchwayError('USAGE', `there is no demo ${name}`, { hint: 'npm run demo -- --keep starts one' })
  const place = placeOf(lab)
  await part('A push: .github/workflows/push.yml under act', () => release(place))
}

function told(error: unknown): string {
  if (error instanceof LaunchwayError) return `${error.message}\n${error.hint ?? ''}`
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

function indented(text: string, by: string): string {
  return text.replaceAll(/^/gm, by)
}

try {
  if (flag === '--push') await pushAgain()
  else await demoOnce(flag === '--keep')
  say(`\n${times()}`)
} catch (error) {
  say(`\n${cancel.signal.aborted ? 'ended before its end' : told(error)}`)
  process.exitCode = cancel.signal.aborted ? 130 : 1
}
