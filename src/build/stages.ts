import { firstOf } from '../core/text.ts'
import { join } from 'node:path'
import { LaunchwayError, type Place } from '../core/error.ts'
import { nearest } from '../core/nearest.ts'
import type { PlannedBase } from '../core/planned-image.ts'
import type { Ports } from '../core/ports.ts'
import { firstWord, instructions, syntaxOf } from '../tools/dockerfile-text.ts'
import { stepsOf } from '../tools/dockerfile.ts'

/** Of a Dockerfile that a message names. */
const shownStages = 12

/**
 * What has no stage at all is refused before BuildKit sees it: of one that holds nothing but ARG, that of Docker 26 falls over, and the
 * engine with it. What has any other instruction BuildKit says itself, with its line.
 * @throws LaunchwayError BUILD_FAILED
 */
export function requireStage({ name, context, dockerfile, args }: PlannedBase, text: string): void {
  const reader = args['BUILDKIT_SYNTAX'] ?? syntaxOf(text)
  // Another language may mean something by it.
  if (reader !== undefined && !/^(docker\.io\/)?docker\/dockerfile(-upstream)?([:@]|$)/.test(reader)) return
  const found = instructions(text)
  if (found.some((one) => firstWord(one.text) !== 'ARG')) return
  const file = join(context, dockerfile)
  const [first] = found
  throw new LaunchwayError('BUILD_FAILED', `${file}, of which ${name} is built, ${first === undefined ? 'is empty' : 'has no FROM line'}`, {
    hint: 'FROM says what the image is built on: FROM python:3.12-slim, or FROM scratch for nothing.',
    place: { file, ...(first === undefined ? {} : { line: first.line }) },
  })
}

/** The Dockerfile without the stage that an image of it is to be, and the names that stages of it have. Undefined where there is none. */
export async function lackingStage(
  stage: string,
  sources: readonly Pick<PlannedBase, 'context' | 'dockerfile' | 'target'>[],
  { files, root }: Pick<Ports, 'files' | 'root'>,
): Promise<{ place: Place; hint: string } | undefined> {
  for (const { context, dockerfile, target } of sources) {
    if (target !== stage) continue
    const file = join(context, dockerfile)
    const text = (await files.read(join(root, file)))?.toString()
    if (text === undefined) continue
    const stages = stepsOf(text, undefined).flatMap(({ name, line }) => (name === undefined ? [] : [{ name, line }]))
    if (stages.some(({ name }) => name === stage.toLowerCase())) continue
    const names = stages.map(({ name, line }) => `${name} (line ${line})`)
    const meant = nearest(stage, new Set(stages.map(({ name }) => name)))
    const has = names.length === 0 ? 'No stage of it has a name' : `It has ${firstOf(names, shownStages).join(', ')}`
    return { place: { file }, hint: `${has}${meant === undefined ? '' : `; did you mean ${meant}?`}` }
  }
  return undefined
}
