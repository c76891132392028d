import { afterAll, afterEach, beforeAll, inject } from 'vitest'
import { freePorts } from '../../../lab/free-ports.ts'
import { call, docker } from '../../../lab/run.ts'
import { LaunchwayError } from '../../../src/core/error.ts'
import { JournalLine } from '../../../src/core/journal.ts'
import { hostPaths } from '../../../src/core/names.ts'
import { environmentName, type HostUnderTest, journalOf, thisMachine, type Toolbox } from './host.ts'
import { type PushedImage, pushTestImage, removeImage } from './release.ts'

/** All of what every other run has a sample of. */
export const isCampaign = process.env['LAUNCHWAY_CAMPAIGN'] !== undefined

/** The image that the tests of a file deploy, and machines that go with each test. */
export function useHosts(): { image: () => PushedImage; machine: (toolbox?: Partial<Toolbox>) => Promise<ReturnType<typeof thisMachine>> } {
  const open: HostUnderTest[] = []
  let image: PushedImage | undefined
  beforeAll(async () => {
    image = await pushTestImage(inject('lab').registry.address)
  })
  afterEach(async () => {
    for (const host of open.splice(0)) await host[Symbol.asyncDispose]()
  })
  afterAll(async () => {
    if (image !== undefined) await removeImage(image)
  })
  return {
    image: () => image ?? { repository: '', digest: '' },
    async machine(toolbox = {}) {
      const [port = 0] = await freePorts(1)
      const host = thisMachine({ name: 'dash', shell: 'dash', probe: 'curl', ...toolbox }, port)
      open.push(host)
      return host
    },
  }
}

/** Another image of the same repository, which this machine's engine does not keep. @param instruction of a Dockerfile */
export async function pushAnother({ repository, digest }: PushedImage, text: string, instruction = ''): Promise<PushedImage> {
  const tag = `${repository}:${text}`
  await call('docker', ['build', '--quiet', '--tag', tag, '-'], {
    stdin: `FROM ${repository}@${digest}\nLABEL text=${text}\n${instruction}\n`,
  })
  await docker('push', '--quiet', tag)
  const said = await docker('image', 'inspect', '--format', '{{join .RepoDigests "\\n"}}', tag)
  await docker('image', 'rm', tag)
  return {
    repository,
    digest:
      said
        .split('\n')
        .find((one) => one.startsWith(`${repository}@`))
        ?.slice(repository.length + 1) ?? '',
  }
}

/** The error that a deploy ends with. */
export async function failureOf(deploying: Promise<unknown>): Promise<LaunchwayError> {
  const error = await deploying.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof LaunchwayError))
    throw new Error(`this should have failed with an error of ours, not ${String(error)}`, { cause: error })
  return error
}

export async function running(host: HostUnderTest): Promise<string[]> {
  return (await host.containers()).filter(({ state }) => state === 'running').map(({ service, release }) => `${service} ${release}`)
}

export const pathsOf = (host: HostUnderTest): ReturnType<typeof hostPaths> => hostPaths(host.stateRoot, host.app, environmentName)

export function stepsOf(host: HostUnderTest): string[] {
  const lines = journalOf(host).trim().split('\n')
  return lines.map((line) => JournalLine.parse(JSON.parse(line))).map(({ step, state }) => `${step} ${state}`)
}
