/** Removes the payloads whose records are gone: whole files, and only those that no record that is left can name. */
import { existsSync, unlinkSync } from 'node:fs'
import { syncDirectory } from './append-file.ts'
import { segmentsOf } from './lines.ts'
import { PAYLOAD_FOLDER } from './payload-file.ts'
import { batchesOfLines } from './search.ts'
import { segmentName } from './segment.ts'

const NUMBER = /,"payload":\{"n":([1-9]\d{0,14}),"digest":"[0-9a-f]{64}"/

/** The payload files of a chain, whose folder is `directory`. */
export const payloadFilesOf = (directory: string): readonly string[] => {
  const folder = `${directory}/${PAYLOAD_FOLDER}`
  return existsSync(folder) ? segmentsOf(folder) : []
}

/**
 * `names` are the payload files that were there some time ago, when the records of all payloads in them are durable by
 * now; the last of them, which was written to then, stays, and so do all from when `isHeld` says so. Rejects with what the file
 * system and `isHeld` throw.
 */
export async function trimPayloads(directory: string, names: readonly string[], isHeld: () => boolean): Promise<void> {
  if (names.length < 2) return
  const folder = `${directory}/${PAYLOAD_FOLDER}`
  const needed = await oldestNamed(directory)
  // A file ends where the next one begins.
  const gone = names.filter((_, index) => {
    const next = names[index + 1]
    return next !== undefined && (needed === undefined || next <= segmentName(needed))
  })
  if (isHeld()) return
  for (const name of gone) unlinkSync(`${folder}/${name}`)
  if (gone.length > 0) await syncDirectory(folder)
}

/** The lowest number in the first segment that names any: only calls at the same time change places. */
async function oldestNamed(directory: string): Promise<number | undefined> {
  for (const name of segmentsOf(directory)) {
    const numbers: number[] = []
    for await (const lines of batchesOfLines(`${directory}/${name}`)) {
      for (const line of lines) {
        const n = line.includes('"payload":') ? NUMBER.exec(line.toString('latin1'))?.[1] : undefined
        if (n !== undefined) numbers.push(Number(n))
      }
    }
    if (numbers.length > 0) return numbers.reduce((one, other) => Math.min(one, other))
  }
  return undefined
}
