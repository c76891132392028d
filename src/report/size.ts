import type { SizeSection } from '../core/evidence.ts'
import { showBytes } from '../core/units.ts'
import { code, folded, prose } from './markdown.ts'

/** What each image weighs beside what runs, and why, where it is above a limit or large. */
export function sizeParts({ images }: SizeSection): string[] {
  return images.flatMap((image) => {
    const { name, size, before, exceeds, advice, layers, added = [] } = image
    const isAbove = exceeds.map(({ what, action }) => `${action === 'fail' ? '**too large**' : '**large**'}: it ${prose(what)}.`)
    const beside =
      before === undefined ? [] : [`${changed(size - before.size)} beside ${code(before.version)} in ${prose(before.environment)}`]
    if (isAbove.length + beside.length + advice.length === 0) return []
    const [largest] = (added.length > 0 ? added : layers).toSorted((a, b) => b.size - a.size)
    const most =
      largest === undefined
        ? []
        : [`${added.length > 0 ? 'most of it is new' : 'the largest layer'}: ${showBytes(largest.size)}, ${code(largest.by)}`]
    const line = [
      `${prose(name)}: ${showBytes(size)}`,
      ...beside,
      ...(isAbove.length + advice.length > 0 || added.length > 0 ? most : []),
    ].join('; ')
    const rows = layers.toSorted((a, b) => b.size - a.size).slice(0, 10)
    const list = rows.map(({ size: bytes, by }) => `${showBytes(bytes).padStart(9)}  ${by}`).join('\n')
    return [
      [line, ...isAbove, ...advice.map(prose)].join('\\\n'),
      ...(isAbove.length + advice.length === 0 || list === '' ? [] : [folded('Layers', list)]),
    ]
  })
}

function changed(bytes: number): string {
  if (Math.abs(bytes) < 50_000) return 'as large'
  return `${showBytes(Math.abs(bytes))} ${bytes > 0 ? 'more' : 'less'}`
}
