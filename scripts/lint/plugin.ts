import { relative, resolve, sep } from 'node:path'
import { breach } from './rooms.ts'

/** The part of ESLint's rule interface that oxlint gives to JavaScript plugins, as far as it is used here. */
interface Context {
  filename: string
  report(problem: { node: unknown; message: string }): void
}
interface Importing {
  source: { value?: unknown } | null
}

const root = resolve(import.meta.dirname, '../../src')

const importDirection = {
  create(context: Context) {
    const from = relative(root, context.filename)
    if (from.startsWith('..')) return {}
    const check = (node: Importing): void => {
      const specifier = node.source?.value
      if (typeof specifier !== 'string' || !specifier.startsWith('.')) return
      const to = relative(root, resolve(context.filename, '..', specifier))
      const wrong = breach(from.split(sep).join('/'), to.split(sep).join('/'))
      if (wrong !== undefined) context.report({ node, message: wrong })
    }
    return {
      ImportDeclaration: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
      ImportExpression: check,
      TSImportType: check,
    }
  },
}

export default { meta: { name: 'launchway' }, rules: { 'import-direction': importDirection } }
