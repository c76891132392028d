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
  return [...first].map(([reference, name]) => ({ name: nameFor(name, images), reference }))
}

/** As names of images are, and none of theirs. */
function nameFor(name: string, images: PlanSection['images']): string {
  const usual = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]/g, '-')
    .slice(0, 32)
  return images.some((own) => own.name === usual) ? `${usual}-pulled` : usual
}
