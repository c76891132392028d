import { describe, expect, it } from 'vitest'
import { smokeLabels } from '../../src/core/names.ts'
import type { Labelled } from '../../src/core/ports.ts'
import { leftBehind } from '../../src/smoke/clean.ts'

const now = new Date('2026-03-01T12:00:00Z')

function found(kind: Labelled['kind'], hoursOld: number | undefined, owner?: string): Labelled {
  const created = hoursOld === undefined ? undefined : new Date(now.getTime() - hoursOld * 3_600_000)
  return { kind, created, labels: { [smokeLabels.project]: 'stack', ...(owner === undefined ? {} : { [smokeLabels.owner]: owner }) } }
}

describe('a stack of another run', () => {
  it.each<[string, Labelled[], boolean]>([
    ['whose process is at work', [found('container', 0, 'here'), found('image', 0, 'here')], false],
    ['whose process is gone', [found('container', 0, 'gone')], true],
    ['whose process is gone, of which an image alone is left', [found('image', undefined, 'gone')], true],
    ['with a container of three hours ago', [found('container', 3, 'here')], true],
    ['with a network of three hours ago', [found('network', 3)], true],
    ['with images of last year: they were in the cache', [found('container', 1, 'here'), found('image', 9000, 'here')], false],
    ['with a volume of last year', [found('container', 1, 'here'), found('volume', 9000, 'here')], false],
    ['of which the engine does not say when it was made', [found('container', undefined, 'here')], false],
    ['that somebody keeps to look around, since three hours', [found('container', 3, 'kept:/srv/gone')], false],
  ])('%s', (_, stack, isLeft) => {
    expect(leftBehind([...stack, ...stack], now, (owner) => owner === 'gone' || owner.includes('gone'))).toEqual(isLeft ? ['stack'] : [])
  })

  it('is told from one of something else, which is left alone', () => {
    expect(leftBehind([{ kind: 'container', labels: {}, created: new Date(0) }], now, () => true)).toEqual([])
  })
})
