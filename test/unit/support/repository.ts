import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { deflateSync } from 'node:zlib'

/**
 * What `git init --initial-branch` makes of a folder, without starting git: tests make some hundreds of repositories, and
 * a program started from a process as large as theirs costs more than what it does.
 */
export function gitInit(folder: string, branch = 'main'): void {
  for (const path of ['objects', 'refs/heads', 'info']) mkdirSync(join(folder, '.git', path), { recursive: true })
  write(folder, 'HEAD', `ref: refs/heads/${branch}\n`)
  write(folder, 'config', '[core]\n\trepositoryformatversion = 0\n\tbare = false\n')
}

/** A first commit on the branch, with no file in it: what lies in the folder is new to git. @returns its hash */
export function commitNothing(folder: string, branch = 'main'): string {
  const ada = 'Ada <ada@example.org> 1760000000 +0000'
  const commit = put(folder, 'commit', `tree ${put(folder, 'tree', '')}\nauthor ${ada}\ncommitter ${ada}\n\nfirst\n`)
  write(folder, `refs/heads/${branch}`, `${commit}\n`)
  return commit
}

/** An object as git keeps it. */
function put(folder: string, kind: string, body: string): string {
  const whole = Buffer.from(`${kind} ${Buffer.byteLength(body)}\0${body}`)
  const hash = createHash('sha1').update(whole).digest('hex')
  write(folder, `objects/${hash.slice(0, 2)}/${hash.slice(2)}`, deflateSync(whole))
  return hash
}

function write(folder: string, path: string, body: string | Buffer): void {
  const file = join(folder, '.git', path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, body)
}
