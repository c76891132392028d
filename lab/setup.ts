/** Makes this machine ready for tests, demo and lab: what is there is used, what is missing is installed or named. */
import { mkdirSync } from 'node:fs'
import { cache } from './paths.ts'
import { engineStep } from './setup/engine.ts'
import { imageSteps } from './setup/images.ts'
import { bringAbout } from './setup/steps.ts'
import { actionlintStep, cosignStep, debianStep, goStep, pebbleStep, toxiproxyStep, trivyStep, wheelsStep } from './setup/tools.ts'
import { vulnerabilitiesStep } from './setup/vulnerabilities.ts'

const began = performance.now()
mkdirSync(cache, { recursive: true })
try {
  const anew = await bringAbout(
    [
      debianStep,
      engineStep,
      goStep,
      trivyStep,
      toxiproxyStep,
      actionlintStep,
      pebbleStep,
      vulnerabilitiesStep,
      wheelsStep,
      ...imageSteps,
      ...(process.argv.includes('--cosign') ? [cosignStep] : []),
    ],
    (line) => process.stderr.write(`${line}\n`),
  )
  const after = `${((performance.now() - began) / 1000).toFixed(1)} s`
  process.stderr.write(`set-up: ${anew ? 'ready' : 'everything is there, ready'} after ${after}\n`)
} catch (error) {
  process.stderr.write(`\n${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
