/** Decides how sealed payloads lie on the disk: one line each, in segments of their own in the folder of the chain. */
import { hash } from 'node:crypto'
import { mkdirSync, statSync, truncateSync } from 'node:fs'
import { Fault } from '../core/fault.ts'
import { openAppendFile, type OpenAppendFile } from './append-file.ts'
import { chainFolder } from './ledger.ts'
import { linesBackward, segmentsOf } from './lines.ts'
import type { PayloadPlace, PayloadStore } from './payload.ts'
import { segmentName, Segments } from './segment.ts'

/** Below the folder of a chain. */
export const PAYLOAD_FOLDER = 'payloads'

/** A line as it stands, its newline aside. Its SHA-256 is in the record that it belongs to. */
export interface PayloadLine {
  /** Counts up within the chain; it may leave numbers out. */
  readonly n: number
  readonly incident: string
  readonly kind: PayloadPlace['kind']
  readonly sealed: string
}

export interface PayloadFileOptions {
  /** Folder that holds one folder for each chain. */
  readonly directory: string
  readonly openFile?: OpenAppendFile
  readonly maxSegmentBytes?: number
}

const MAX_SEGMENT_BYTES = 16 * 1024 * 1024
const MAX_PENDING_LENGTH = 64 * 1024 * 1024

/** Digest of a line without its newline, lower-case hex. */
export const payloadDigest = (line: string | Buffer): string => hash('sha256', line, 'hex')

/** One set of segments for each tenant, opened with its first payload. Its writer is that of the chain, whose lock covers both. */
export class PayloadFiles implements PayloadStore {
  readonly #options: PayloadFileOptions
  readonly #open = new Map<string, TenantPayloads>()

  constructor(options: PayloadFileOptions) {
    this.#options = options
  }

  async append(place: PayloadPlace, sealed: string): Promise<{ readonly n: number; readonly digest: string }> {
    let file: TenantPayloads
    try {
      file = this.#of(place.tenant)
    } catch (cause) {
      throw new Fault('audit.unavailable', { tenant: place.tenant }, { cause })
    }
    return file.append(place, sealed)
  }

  /** The next payload of a tenant begins another file, so that the one before can be removed some day. */
  endSegment(tenant: string): void {
    this.#open.get(tenant)?.endSegment()
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open.values()].map((file) => file.close()))
  }

  #of(tenant: string): TenantPayloads {
    const known = this.#open.get(tenant)
    if (known !== undefined) return known
    const made = new TenantPayloads(
      `${this.#options.directory}/${chainFolder(tenant)}/${PAYLOAD_FOLDER}`,
      this.#options,
    )
    this.#open.set(tenant, made)
    return made
  }
}

class TenantPayloads {
  readonly #segments: Segments
  #last: number
  #broken = false
  #repair: Promise<void> | undefined

  constructor(
    directory: string,
    { openFile = openAppendFile, maxSegmentBytes = MAX_SEGMENT_BYTES }: PayloadFileOptions,
  ) {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    const { last, current } = endOf(directory)
    this.#last = last
    this.#segments = new Segments({
      ...{ directory, maxSegmentBytes, maxPendingLength: MAX_PENDING_LENGTH, lingerMs: 0, openFile },
      ...(current && { current }),
      onTake: () => ({ sequence: this.#last, hash: '' }),
      onDurable: () => {},
      onFailure: () => {
        this.#broken = true
      },
    })
  }

  async append({ incident, kind }: PayloadPlace, sealed: string): Promise<{ n: number; digest: string }> {
    if (this.#broken) await (this.#repair ??= this.#mend())
    if (!this.#segments.accepting) throw new Fault('audit.unavailable', { reason: 'payloads wait for the disk' })
    const n = ++this.#last
    const line = JSON.stringify({ n, incident, kind, sealed } satisfies PayloadLine)
    await this.#segments.append(`${line}\n`, n, 'now')
    return { n, digest: payloadDigest(line) }
  }

  endSegment(): void {
    this.#segments.endSegment()
  }

  close(): Promise<void> {
    return this.#segments.close()
  }

  /** With the next call after a failure, because nobody else needs it. */
  async #mend(): Promise<void> {
    try {
      await this.#segments.repair()
      this.#broken = false
    } catch (cause) {
      throw new Fault('audit.unavailable', {}, { cause })
    } finally {
      this.#repair = undefined
    }
  }
}

interface PayloadEnd {
  readonly last: number
  readonly current?: { readonly name: string; readonly bytes: number }
}

/** Where the payloads end. A torn last line belongs to a call that had no record yet: it is cut off. */
function endOf(directory: string): PayloadEnd {
  const name = segmentsOf(directory).at(-1)
  if (name === undefined) return { last: 0 }
  const path = `${directory}/${name}`
  // Nothing in it may have been whole: then it goes on before its own first number, which is not taken twice.
  let last = Number(name.slice(0, 15)) - 1
  for (const line of linesBackward(path)) {
    if (!line.complete) {
      truncateSync(path, line.offset)
      continue
    }
    last = Math.max(last, numberOf(line.bytes) ?? last)
    break
  }
  return { last, current: { name, bytes: statSync(path).size } }
}

/** The number that a line begins with; undefined when it is no payload. */
export function numberOf(line: Buffer): number | undefined {
  const digits = /^\{"n":([1-9]\d{0,14}),/.exec(line.toString('latin1', 0, 24))?.[1]
  return digits === undefined ? undefined : Number(digits)
}

/** The segment in which the payload of that number is, if it is anywhere. */
export const payloadSegmentOf = (segments: readonly string[], n: number): string | undefined =>
  segments.findLast((name) => name <= segmentName(n))
