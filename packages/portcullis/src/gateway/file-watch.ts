/**
 * Decides when a file has become another one: whatever happens in its folder, and once in some seconds, it is looked at itself.
 *
 * The names of events are not asked: where a folder is swapped as a whole (a link such as `..data` is set to another one), no
 * event names the file.
 */
import { type BigIntStats, type FSWatcher, statSync, watch } from 'node:fs'
import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'

/** An editor writes a file in steps, and a program that replaces it is heard twice. */
const SETTLE_MS = 100
/** Folders on some networks report nothing. */
const LOOK_MS = 2_000

/** Says which file is there, and in which state, or why there is none. Links are followed. */
export function fingerprintAt(path: string): string {
  try {
    return fingerprintOf(statSync(path, { bigint: true }))
  } catch (thrown) {
    return reasonOf(thrown)
  }
}

const fingerprintOf = ({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string =>
  [dev, ino, size, mtimeNs, ctimeNs].join(' ')

const reasonOf = (thrown: unknown): string => (thrown as NodeJS.ErrnoException).code ?? 'unknown'

/**
 * Calls `changed` some time after the fingerprint of what is at `path` is no longer `known()`, that of the file which was read
 * last. Returns a function that ends that.
 */
export function watchFile(path: string, known: () => string, changed: () => void): () => void {
  let isEnded = false
  let settling: NodeJS.Timeout | undefined
  let watcher: FSWatcher | undefined
  const look = async () => {
    const found = await stat(path, { bigint: true }).then(fingerprintOf, reasonOf)
    if (!isEnded && found !== known()) changed()
  }
  const soon = () => {
    clearTimeout(settling)
    settling = setTimeout(() => void look(), SETTLE_MS).unref()
  }
  const regularly = setInterval(() => void look(), LOOK_MS).unref()
  try {
    // The folder, because a file that is replaced is another file.
    watcher = watch(dirname(path), { persistent: false }, soon)
    watcher.on('error', () => {})
  } catch {
    // What is not watched is looked at all the same.
  }
  return () => {
    isEnded = true
    clearTimeout(settling)
    clearInterval(regularly)
    watcher?.close()
  }
}
