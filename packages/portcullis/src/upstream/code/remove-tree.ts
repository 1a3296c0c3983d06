/** How a folder that strange code has written into is removed: whatever its depth, its names and its modes. */
import { randomUUID } from 'node:crypto'
import { chmod, mkdir, opendir, rename, rmdir, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/**
 * Removes a folder and all that is in it; `rm -r` would fail where the nesting is deeper than a path can be long, and
 * where a folder was made unreadable. Links are removed, never followed. Each folder inside is first moved to one place,
 * so that no path grows. Nobody may write into the folder any more. Throws the system's error.
 */
export async function removeTree(folder: string): Promise<void> {
  const bin = join(dirname(folder), `portcullis-code-${randomUUID()}`)
  await mkdir(bin, { mode: 0o700 })
  await chmod(folder, 0o700) // moving a folder writes into it
  await rename(folder, join(bin, '0'))
  let found = 1
  for (let next = 0; next < found; next++) found = await empty(bin, next, found)
  await rmdir(bin)
}

/** Empties the folder with this number; those inside get the numbers from `found` on. Returns the next free one. */
async function empty(bin: string, number: number, found: number): Promise<number> {
  const folder = join(bin, `${number}`)
  let next = found
  // Names that are not UTF-8 are names too.
  for await (const { name, isFolder } of entriesOf(folder)) {
    const path = Buffer.concat([Buffer.from(`${folder}/`), name])
    if (!isFolder) {
      await unlink(path)
      continue
    }
    await chmod(path, 0o700)
    await rename(path, join(bin, `${next++}`))
  }
  await rmdir(folder)
  return next
}

async function* entriesOf(folder: string): AsyncGenerator<{ readonly name: Buffer; readonly isFolder: boolean }> {
  await chmod(folder, 0o700)
  // The types of Node leave out that `buffer` is an encoding here.
  const entries = await opendir(folder, { encoding: 'buffer' as BufferEncoding })
  for await (const entry of entries) {
    yield { name: entry.name as unknown as Buffer, isFolder: entry.isDirectory() }
  }
}
