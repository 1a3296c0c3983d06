/** Where a gateway looks for a program that is named without a folder, when it is told nothing else. */
export const DEFAULT_SEARCH_PATH: readonly string[] = ['/usr/local/bin', '/usr/bin', '/bin']
