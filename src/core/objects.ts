/** The keys of an object that has no others than its type says. */
export function keysOf<T extends object>(of: T): (keyof T)[] {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Object.keys cannot know that there are no others
  return Object.keys(of) as (keyof T)[]
}

/** An object with a value for each key. */
export function byKey<Key extends string, Value>(keys: readonly Key[], value: (key: Key) => Value): Record<Key, Value> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Object.fromEntries forgets the keys
  return Object.fromEntries(keys.map((key) => [key, value(key)])) as Record<Key, Value>
}
