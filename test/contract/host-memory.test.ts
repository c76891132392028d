import { expect, test } from 'vitest'
import { placesOf } from '../support/places.ts'
import { deployTo, worker } from './support/release.ts'
import { useHosts } from './support/hosts.ts'
import { hostAt } from './support/place.ts'

const { image } = useHosts()

test.for(placesOf('bookworm, docker group', 'forky, busybox'))(
  'on $name, which has no memory for two versions, the deploy says so, and what has taken how much',
  async (place) => {
    await using host = await hostAt(place)
    const warnings: string[] = []
    const put = (version: string): Promise<unknown> =>
      deployTo(host, image(), { version, services: [worker], onWarning: (line) => warnings.push(line) })
    await put('one')
    await put('two')
    const about = (): string[] => warnings.filter((line) => line.includes(' of memory are left'))
    expect(about()).toEqual([])
    const file = `/tmp/${host.app}.meminfo`
    await host.ask(
      `sed -e 's/^\\(MemAvailable\\|SwapFree\\):.*/\\1: 0 kB/' /proc/meminfo > ${file}; mount --bind ${file} /proc/meminfo; rm ${file}`,
    )
    try {
      await put('three')
    } finally {
      await host.ask('umount /proc/meminfo')
    }
    expect(about()).toEqual([
      expect.stringMatching(/: 0\.0 MB of memory are left, .* has taken ([\d.]+ MB) \(worker \1\)\. The kernel may end/),
    ])
  },
)
