/** Decides which bytes of a chain, and of the payloads beside it, belong to a copy that ends at one of its checkpoints. */
import { existsSync, statSync } from 'node:fs'
import { linesBackward, segmentsOf } from './lines.ts'
import { PAYLOAD_FOLDER } from './payload-file.ts'
import type { Position } from './record.ts'
import { segmentName } from './segment.ts'

/** The beginning of a file: `bytes` of it. */
export interface CutFile {
  /** Below the folder of the chain, with forward slashes. */
  readonly path: string
  readonly bytes: number
  /** Nothing is added to it any more. */
  readonly isOver: boolean
}

/** The segments up to and including the record at `end`, which is on the disk. Throws when it is not there, and what the file system throws. */
export function cutChain(directory: string, end: Position): readonly CutFile[] {
  const names = segmentsOf(directory)
  const last = names.findLast((name) => name <= segmentName(end.sequence))
  if (last === undefined) throw new Error(`${directory} has no record ${end.sequence}`)
  const whole = names.slice(0, names.indexOf(last))
  return [
    ...whole.map((path) => ({ path, bytes: statSync(`${directory}/${path}`).size, isOver: true })),
    { path: last, bytes: endOf(`${directory}/${last}`, end), isOver: last !== names.at(-1) },
  ]
}

/** Call it after `cutChain`: the payloads that its records name were durable before them. */
export function cutPayloads(directory: string): readonly CutFile[] {
  const folder = `${directory}/${PAYLOAD_FOLDER}`
  if (!existsSync(folder)) return []
  const names = segmentsOf(folder)
  return names.map((name) => {
    const isOver = name !== names.at(-1)
    return { path: `${PAYLOAD_FOLDER}/${name}`, bytes: wholeLines(`${folder}/${name}`), isOver }
  })
}

function endOf(path: string, { sequence, hash }: Position): number {
  for (const { bytes, offset, complete } of linesBackward(path)) {
    if (
      !complete ||
      !bytes.includes(`"hash":"${hash}"`) ||
      !bytes.toString('latin1', 0, 32).startsWith(`{"seq":${sequence},`)
    )
      continue
    return offset + bytes.length + 1
  }
  throw new Error(`${path} does not hold the record ${sequence}`)
}

/** What may follow is being written just now. */
function wholeLines(path: string): number {
  for (const { bytes, offset, complete } of linesBackward(path)) if (complete) return offset + bytes.length + 1
  return 0
}
