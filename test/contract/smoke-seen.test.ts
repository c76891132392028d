import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { spread } from '../../bench/measure.ts'
import { compose, recordedTree, repository, smokeTest, withImage } from './support/smoke.ts'

withImage()

/** What is promised of a machine that has nothing else to do; `npm run bench smoke` has the figures. */
const seenMs = 200
const names = ['a', 'b', 'c', 'd', 'e']

/** By service, how long after it was ready launchway had seen that, both by the clock of this machine: containers have no other. */
async function delays(): Promise<number[]> {
  // Each is ready at another moment of the pauses between two looks.
  const services = names.map((name, index) => {
    const command = `command: [sh, -c, "sleep ${1 + 0.53 * index}; touch /own/${name}; exec sleep 1000"]`
    const health = `healthcheck: { test: [CMD, test, -f, /own/${name}], interval: 60s }`
    return `  ${name}: { image: "${repository}", volumes: ["./own:/own"], ${command}, ${health} }\n`
  })
  const { root } = recordedTree({ files: { 'compose.yml': `services:\n${services.join('')}`, 'own/note': '' } })
  let upAt = 0
  const onLine = (line: string): void => {
    if (line.startsWith('up in')) upAt = Date.now()
  }
  const { section } = await smokeTest({ files: {}, root, onLine })
  const last = Math.max(...section.services.map(({ ms }) => ms))
  return section.services.map(({ name, ms }) => upAt - (last - ms) - statSync(join(root, 'own', name)).mtimeMs)
}

it('readiness is seen within 200 ms of being true', async () => {
  const first = await delays()
  expect(first).toHaveLength(names.length)
  // Where others want the processor a start of a program in a container takes as long as they let it: one more try.
  const middles = [spread(first).median]
  if (middles.some((one) => one >= seenMs)) middles.push(spread(await delays()).median)
  expect(Math.min(...middles)).toBeLessThan(seenMs)
})

it('of the memory the most is told that a service was seen to use, not what it has at the end', async () => {
  const peak = 'head -c 40000000 /dev/zero > /dev/shm/x; sleep 2; rm /dev/shm/x; sleep 1; echo gone; exec sleep 1000'
  const { section, root } = await smokeTest({
    files: compose(`web: { image: "${repository}", command: [sh, -c, "${peak}"] }\nquiet: { image: "${repository}" }`),
    smoke: 'checks: [{ log: web, matches: gone }]',
  })
  const [quiet, web] = section.services.map(({ memory = 0 }) => memory)
  expect(web).toBeGreaterThanOrEqual(40e6)
  expect(web).toBeLessThan(60e6)
  expect(quiet).toBeLessThan(20e6)
  const kept: unknown = JSON.parse(readFileSync(join(root, '.evidence/smoke/containers.json'), 'utf8'))
  expect(kept).toContainEqual(expect.objectContaining({ name: 'web', memory: expect.objectContaining({ most: web }) }))
})
