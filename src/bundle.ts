// What most parts of the bundle have, and is small: where it is here, ncc does not put a copy of it into each of them.
// A start loads nearly all of it in any case.
// oxlint-disable import/no-unassigned-import -- nothing of theirs is used here
import './core/command.ts'
import './core/composed.ts'
import './core/docker-config.ts'
import './core/evidence.ts'
import './core/http-check.ts'
import './core/lifecycle.ts'
import './core/names.ts'
import './core/image-labels.ts'
import './core/reference.ts'
import './core/registry-refusal.ts'
import './core/repository.ts'
import './core/secret-names.ts'
import './core/words.ts'
// oxlint-enable import/no-unassigned-import
// Of functions alone nothing would stay: what the entry hands on, it has.
export * as dockerfile from './tools/dockerfile.ts'
export * as glob from './plan/glob.ts'
export * as exec from './adapters/exec.ts'
export * as http from './adapters/registry/http.ts'
export * as docker from './tools/docker.ts'
export * as ignores from './tools/dockerignore.ts'
export * as failures from './adapters/registry/failures.ts'
export * as platform from './core/platform.ts'
export * as trivy from './tools/trivy.ts'
export * as signature from './core/signature.ts'
export * as git from './tools/git.ts'
export * as ssh from './tools/ssh.ts'
export * as redeploy from './plan/redeploy.ts'
export * as json from './core/json.ts'
export * as documents from './core/record-document.ts'
export * as trigger from './plan/trigger.ts'
export * as near from './core/nearest.ts'
// Each of the two doors has it, and one of them is opened at every start.
export * as report from './report/index.ts'

// The entry of the bundle. Each door is loaded when it is opened, so that neither pays for the other.

export async function action(entry: string): Promise<void> {
  const { main } = await import('./main.ts')
  await main(entry)
}

export async function terminal(args: string[]): Promise<void> {
  const { cli } = await import('./cli.ts')
  await cli(args)
}
