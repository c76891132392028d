import { enableCompileCache } from 'node:module'
enableCompileCache()
const { action } = await import('./index.js')
await action('plan')
