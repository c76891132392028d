import { expect, test } from 'vitest'
import { configuration, nonce, plannedHere } from './support/built.ts'
import { failureOf } from './support/errors.ts'

test('a build that fails at a program for another kind of machine names that, and the way to emulate it', async () => {
  // A whole header of a program for a processor that nobody makes: no emulation takes it.
  const program = Buffer.alloc(120)
  program.write('7f454c4602010100', 0, 'hex')
  program.writeUInt16LE(2, 16)
  program.writeUInt16LE(0x7abc, 18)
  const here = await plannedHere({
    'launchway.yml': configuration({ app: { platforms: ['linux/riscv64'] } }),
    Dockerfile: `FROM scratch\nCOPY --chmod=755 sh /bin/sh\nRUN echo ${nonce}\n`,
    sh: program,
  })
  expect(await failureOf(here.build())).toMatchObject({
    code: 'BUILD_FAILED',
    message: expect.stringMatching(
      /^the build failed at Dockerfile:3: the command is a program for linux\/riscv64, which this machine \(linux\//,
    ),
    hint: expect.stringContaining('docker/setup-qemu-action'),
  })
})
