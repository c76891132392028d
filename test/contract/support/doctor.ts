import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import type { Exec, Log } from '../../../src/core/ports.ts'
import { doctor } from '../../../src/doctor/index.ts'
import { openPorts } from '../../../src/ports.ts'
import { commit, type Ended, git, open } from './doors.ts'
import { openFolder } from './folder.ts'

export const DoctorsAnswer = z.object({
  version: z.literal(1),
  findings: z.array(
    z.object({
      rule: z.string(),
      topic: z.string(),
      severity: z.enum(['error', 'warning', 'hint']),
      where: z.record(z.string(), z.json()),
      what: z.string(),
      why: z.string(),
      fix: z.string(),
      fixable: z.boolean(),
      fixed: z.literal(true).optional(),
    }),
  ),
  skipped: z.array(z.object({ check: z.string(), reason: z.string() })),
  changes: z.array(z.string()),
  counts: z.object({ error: z.number(), warning: z.number(), hint: z.number() }),
})

interface Folder extends AsyncDisposable {
  path: string
  /** In a process of its own. */
  doctor(args?: string[], env?: Record<string, string>): Ended
  /** In this one. */
  findings(of?: {
    fix?: boolean
    offline?: boolean
    env?: Record<string, string>
  }): Promise<z.infer<typeof DoctorsAnswer> & { said: string[] }>
}

export const plain = {
  'launchway.yml': 'image: ghcr.io/team/app\nscan: false\n',
  Dockerfile: 'FROM python:3.12\nCOPY app.py /\n',
  'app.py': '',
}

/** A working tree with a commit. */
export async function tree(files: Readonly<Record<string, string>>): Promise<Folder> {
  const folder = await openFolder()
  const { path } = folder
  for (const [name, text] of Object.entries({ ...plain, ...files })) {
    mkdirSync(join(path, name, '..'), { recursive: true })
    writeFileSync(join(path, name), text)
  }
  git(path, 'init', '-q', '-b', 'main')
  commit(path)
  return {
    path,
    doctor: (args = ['--offline'], env = {}) => open('cli', ['doctor', ...args], path, env),
    async findings({ fix = false, offline = true, env = {} } = {}) {
      const signal = new AbortController().signal
      const evidence = join(path, '.evidence')
      const ports = openPorts({ env, log: silent, root: path, evidence, who: 'ada', signal, onSecret: () => undefined, github: true })
      try {
        const asked = { config: 'launchway.yml', record: join(path, 'none'), fix, offline }
        const report = await doctor(asked, { ...ports, exec: askingOnce(ports.exec) })
        const answer = DoctorsAnswer.parse(JSON.parse(JSON.stringify(report)))
        return { ...answer, said: answer.findings.map(({ severity, rule, what }) => `${severity} ${rule}: ${what}`) }
      } finally {
        ports.close()
      }
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  }
}

const versions = new Map<string, ReturnType<Exec['run']>>()

/** Which tools this machine has does not change from one test to the next; a process of its own asks anew. */
function askingOnce(exec: Exec): Exec {
  return {
    read: exec.read.bind(exec),
    run(command, options) {
      const question = [command.file, ...command.args].join(' ')
      if (!/version/i.test(question)) return exec.run(command, options)
      const answer = versions.get(question) ?? exec.run(command, options)
      versions.set(question, answer)
      return answer
    },
  }
}

const silent: Log = {
  info: () => undefined,
  debug: () => undefined,
  notice: () => undefined,
  warning: () => undefined,
  error: () => undefined,
  stage: () => ({ ...silent, end: () => undefined }),
}
