export { showWatched, type Watched, watchRounds } from './run.ts'
