/**
 * Keys whose place in the language is settled and whose work is not there yet. They are refused by name, so that
 * nobody relies on a key that does nothing, and nobody has to rename one later.
 */
const later: Record<string, string> = {
  'images.*.annotations': 'annotations of an image',
}

/** What a reserved key is for; undefined for a key that is not reserved. */
export function reserved(path: readonly PropertyKey[]): string | undefined {
  return Object.entries(later).find(([pattern]) => {
    const parts = pattern.split('.')
    return parts.length === path.length && parts.every((part, index) => part === '*' || part === path[index])
  })?.[1]
}

export const reservedKeys: readonly string[] = Object.keys(later)
