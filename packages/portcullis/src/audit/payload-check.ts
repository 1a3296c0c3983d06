/** Decides whether the payloads that a chain names are there as they were sealed. It needs no key: digests are of what lies on the disk. */
import { existsSync } from 'node:fs'
import { linesForward, segmentsOf } from './lines.ts'
import { numberOf, PAYLOAD_FOLDER, payloadDigest } from './payload-file.ts'
import type { AuditRecord, PayloadMark } from './record.ts'

/** Records come in the order of the chain, payloads in theirs; calls at the same time may change places by so many. */
const MAX_BEHIND = 10_000

export class PayloadCheck {
  readonly #digests: Generator<readonly [n: number, digest: string]>
  /** Read already, and not older than `MAX_BEHIND`. */
  readonly #near = new Map<number, string>()
  #readTo = 0

  /** `directory` is the folder of the chain. */
  constructor(directory: string) {
    this.#digests = digestsIn(`${directory}/${PAYLOAD_FOLDER}`)
  }

  /** The sentence that says what is wrong with the payload of a record; undefined when nothing is, or it names none. */
  check(record: AuditRecord): string | undefined {
    const mark = markOf(record)
    if (mark === undefined) return undefined
    while (this.#readTo < mark.n && this.#readOn());
    const digest = this.#near.get(mark.n)
    if (digest === undefined) return `the payload ${mark.n} that the record names is missing`
    return digest === mark.digest ? undefined : `the payload ${mark.n} is not the one that the record names`
  }

  #readOn(): boolean {
    const { value, done } = this.#digests.next()
    if (done === true) return false
    const [n, digest] = value
    this.#near.set(n, digest)
    this.#readTo = Math.max(this.#readTo, n)
    if (this.#near.size > MAX_BEHIND) this.#near.delete(this.#near.keys().next().value as number)
    return true
  }
}

/** What a record says of its payload; undefined when it has none. */
export const markOf = (record: AuditRecord): PayloadMark | undefined =>
  record.kind === 'call' || record.kind === 'outcome' ? record.payload : undefined

function* digestsIn(folder: string): Generator<readonly [n: number, digest: string]> {
  if (!existsSync(folder)) return
  for (const name of segmentsOf(folder)) {
    for (const { bytes, complete } of linesForward(`${folder}/${name}`)) {
      const n = complete ? numberOf(bytes) : undefined
      if (n !== undefined) yield [n, payloadDigest(bytes)]
    }
  }
}
