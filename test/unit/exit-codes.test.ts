import { describe, expect, it } from 'vitest'
import { errorCodes, exitCodeOf, LaunchwayError } from '../../src/core/error.ts'
import { keysOf } from '../../src/core/objects.ts'

describe('exit codes', () => {
  it('are a contract', () => {
    const codes = Map.groupBy(keysOf(errorCodes), (code) => exitCodeOf(new LaunchwayError(code, '')))
    expect(codes.get(2)).toEqual(
      expect.arrayContaining(['USAGE', 'CONFIG_INVALID', 'NOT_YET', 'RECORD_INVALID', 'SECRET_MISSING', 'TOOL_MISSING']),
    )
    expect(codes.get(3)).toEqual(expect.arrayContaining(['SMOKE_UNHEALTHY', 'SMOKE_CHECK_FAILED', 'SCAN_BLOCKED']))
    expect(codes.get(4)).toEqual(['BUILD_FAILED'])
    expect(codes.get(5)).toEqual(expect.arrayContaining(['REGISTRY_DENIED', 'REGISTRY_UNAVAILABLE', 'DIGEST_MISMATCH']))
    expect(codes.get(6)).toEqual(expect.arrayContaining(['SSH_UNREACHABLE', 'SSH_HOST_KEY', 'HOST_UNFIT', 'PULL_FAILED', 'DEPLOY_LOCKED']))
    expect(codes.get(7)).toEqual(expect.arrayContaining(['DEPLOY_ROLLED_BACK', 'RELEASE_COMMAND_FAILED']))
    expect(codes.get(8)).toEqual(['ROLLBACK_FAILED'])
    expect(codes.get(130)).toEqual(['CANCELLED'])
    expect(exitCodeOf(new TypeError('a bug'))).toBe(1)
  })
})
