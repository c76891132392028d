import { describe, expect, it } from 'vitest'
import { processExec } from '../../src/adapters/exec.ts'
import { command } from '../../src/core/command.ts'

describe('the environment of a program', () => {
  it('is that of this one, without what the command drops, and with what it adds', async () => {
    const names = ['LWTEST_A', 'LWTEST_B', 'LWTEST_C']
    for (const name of names) process.env[name] = 'here'
    try {
      const ask = command(process.execPath, ['-p', `JSON.stringify(${JSON.stringify(names)}.map((name) => process.env[name] ?? null))`], {
        drops: { prefix: 'LWTEST_', but: ['LWTEST_B'] },
        env: { LWTEST_C: 'added' },
      })
      expect(JSON.parse(await processExec.read(ask))).toEqual([null, 'here', 'added'])
    } finally {
      for (const name of names) delete process.env[name]
    }
  })
})
