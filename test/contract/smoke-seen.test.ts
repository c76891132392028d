import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { compose, recordedTree, repository, smokeTest, withImage } from './support/smoke.ts'

withImage()

/**
 * Far below the interval of the health check, which nobody is to wait for, and above what a busy machine takes to start a
 * program in a container. How soon it is seen on a quiet one is measured by `npm run bench smoke`.
 */
const seenMs = 5000
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

it('readiness is seen when it is true, not when the health check of the image would look next', async () => {
  const all = await delays()
  expect(all).toHaveLength(names.length)
  expect(Math.max(...all)).toBeLessThan(seenMs)
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
