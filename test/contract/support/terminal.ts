import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { bare, type Ended, root } from './doors.ts'

/**
 * One process that answers one command line after the other, through the door of a terminal. Most of what a process of its own
 * costs is that it loads the command anew. What reads standard input, or is ended by a signal, needs its own.
 */
export interface Terminal extends AsyncDisposable {
  launchway(args: readonly string[], cwd: string): Promise<Ended>
}

const program = `
const { cli } = await import(${JSON.stringify(join(root, 'src/cli.ts'))})
process.setMaxListeners(0)
process.on('message', async ({ args, cwd, mark }) => {
  process.chdir(cwd)
  process.exitCode = 0
  await cli(args)
  for (const stream of [process.stdout, process.stderr]) stream.write(mark + process.exitCode + '\\n')
})
`

export function openTerminal(env: Record<string, string>): Terminal {
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    env: bare(env),
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8')
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  let turn: Promise<unknown> = Promise.resolve()
  return {
    launchway(args, cwd) {
      const answer = turn.then(() => answerOf(child, args, cwd))
      turn = answer.catch(() => undefined)
      return answer
    },
    async [Symbol.asyncDispose]() {
      if (child.connected) child.disconnect()
      await gone
    },
  }
}

async function answerOf(child: ChildProcess, args: readonly string[], cwd: string): Promise<Ended> {
  // What the process writes when it is done, to both streams.
  const mark = `done ${randomBytes(8).toString('hex')} `
  const answer = Promise.all([untilMark(child, 'stdout', mark), untilMark(child, 'stderr', mark)])
  child.send({ args, cwd, mark })
  const [{ text: out, rest }, { text: err }] = await answer
  return { code: Number(rest), out, err }
}

function untilMark(child: ChildProcess, name: 'stdout' | 'stderr', mark: string): Promise<{ text: string; rest: string }> {
  const stream = child[name]
  return new Promise((resolve, reject) => {
    let text = ''
    const take = (chunk: string): void => {
      text += chunk
      const at = text.lastIndexOf(mark)
      if (at === -1 || !text.endsWith('\n')) return
      stream?.off('data', take)
      child.off('exit', fail)
      resolve({ text: text.slice(0, at), rest: text.slice(at + mark.length) })
    }
    const fail = (): void => reject(new Error(`the process of the terminal has ended: ${text}`))
    stream?.on('data', take)
    child.once('exit', fail)
  })
}
