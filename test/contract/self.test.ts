import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { thisProcess } from '../../src/adapters/self.ts'

describe('a process', () => {
  it('that runs is not gone; that has ended is', async () => {
    const child = spawn('sleep', ['1000'])
    await once(child, 'spawn')
    const id = thisProcess.id.replace(/\d+$/, String(child.pid))
    expect(thisProcess.isGone(id)).toBe(false)
    child.kill('SIGKILL')
    await once(child, 'close')
    expect(thisProcess.isGone(id)).toBe(true)
    expect(thisProcess.isGone(thisProcess.id)).toBe(false)
  })

  it.each(['another-machine:1', 'laptop', ''])('of which nothing can be known is not gone: %j', (id) => {
    expect(thisProcess.isGone(id)).toBe(false)
  })
})
