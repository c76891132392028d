import type { PlanSection } from './release.ts'

/** Images that an environment runs and others make: of accessories, and what a project or a stack pulls. Each reference once. */
export function othersIn({ environment, images }: Pick<PlanSection, 'environment' | 'images'>): NonNullable<PlanSection['others']> {
  if (environment === undefined) return []
  const { accessories, project, swarm } = environment
  const stack = Object.entries(swarm?.stack?.images ?? {}).flatMap(([name, one]): [string, string][] =>
    'pulled' in one ? [[name, one.pulled]] : [],
  )
  const named = [
    ...accessories.map(({ name, image }): [string, string] => [name, image]),
    ...Object.entries(project?.pulled ?? {}),
    ...stack,
  ]
  const first = new Map<string, string>()
  for (const [name, reference] of named) if (!first.has(reference)) first.set(reference, name)
  const taken = new Set(images.map(({ name }) => name))
  return [...first].map(([reference, wanted]) => {
    const name = imageName(wanted, (one) => taken.has(one))
    taken.add(name)
    return { name, reference }
  })
}

/** A name as those of images are, with a number where it is taken. */
export function imageName(wanted: string, isTaken: (name: string) => boolean): string {
  const plain =
    wanted
      .toLowerCase()
      .replaceAll(/[^a-z0-9_-]/g, '-')
      .replace(/^[_-]+/, '')
      .slice(0, 28) || 'image'
  let name = plain
  for (let number = 2; isTaken(name); number += 1) name = `${plain}-${number}`
  return name
}
