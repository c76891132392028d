import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { labLabel } from '../../lab/lab.ts'
import { ask, call, docker } from '../../lab/run.ts'
import { hostImage } from '../../lab/setup/images.ts'
import { keyTag } from '../../src/core/names.ts'
import type { Ports } from '../../src/core/ports.ts'
import { scan } from '../../src/scan/index.ts'
import { failureOf } from './support/errors.ts'
import { type Folder, openFolder, setEnv } from './support/folder.ts'
import { eventually } from './support/processes.ts'
import { type BuiltHere, buildHere, imageWith, openEach, together, toScan } from './support/scanned.ts'

const { name: lab } = inject('lab')
const { here } = openEach()
let folder: Folder
let engine = ''
let host = ''
let image: BuiltHere
/** Two on the base of the first. */
let above: readonly BuiltHere[]

const nameOf = ({ repository, key }: BuiltHere): string => `${repository}:${keyTag(key)}`
const onBase = (name: string): Promise<BuiltHere> =>
  buildHere(`FROM ${nameOf(image)}\nCOPY METADATA /usr/lib/python3/site-packages/${name}-2.2.2.dist-info/METADATA\n`, {
    METADATA: `Metadata-Version: 2.1\nName: ${name}\nVersion: 2.2.2\n`,
  })

/** An engine of its own, with the containerd store, that is reached through a socket in a folder. */
beforeAll(async () => {
  folder = await openFolder()
  host = `unix://${join(folder.path, 'docker.sock')}`
  const contained = ['--label', `${labLabel}=${lab}`, '--volume', '/var/lib/docker', '--volume', `${folder.path}:/engine`]
  const dockerd = ['--config-file', '/dev/null', '--feature', 'containerd-snapshotter=true', '--bridge', 'none', '--iptables=false']
  engine = await docker(
    ...['run', '--detach', '--rm', '--privileged', '--network', 'none', ...contained],
    ...['--entrypoint', 'dockerd', hostImage('forky'), ...dockerd, '--host', 'unix:///engine/docker.sock'],
  )
  image = await imageWith(['httpx', '0.22.0'])
  above = [await onBase('Werkzeug'), await onBase('click')]
  const archive = join(folder.path, 'image.tar')
  await docker('image', 'save', '--output', archive, ...[image, ...above].map(nameOf))
  await eventually(async () => (await ask('docker', ['version'], { env: { DOCKER_HOST: host } })) !== undefined)
  await call('docker', ['image', 'load', '--input', archive], { env: { DOCKER_HOST: host } })
})
afterAll(async () => {
  await ask('docker', ['rm', '--force', '--volumes', engine])
  await folder[Symbol.asyncDispose]()
})

describe('an engine with the containerd store', () => {
  it('knows an image by another digest, and what is scanned is known by that of its configuration all the same', async () => {
    using _ = setEnv({ DOCKER_HOST: host, DOCKER_CONTEXT: undefined })
    const { ports } = here()
    expect(await ports.engine.info()).toMatchObject({ containerdStore: true })
    expect((await ports.engine.image(nameOf(image)))?.id).not.toBe(image.config)
    const { code, part } = await failureOf(scan(toScan(image), ports))
    expect([code, part?.scan?.images[0]?.config]).toEqual(['SCAN_BLOCKED', image.config])
  })

  it('writes several on one base out together, and each is known by its configuration', async () => {
    using _ = setEnv({ DOCKER_HOST: host, DOCKER_CONTEXT: undefined })
    const { ports } = here()
    const called: string[] = []
    const exec: Ports['exec'] = {
      ...ports.exec,
      run: (command, options) => {
        if (command.args[1] === 'save') called.push(command.args.slice(2).join(' '))
        return ports.exec.run(command, options)
      },
    }
    const section = await scan(together({ app: above[0] ?? image, worker: above[1] ?? image }, { rules: [] }), { ...ports, exec })
    expect(section.images.map(({ config, findings }) => [config, findings.map(({ id }) => id)])).toEqual([
      [above[0]?.config, ['CVE-2021-41945', 'CVE-2023-25577']],
      [above[1]?.config, ['CVE-2021-41945']],
    ])
    expect(called).toEqual([above.map(nameOf).join(' ')])
  })
})
