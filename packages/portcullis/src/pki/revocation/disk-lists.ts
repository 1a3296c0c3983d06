/** Keeps fetched revocation lists in a folder of the gateway. They are signed, so whoever could change them gains nothing. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { privateFolder, writeWholeAside } from '../private-file.ts'
import type { ListStore } from './lists.ts'

/** Makes the folder when something is written. */
export function diskLists(folder: string): ListStore {
  const fileOf = (url: string) => join(folder, `${createHash('sha256').update(url).digest('hex')}.crl`)
  return {
    read: (url) => readFile(fileOf(url)).catch(() => undefined),
    async write(url, bytes) {
      try {
        privateFolder(folder)
        await writeWholeAside(fileOf(url), bytes, 0o600)
      } catch {
        // What is not kept is fetched again.
      }
    },
  }
}
