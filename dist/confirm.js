import './compile-cache.js'
const { action } = await import('./index.js')
await action('confirm')
