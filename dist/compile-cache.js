import { enableCompileCache } from 'node:module'
const { HOME, NODE_COMPILE_CACHE, XDG_CACHE_HOME } = process.env
const folder = NODE_COMPILE_CACHE || (XDG_CACHE_HOME || (HOME && HOME + '/.cache') || '') + '/launchway/compiled'
if (folder.length > '/launchway/compiled'.length) enableCompileCache(folder)
