import type { DatabaseSync } from 'node:sqlite'

/** Whether a file is a database with so many rows in this table, or more. What cannot be opened, or has no such table, has none. */
export async function hasRows(file: string, table: string, least: number): Promise<boolean> {
  try {
    using database = open(file)
    return database.it.prepare(`SELECT 1 FROM "${table.replaceAll('"', '""')}" LIMIT 1 OFFSET ?`).get(least - 1) !== undefined
  } catch {
    return false
  }
}

function open(file: string): Disposable & { it: DatabaseSync } {
  // An import would be loaded at every start of the bundle, and some of Node 24 warn of it.
  const it = new (process.getBuiltinModule('node:sqlite').DatabaseSync)(file, { readOnly: true })
  return { it, [Symbol.dispose]: () => it.close() }
}
