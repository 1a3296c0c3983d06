// Where things are.
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of the bench. */
export const BENCH = join(dirname(fileURLToPath(import.meta.url)), '..')

/** The folder of the workspace. */
export const WORKSPACE = join(BENCH, '..')
