import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { killWhole, outermost, which } from './host.ts'

/** A wrapper in docker's place that ends the apply program, with SIGKILL, before or after its nth call of docker. */
export function killer(bin: string): { arm(call: number, when: 'before' | 'after'): void; disarm(): number } {
  const real = which('docker')
  const file = join(bin, 'kill-at')
  const count = join(bin, 'count')
  rmSync(join(bin, 'docker'))
  writeFileSync(
    join(bin, 'docker'),
    `#!/bin/sh
[ -e ${file} ] || exec ${real} "$@"
${outermost('program', '*apply.sh*')}
[ -n "$program" ] || exec ${real} "$@"
echo >> ${count}
read -r call when < ${file}
calls=0
while read -r _; do calls=$((calls + 1)); done < ${count}
[ "$calls" = "$call" ] || exec ${real} "$@"
[ "$when" = before ] || ${real} "$@"
${killWhole('program')}
exit 1
`,
    { mode: 0o755 },
  )
  return {
    arm(call, when) {
      rmSync(count, { force: true })
      writeFileSync(file, `${call} ${when}\n`)
    },
    /** @returns how many calls there were */
    disarm() {
      rmSync(file, { force: true })
      return existsSync(count) ? readFileSync(count, 'utf8').length : 0
    },
  }
}
