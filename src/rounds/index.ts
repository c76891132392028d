export { showWatched, watchRounds } from './run.ts'
