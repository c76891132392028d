/** A file, or a folder with all that is in it. What is not there yet may come. */
export interface WatchedPlace {
  /** Absolute. */
  path: string
  /** It may be a folder: all that is in it counts. */
  isTree: boolean
  /** Folders that are not entered. @param relative to the place */
  prunes?(this: void, relative: string): boolean
}

/** Tells of what is written, made, renamed or removed. */
export interface Watcher {
  /**
   * From now on these places, instead of those before.
   * @returns why some of it is not watched, in words
   */
  watch(places: readonly WatchedPlace[]): string | undefined
  close(this: void): void
}

/** @param onChange gets the absolute path of what changed, also of files beside those that were asked for */
export type OpenWatcher = (onChange: (path: string) => void) => Promise<Watcher>
