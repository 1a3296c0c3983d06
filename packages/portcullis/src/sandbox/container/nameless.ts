/** Content for a command line that wants a file, in a file that has no name by the time anything is in it. */
import { randomBytes } from 'node:crypto'
import { closeSync, existsSync, openSync, unlinkSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** In memory where the host has such a place: environment variables of an upstream pass through here. */
const IN_MEMORY = '/dev/shm'

/** A descriptor to read `content` from, by `/dev/fd/N` of whom it is lent to. Whoever gets it closes it. */
export function namelessFile(content: string): number {
  const directory = existsSync(IN_MEMORY) ? IN_MEMORY : tmpdir()
  const path = join(directory, `portcullis-${randomBytes(16).toString('hex')}`)
  const descriptor = openSync(path, 'wx+', 0o600)
  try {
    unlinkSync(path)
    writeSync(descriptor, content)
    return descriptor
  } catch (problem) {
    closeSync(descriptor)
    throw problem
  }
}
