/** What one process of the bench does: `keys-program.ts key FOLDER git|disk|stat` or `keys-program.ts stage FOLDER`. Prints ms and peak MB. */
import { join } from 'node:path'
import { tree } from '../src/adapters/tree.ts'
import { liveLog } from '../src/adapters/log/stages.ts'
import { readContext } from '../src/build/context.ts'
import { trackedFiles, untracked } from '../src/build/tracked.ts'
import { openPorts } from '../src/ports.ts'

const [what = '', root = '', how = ''] = process.argv.slice(2)
const { close, ...ports } = openPorts({
  env: { ...process.env, RUNNER_TEMP: join(root, '.git') },
  log: liveLog(() => undefined),
  root,
  evidence: join(root, '.git/evidence'),
  who: 'bench',
  signal: new AbortController().signal,
  onSecret: () => undefined,
  github: false,
})
const image = { name: 'app', context: '.', dockerfile: 'Dockerfile', platforms: [], args: {}, repositories: ['a/b'] }

async function work(): Promise<void> {
  if (how === 'stat') {
    let bytes = 0
    for (const { size } of tree(root, (path) => (path === '.git' ? 'prune' : 'keep'))) bytes += size
    if (bytes === 0) throw new Error('there are no files')
  } else if (what === 'key') {
    const tracked = how === 'git' ? await trackedFiles(root, ports) : untracked
    await readContext(image, root, ports.files, { tracked })
    tracked.close()
  } else {
    const [{ build }, { runSteps, stepsOf }, { startRelease }] = await Promise.all([
      import('../src/build/index.ts'),
      import('../src/pipeline.ts'),
      import('../src/plan/index.ts'),
    ])
    const release = await startRelease('launchway.yml', { event: 'push', sha: 'a'.repeat(40), ref: 'refs/heads/main' }, ports)
    if (how === 'first') {
      const { error } = await runSteps(stepsOf(undefined), release, ports)
      if (error !== undefined) throw error
      return
    }
    const began = performance.now()
    const { images } = await build(release, ports)
    if (images.some((one) => one.how === 'built')) throw new Error('an image was built that is known')
    process.stdout.write(`${performance.now() - began} ${peak()}\n`)
  }
}

const peak = (): number => process.resourceUsage().maxRSS / 1024
const began = performance.now()
await work()
if (what === 'key') process.stdout.write(`${performance.now() - began} ${peak()}\n`)
close()
