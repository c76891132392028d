import { baseStep } from './images.ts'
import { bringAbout } from './steps.ts'

/**
 * Images of others that a single example names: the folder of lab/images that stands in for each. Set-up does not wait
 * for them; whoever opens the example does.
 */
const folders: Readonly<Record<string, string>> = {
  'mysql:8': 'mysql',
  // Python 3.11 on Debian 12 is what python:3 stands for as well, where it cannot be pulled.
  'python:3.11-slim-bookworm': 'python',
  'postgres:15': 'postgres',
  'python:3.11-slim': 'python',
  'rabbitmq:3': 'rabbitmq',
}

/** Has those of these images here that set-up has not: pulled, or made from Debian packages. What is there is used. */
export async function bringImages(references: readonly string[]): Promise<void> {
  const steps = references.flatMap((reference) => {
    const folder = folders[reference]
    return folder === undefined ? [] : [baseStep(folder, reference)]
  })
  if (steps.length > 0) await bringAbout(steps, (line) => process.stderr.write(`${line}\n`))
}
