import { describe, expect, it } from 'vitest'
import { refuseUnfitScripts } from '../../src/smoke/script.ts'
import { failureOf } from '../contract/support/errors.ts'
import { localPorts } from './support/ports.ts'
import { scriptCheck, writtenScript } from './support/script.ts'
import { plan } from './support/standing.ts'

describe('a script', () => {
  const refused = (root: string, name = 'check.sh') => refuseUnfitScripts({ ...plan, checks: [scriptCheck(name)] }, localPorts(root).ports)

  it.each<[string, string | Buffer, number, RegExp, RegExp]>([
    ['is not executable', '#!/bin/sh\n', 0o644, /it is not executable/, /chmod=\+x check\.sh/],
    ['has lines of Windows', '#!/bin/sh\r\ntrue\r\n', 0o755, /its lines end as on Windows/, /check\.sh text eol=lf/],
    ['does not say what runs it', 'echo hello\n', 0o755, /its first line does not say/, /#!\/bin\/sh/],
  ])('that %s is refused before anything is started', async (_, body, mode, message, hint) => {
    expect(await failureOf(refused(writtenScript(body, mode)))).toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    })
  })

  it('that is not there is refused before anything is started, and a program is none that needs a first line', async () => {
    expect((await failureOf(refused(writtenScript(''), 'other.sh'))).message).toBe(
      'smoke: the script other.sh cannot be run: there is no such file',
    )
    await refused(writtenScript(Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0])))
    await refused(writtenScript('#!/usr/bin/env python3\n'))
  })
})
