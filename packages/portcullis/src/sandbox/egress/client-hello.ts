/**
 * Reads the server name out of a TLS ClientHello (RFC 8446 §4.1.2, RFC 6066 §3), which may come in several records.
 *
 * Where a hello could be read in two ways it is refused: what we read must be what the server at the other end reads.
 */
import { Refused } from './refused.ts'

export interface ClientHello {
  /** As sent; undefined without the extension. */
  readonly serverName: string | undefined
  /** Whether another, encrypted hello is inside, with a server name of its own (RFC 9849). */
  readonly encrypted: boolean
}

const HANDSHAKE = 22
const CLIENT_HELLO = 1
const RECORD_HEADER_BYTES = 5
const MAX_RECORD_BYTES = 16_384
const MAX_RECORDS = 32
const MAX_HELLO_BYTES = 16_384

const SERVER_NAME = 0
const HOST_NAME = 0
const ENCRYPTED_CLIENT_HELLO = 0xfe0d

/** More bytes than any hello that is accepted. */
export const MAX_HELLO_INPUT_BYTES = 2 * MAX_HELLO_BYTES

/** Undefined while bytes are missing. Throws Refused `not-tls`. */
export function readClientHello(bytes: Buffer): ClientHello | undefined {
  const message = joinRecords(bytes)
  return message === undefined ? undefined : parseHello(new Reader(message))
}

/** The body of the first handshake message, out of the records that carry it. */
function joinRecords(bytes: Buffer): Buffer | undefined {
  const parts: Buffer[] = []
  for (let at = 0, joined = 0, records = 0; ; records++) {
    if (records === MAX_RECORDS) refuse()
    const part = recordAt(bytes, at)
    if (part === undefined) return undefined
    parts.push(part)
    at += RECORD_HEADER_BYTES + part.length
    joined += part.length
    if (joined < 4) continue
    const message = parts.length === 1 ? part : Buffer.concat(parts)
    const length = helloLength(message)
    // Nothing may follow a hello in its record: it would be another message before the server has spoken.
    if (joined > 4 + length) refuse()
    if (joined === 4 + length) return message.subarray(4)
  }
}

function helloLength(message: Buffer): number {
  const length = message.readUIntBE(1, 3)
  if (message[0] !== CLIENT_HELLO || length > MAX_HELLO_BYTES) refuse()
  return length
}

/** The content of the record that begins at `at`; undefined while it is not complete. Refuses as early as it can. */
function recordAt(bytes: Buffer, at: number): Buffer | undefined {
  if (at < bytes.length && bytes[at] !== HANDSHAKE) refuse()
  if (at + 1 < bytes.length && bytes[at + 1] !== 3) refuse()
  if (at + RECORD_HEADER_BYTES > bytes.length) return undefined
  const length = bytes.readUInt16BE(at + 3)
  if (length === 0 || length > MAX_RECORD_BYTES) refuse()
  const end = at + RECORD_HEADER_BYTES + length
  return end > bytes.length ? undefined : bytes.subarray(at + RECORD_HEADER_BYTES, end)
}

function parseHello(hello: Reader): ClientHello {
  hello.take(2 + 32) // version, random
  if (hello.vector(1).length > 32) refuse()
  const suites = hello.vector(2)
  if (suites.length < 2 || suites.length % 2 !== 0) refuse()
  if (hello.vector(1).length === 0) refuse() // compression
  if (hello.done) return { serverName: undefined, encrypted: false }
  const extensions = readExtensions(new Reader(hello.vector(2)))
  if (!hello.done) refuse()
  const names = extensions.get(SERVER_NAME)
  return {
    serverName: names === undefined ? undefined : readServerName(new Reader(names)),
    encrypted: extensions.has(ENCRYPTED_CLIENT_HELLO),
  }
}

/** Each type once (RFC 8446 §4.2): of two server names, two programs could take two. */
function readExtensions(reader: Reader): ReadonlyMap<number, Buffer> {
  const extensions = new Map<number, Buffer>()
  while (!reader.done) {
    const type = reader.take(2).readUInt16BE()
    if (extensions.has(type)) refuse()
    extensions.set(type, reader.vector(2))
  }
  return extensions
}

function readServerName(extension: Reader): string {
  const list = new Reader(extension.vector(2))
  if (!extension.done) refuse()
  const [type] = list.take(1)
  const name = list.vector(2)
  if (type !== HOST_NAME || name.length === 0 || !list.done) refuse()
  return name.toString('latin1')
}

class Reader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get done(): boolean {
    return this.#at === this.#bytes.length
  }

  take(count: number): Buffer {
    const end = this.#at + count
    if (end > this.#bytes.length) refuse()
    const taken = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return taken
  }

  /** Bytes with their length before them, itself of `lengthBytes`. */
  vector(lengthBytes: 1 | 2): Buffer {
    return this.take(this.take(lengthBytes).readUIntBE(0, lengthBytes))
  }
}

function refuse(): never {
  throw new Refused('not-tls')
}
