import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { root } from '../../../lab/paths.ts'
import { bareEnvironment, type Ended, run } from './programs.ts'

const Action = z.object({
  inputs: z.record(z.string(), z.object({ default: z.string().optional() })),
  outputs: z.record(z.string(), z.unknown()),
  runs: z.object({ using: z.literal('node24'), main: z.string() }),
})

export interface Step extends Ended {
  outputs: Record<string, string>
  summary: string
}

export interface Job {
  /** Runs an action as a runner does: what its action.yml names, on this Node, with inputs as variables. */
  uses(action: string, inputs?: Record<string, string>, env?: Record<string, string>): Promise<Step>
  temp: string
  end(): void
}

export interface Event {
  folder: string
  name: string
  ref: string
  sha: string
  payload: unknown
  api: string
  token: string
}

/** One job of a runner: its folders and the variables that GitHub gives to every step. */
export function newJob(event: Event): Job {
  const temp = mkdtempSync(join(tmpdir(), 'launchway-job-'))
  const file = (name: string, text = ''): string => {
    writeFileSync(join(temp, name), text)
    return join(temp, name)
  }
  const github = {
    GITHUB_ACTIONS: 'true',
    GITHUB_EVENT_NAME: event.name,
    GITHUB_EVENT_PATH: file('event.json', JSON.stringify(event.payload)),
    GITHUB_REF: event.ref,
    GITHUB_REF_NAME: event.ref.replace(/^refs\/(heads|tags)\//, ''),
    GITHUB_SHA: event.sha,
    GITHUB_REPOSITORY: 'team/shop',
    GITHUB_ACTOR: 'octocat',
    GITHUB_API_URL: event.api,
    GITHUB_SERVER_URL: 'https://github.com',
    GITHUB_RUN_ID: '42',
    GITHUB_WORKSPACE: event.folder,
    RUNNER_TEMP: temp,
  }
  return {
    temp,
    async uses(action, given = {}, env = {}) {
      const file_ = join(root, action, 'action.yml')
      const { inputs, runs } = Action.parse(parse(readFileSync(file_, 'utf8')))
      const defaults = Object.entries(inputs).map(([name, input]): [string, string] => [
        name,
        (input.default ?? '').replace('${{ github.token }}', event.token),
      ])
      const values = Object.entries({ ...Object.fromEntries(defaults), ...given }).map(([name, value]): [string, string] => [
        `INPUT_${name.toUpperCase()}`,
        value,
      ])
      const [output, summary] = [file('output'), file('summary')]
      const ended = await run(process.execPath, [join(dirname(file_), runs.main)], {
        cwd: event.folder,
        env: {
          ...bareEnvironment(),
          ...github,
          GITHUB_OUTPUT: output,
          GITHUB_STEP_SUMMARY: summary,
          ...Object.fromEntries(values),
          ...env,
        },
      })
      return { ...ended, outputs: parseOutputs(readFileSync(output, 'utf8')), summary: readFileSync(summary, 'utf8') }
    },
    end: () => rmSync(temp, { recursive: true, force: true }),
  }
}

/** `NAME=value`, or `NAME<<MARK`, lines, `MARK`: how a step hands its outputs to the runner. */
function parseOutputs(text: string): Record<string, string> {
  const found = text.matchAll(/^([\w-]+)(?:=(.*)|<<(\S+)\n([\s\S]*?)\n?\3)$/gm)
  return Object.fromEntries([...found].map(([, name = '', line, , lines = '']) => [name, line ?? lines]))
}
