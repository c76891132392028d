import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { thisProcess } from '../../src/adapters/self.ts'

/** The same place, and another process of it. */
const idOf = (pid: number | undefined, start = ''): string => thisProcess.id.replace(/:[^:]*$/, `:${pid}${start}`)

describe('a process', () => {
  it('that runs is not gone; that has ended is', async () => {
    const child = spawn('sleep', ['1000'])
    await once(child, 'spawn')
    const id = idOf(child.pid)
    expect(thisProcess.isGone(id)).toBe(false)
    child.kill('SIGKILL')
    await once(child, 'close')
    expect(thisProcess.isGone(id)).toBe(true)
    expect(thisProcess.isGone(thisProcess.id)).toBe(false)
  })

  it('that has the number of one which has ended is another one', () => {
    const [, start = ''] = /\.(\d+)$/.exec(thisProcess.id) ?? []
    expect(thisProcess.isGone(idOf(process.pid, `.${start}`))).toBe(false)
    expect(thisProcess.isGone(idOf(process.pid, `.${Number(start) - 1}`))).toBe(true)
    expect(thisProcess.isGone(idOf(1, '.0'))).toBe(true)
  })

  it.each([
    ['on another machine', thisProcess.id.replace(/^[^:]*/, 'another-machine')],
    ['before the machine was started anew', thisProcess.id.replace(/:[0-9a-f-]{36}:/, ':00000000-0000-0000-0000-000000000000:')],
    ['in another container of the same name', thisProcess.id.replace(/:\d+:([\d.]+)$/, ':1:$1')],
    ['of no such form', 'laptop'],
    ['of none', ''],
  ])('%s cannot be judged from here', (_, id) => {
    expect(id).not.toBe(thisProcess.id)
    expect(thisProcess.isGone(id)).toBeUndefined()
  })
})
