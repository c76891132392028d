import { LaunchwayError } from '../core/error.ts'
import { nearest } from '../core/nearest.ts'
import type { Ports } from '../core/ports.ts'
import { branches, changes, headRef, headSha, remote, shaOf, webAddress } from '../tools/git.ts'
import { fullRef } from './supposed.ts'
import type { Trigger } from './trigger.ts'

/** What a run without a runner releases: the commit that is checked out, or the ref that was named. */
export async function localTrigger(asked: { ref?: string; environment?: string; rebuild?: boolean }, ports: Ports): Promise<Trigger> {
  const head = await ports.exec.read(headRef(ports.root)).catch(() => undefined)
  const sha = await headOf(ports)
  const ref = asked.ref === undefined ? head : fullRef(asked.ref)
  if (ref !== undefined && ref !== head) await requireCheckedOut(ref, { head, sha }, ports)
  const changed = (await ports.exec.read(changes(ports.root))).split('\n').filter((line) => line !== '').length
  if (changed > 0) {
    const what = changed === 1 ? '1 file is not as committed: it is' : `${changed} files are not as committed: they are`
    ports.log.warning(`${what} built as found here, and the commit's tag gets "-dirty"`)
  }
  const source = webAddress(await ports.exec.read(remote(ports.root)).catch(() => ''))
  return {
    event: 'local',
    sha,
    ...(source === undefined ? {} : { source }),
    ...(changed > 0 ? { dirty: true } : {}),
    ...(ref === undefined ? {} : { ref }),
    ...(asked.environment === undefined ? {} : { environment: asked.environment }),
    ...(asked.rebuild === true ? { rebuild: true } : {}),
  }
}

async function headOf(ports: Ports): Promise<string> {
  try {
    return await ports.exec.read(headSha(ports.root))
  } catch (cause) {
    if (cause instanceof LaunchwayError && cause.code !== 'COMMAND_FAILED') throw cause
    throw new LaunchwayError('USAGE', 'this is not a git repository with a commit', {
      cause,
      hint: 'git init && git add --all && git commit',
    })
  }
}

/**
 * What is released in the name of a ref is what is checked out, and decides where it goes. So a tag must be that commit, and somebody on one
 * branch who names another must have that one's commit before them. A checkout of another system's runner is detached, and often behind or
 * ahead of what the branch is here, or without it: that is told.
 * @throws LaunchwayError USAGE
 */
async function requireCheckedOut(ref: string, { head, sha }: { head: string | undefined; sha: string }, ports: Ports): Promise<void> {
  const [, kind, name = ref] = /^refs\/(heads|tags)\/(.*)$/s.exec(ref) ?? []
  const places = kind === 'heads' ? [ref, `refs/remotes/origin/${name}`] : [ref]
  const at = await Promise.all(places.map((one) => ports.exec.read(shaOf(one, ports.root)).catch(() => undefined)))
  if (at.includes(sha)) return
  const there = at.find((one) => one !== undefined)
  if (there === undefined) {
    if (head !== undefined) throw await notHere(ref, { kind, name }, ports)
    return ports.log.warning(
      `${ref} is not known here, where nothing but a commit is checked out: ${sha.slice(0, 7)} is released in its name`,
    )
  }
  if (kind === 'tags') throw new LaunchwayError('USAGE', `${ref} is not what is checked out`, { hint: `git checkout ${name}` })
  if (head === undefined)
    return ports.log.warning(`${ref} is at ${there.slice(0, 7)} here; what is checked out, ${sha.slice(0, 7)}, is released in its name`)
  throw new LaunchwayError(
    'USAGE',
    `${ref} is at ${there.slice(0, 7)}, and ${head.replace('refs/heads/', '')} at ${sha.slice(0, 7)} is checked out`,
    {
      hint: `What is checked out is what is released. That branch: git checkout ${name}\nWhat is here, where that branch goes: --environment NAME\nWhat a push of it would lead to: launchway plan --event push --ref ${name}`,
    },
  )
}

async function notHere(ref: string, { kind, name }: { kind: string | undefined; name: string }, ports: Ports): Promise<LaunchwayError> {
  if (kind === undefined)
    return new LaunchwayError('USAGE', `there is no ${ref} here`, {
      hint: 'A branch is named main or refs/heads/main, a tag refs/tags/v1.2.0.',
    })
  if (kind === 'tags')
    return new LaunchwayError('USAGE', `there is no tag ${name} here`, {
      hint: `git tag ${name}, or of the remote: git fetch origin tag ${name}`,
    })
  const tag = `refs/tags/${name}`
  const isTag = await ports.exec.read(shaOf(tag, ports.root)).catch(() => undefined)
  const listed = await ports.exec.read(branches(ports.root)).catch(() => '')
  const names = listed.split('\n').map((one) => one.replace(/^refs\/(heads|remotes\/origin)\//, ''))
  const meant = isTag === undefined ? nearest(name, names) : tag
  return new LaunchwayError('USAGE', `there is no branch ${name} here`, {
    hint:
      meant === undefined
        ? `What is checked out is released in the name of the branch. A new one: git checkout -b ${name}; one of the remote: git fetch origin ${name}\nWhat a push of it would lead to: launchway plan --event push --ref ${name}`
        : `Did you mean --ref ${meant}?`,
  })
}
