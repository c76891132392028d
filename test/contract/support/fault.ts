import { docker } from '../../../lab/run.ts'
import { counted, outermost } from './host.ts'
import { eventually } from './processes.ts'

/**
 * Stops an application's apply program on a lab host just before it writes a line of its journal, so that what
 * a test does to it, to the engine or to the machine meets it exactly there. Each line asks `date` for the time, and
 * for nothing else: a wrapper in its place counts the lines and waits.
 *
 * What a step does has been done before its `done` is written, and has not been begun before its `start` is.
 */
export interface Stop extends AsyncDisposable {
  /** @param line of the next attempt's journal, from 1 on */
  at(app: string, line: number): Promise<void>
  /** Resolves once the program stands there. */
  reached(ended: Promise<unknown>): Promise<void>
  /** The process id of the program, on the host. */
  program(): Promise<string>
  /** It goes on, if it is still there. */
  go(): Promise<void>
}

const folder = '/var/lib/launchway-lab-stop'
const wrapper = '/usr/local/bin/date'

const script = `#!/bin/sh
[ "$*" = +%s ] && [ -e ${folder}/at ] || exec /bin/date "$@"
read -r app line < ${folder}/at
${outermost('program', '*"/$app/"*"/apply.sh "*')}
[ -n "$program" ] || exec /bin/date "$@"
${counted(folder)}
[ "$count" -eq "$line" ] || exec /bin/date "$@"
echo "$program" > ${folder}/reached.new && mv ${folder}/reached.new ${folder}/reached
tries=0
while [ ! -e ${folder}/go ] && [ -e ${folder} ] && [ "$tries" -lt 3000 ]; do tries=$((tries + 1)); sleep 0.02; done
exec /bin/date "$@"
`

/** @param container a host of the lab; its accounts find the wrapper first, also those that use sudo */
export async function stopOn(container: string): Promise<Stop> {
  const inside = (text: string, ...words: string[]): Promise<string> => docker('exec', container, 'sh', '-euc', text, 'sh', ...words)
  await inside(`mkdir -p ${folder}; chmod 777 ${folder}; printf '%s' "$1" > ${wrapper}; chmod 755 ${wrapper}`, script)
  return {
    at: async (app, line) => {
      await inside(`rm -f ${folder}/*; printf '%s %s\\n' "$1" "$2" > ${folder}/at.new; mv ${folder}/at.new ${folder}/at`, app, String(line))
    },
    async reached(ended) {
      const over = ended.then(
        () => 'ended well',
        (error: unknown) => `ended with ${String(error)}`,
      )
      let how: string | undefined
      void over.then((words) => (how = words))
      // On the host itself, some seconds at a time: a call of docker for each look would keep the machine busy.
      const look = `n=0; while [ ! -e ${folder}/reached ] && [ $n -lt 50 ]; do n=$((n + 1)); sleep 0.05; done; [ ! -e ${folder}/reached ] || echo yes`
      await eventually(async () => {
        const here = await inside(look)
        if (here === '' && how !== undefined) throw new Error(`the program never came to this line: it ${how}`)
        return here !== ''
      })
    },
    program: () => inside(`cat ${folder}/reached`),
    // Whoever comes by later finds nothing to wait for.
    go: async () => void (await inside(`: > ${folder}/go; rm -f ${folder}/at`)),
    [Symbol.asyncDispose]: async () => void (await inside(`rm -rf ${folder} ${wrapper}`)),
  }
}
