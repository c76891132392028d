import type { DatabaseSync } from 'node:sqlite'

/** Whether a file is a database with a row in this table. What cannot be opened, or has no such table, has none. */
export async function hasRows(file: string, table: string): Promise<boolean> {
  try {
    using database = open(file)
    return database.it.prepare(`SELECT 1 FROM "${table.replaceAll('"', '""')}" LIMIT 1`).get() !== undefined
  } catch {
    return false
  }
}

function open(file: string): Disposable & { it: DatabaseSync } {
  // An import would be loaded at every start of the bundle, and some of Node 24 warn of it.
  const it = new (process.getBuiltinModule('node:sqlite').DatabaseSync)(file, { readOnly: true })
  return { it, [Symbol.dispose]: () => it.close() }
}
