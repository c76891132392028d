import type { ImageSource } from './image-source.ts'
import { imageOf, type Sources, type Started, startedIn, unstarted } from './sources.ts'
import { scriptLines, type StartLine, startOf } from './starts.ts'
import { withoutLogins } from './values.ts'

export interface Line {
  line: StartLine
  /** Undefined for a command of a compose file that runs an image of others. */
  image?: ImageSource
  service?: Started['service']
}

/** Every command that starts in a container of a release, or of a stack that is not for developers alone. */
export function linesOf(sources: Sources): Line[] {
  const started = startedIn(sources)
  const used = started.flatMap(({ start, image, service }) => (start?.lines ?? []).map((line) => ({ line, image, service })))
  const others = unstarted(sources, started)
  const composed = sources.compose
    .filter(({ isDevelopment }) => !isDevelopment)
    .flatMap((source) => source.services.filter(({ command }) => command.length > 0).map((service) => ({ source, service })))
    .flatMap(({ source, service }): Line[] => {
      const { command, at } = service
      const line = { text: command.join(' '), where: at('command') }
      const image = imageOf(service, source, sources.images)
      return image === undefined ? [{ line }] : [line, ...scriptLines(image, line.text)].map((one) => ({ line: one, image }))
    })
  return [...used, ...others.flatMap((image) => (startOf(image)?.lines ?? []).map((line) => ({ line, image }))), ...composed]
}

/** What people read of a command, without what it may tell of a login. */
export function shown(text: string): string {
  const line = withoutLogins(text).replaceAll(/\s+/g, ' ').trim()
  return line.length > 80 ? `${line.slice(0, 79)}…` : line
}
