/**
 * Decides how the log of a PostgreSQL is kept: each segment sealed as it is handed over, never over another, with a signed
 * statement beside it that is written last. What has no statement was not archived.
 *
 * Signed are the bytes of `portcullis-wal-v1`, a newline, and the statement in canonical JSON (RFC 8785), by Ed25519.
 */
import { createHash, type KeyObject, randomBytes, verify } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { link, mkdir, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { canonicalJson } from '../../mcp/canonical.ts'
import { isRecord } from '../../mcp/message.ts'
import { BackupError } from './backup-error.ts'
import type { BackupSigner } from './manifest.ts'
import type { ByteStream, Sealer } from './seal.ts'
import type { Open } from './stage.ts'
import { mustBeWhole } from './unpack.ts'

export interface WalStatement {
  readonly format: 'portcullis-wal-1'
  readonly name: string
  /** When it was whole, in milliseconds since the epoch. */
  readonly at: number
  /** Of what is sealed in it: length, and SHA-256 in lower-case hex. */
  readonly plain: { readonly bytes: number; readonly sha256: string }
  /** Of the sealed file. */
  readonly sealed: { readonly bytes: number; readonly sha256: string }
  /** Id of the key that signs. */
  readonly key: string
}

/** Segments, also partial ones, histories of time lines, and where backups began (PostgreSQL, `XLogFileName`); and whole copies. */
const NAME = /^(?:[0-9A-F]{24}(?:\.partial|\.[0-9A-F]{8}\.backup)?|[0-9A-F]{8}\.history|base-\d{8}T\d{9}Z)$/
const BASE = /^base-\d{8}T\d{9}Z$/
const CONTEXT = 'portcullis-wal-v1\n'

const sealedFile = (folder: string, name: string): string => join(folder, `${name}.age`)
const statementFile = (folder: string, name: string): string => join(folder, `${name}.json`)

/** The name of a whole copy that is begun now. */
export const baseName = (now: number): string => `base-${new Date(now).toISOString().replaceAll(/[-:.]/g, '')}`

export interface WalPart {
  readonly folder: string
  readonly name: string
  readonly plain: AsyncIterable<Uint8Array>
  readonly sealer: Sealer
  readonly signer: BackupSigner
  readonly now: () => number
  readonly told?: ((bytes: number) => void) | undefined
  /** Rejects when what was read is not all that there was. */
  readonly mustBeAll?: () => Promise<void>
}

/**
 * Resolves once it is on the disk; what is archived already, with the same bytes, is left as it is. Rejects with BackupError
 * for another one of that name, and with what the file system throws; then nothing is changed.
 */
export async function archiveWal(part: WalPart): Promise<WalStatement> {
  const { folder, name, signer } = part
  mustBeName(name)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const draft = join(folder, `.${name}.${randomBytes(6).toString('hex')}.draft`)
  try {
    const { plain, sealed } = await sealInto(draft, part)
    await part.mustBeAll?.()
    const before = statementOf(folder, name)
    if (before !== undefined) return sameAs(before, plain, name)
    await rename(draft, sealedFile(folder, name))
    const statement: WalStatement = {
      ...{ format: 'portcullis-wal-1', name, at: part.now(), plain, sealed, key: signer.keyId },
    }
    await writeNew(folder, statement, signer.sign(bytesOf(statement)))
    return statement
  } finally {
    await rm(draft, { force: true })
  }
}

function sameAs(before: WalStatement, { sha256, bytes }: WalStatement['plain'], name: string): WalStatement {
  if (before.plain.sha256 === sha256 && before.plain.bytes === bytes) return before
  throw new BackupError('refused', `${name} is in the archive already, with other bytes; it is not written over.`)
}

async function sealInto(
  draft: string,
  { plain, sealer, told }: WalPart,
): Promise<Pick<WalStatement, 'plain' | 'sealed'>> {
  const [inner, outer] = [new Measure(told), new Measure()]
  const file = await open(draft, 'wx', 0o600)
  try {
    for await (const chunk of await sealer.seal(ReadableStream.from(inner.through(plain))))
      for await (const same of outer.through([chunk])) await file.writeFile(same)
    await file.sync()
  } finally {
    await file.close()
  }
  return { plain: inner.result, sealed: outer.result }
}

class Measure {
  readonly #digest = createHash('sha256')
  readonly #told: ((bytes: number) => void) | undefined
  #bytes = 0

  constructor(told?: (bytes: number) => void) {
    this.#told = told
  }

  async *through(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      this.#digest.update(chunk)
      this.#bytes += chunk.length
      this.#told?.(chunk.length)
      yield chunk
    }
  }

  get result(): WalStatement['plain'] {
    return { bytes: this.#bytes, sha256: this.#digest.digest('hex') }
  }
}

/** Under its name for the first time, and whole. */
async function writeNew(folder: string, statement: WalStatement, signature: string): Promise<void> {
  const file = statementFile(folder, statement.name)
  const draft = `${file}.${randomBytes(6).toString('hex')}`
  const handle = await open(draft, 'wx', 0o600)
  try {
    await handle.writeFile(`${JSON.stringify({ ...statement, signature })}\n`)
    await handle.sync()
  } finally {
    await handle.close()
  }
  try {
    await link(draft, file)
  } finally {
    await rm(draft, { force: true })
  }
  const directory = await open(folder, 'r')
  await directory.sync().finally(() => directory.close())
}

export interface WalFetch {
  readonly folder: string
  readonly name: string
  readonly keys: ReadonlyMap<string, KeyObject>
  readonly open: Open
  readonly told?: ((bytes: number) => void) | undefined
}

/** Hands out what is sealed, held against its statement. Rejects with BackupError: `absent` for what was never archived. */
export async function fetchWal(
  { folder, name, keys, open: openSealed, told }: WalFetch,
  take: (plain: AsyncIterable<Uint8Array>) => Promise<void>,
): Promise<WalStatement> {
  mustBeName(name)
  const statement = signedStatement(folder, name, keys)
  const file = sealedFile(folder, name)
  const place = `${name}.age`
  await mustBeWhole(file, { name, ...statement.sealed }, place)
  const inner = new Measure(told)
  await take(inner.through(await openSealed(await streamOf(file), place)))
  const { bytes, sha256 } = inner.result
  if (bytes !== statement.plain.bytes || sha256 !== statement.plain.sha256)
    throw new BackupError('unsound', `${place}: it does not hold the bytes that its statement names.`)
  return statement
}

async function streamOf(path: string): Promise<ByteStream> {
  const file = await open(path, 'r')
  return ReadableStream.from(file.createReadStream()) as ByteStream
}

/** The newest whole copy that was complete by then; undefined when there is none. Throws BackupError for one that nobody has signed. */
export function newestBase(
  folder: string,
  until: number,
  keys: ReadonlyMap<string, KeyObject>,
): WalStatement | undefined {
  const names = readdirSync(folder)
    .filter((name) => name.endsWith('.json') && BASE.test(name.slice(0, -5)))
    .map((name) => name.slice(0, -5))
  return names
    .map((name) => signedStatement(folder, name, keys))
    .filter(({ at }) => at <= until)
    .toSorted((a, b) => a.at - b.at)
    .at(-1)
}

const bytesOf = (statement: WalStatement): Buffer => Buffer.from(CONTEXT + canonicalJson(statement))

function signedStatement(folder: string, name: string, keys: ReadonlyMap<string, KeyObject>): WalStatement {
  const found = statementOf(folder, name)
  if (found === undefined) throw new BackupError('absent', `${name} is not in the archive.`)
  const { signature, ...statement } = found
  const key = keys.get(statement.key)
  const decoded = Buffer.from(signature, 'base64url')
  if (key === undefined || statement.name !== name || !verify(null, bytesOf(statement), key, decoded))
    throw new BackupError('untrusted', `${name}: nobody who is known has signed its statement.`)
  return statement
}

/** Whatever the file says. Throws BackupError for what is none. */
function statementOf(folder: string, name: string): (WalStatement & { readonly signature: string }) | undefined {
  const file = statementFile(folder, name)
  if (!existsSync(file)) return undefined
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'))
    if (isRecord(value) && isMeasure(value['plain']) && isMeasure(value['sealed']) && Number.isSafeInteger(value['at']))
      if ([value['name'], value['key'], value['signature']].every((text) => typeof text === 'string'))
        return value as unknown as WalStatement & { readonly signature: string }
  } catch {
    // Told below.
  }
  throw new BackupError('changed', `${name}.json is no statement of an archived file.`)
}

const isMeasure = (value: unknown): boolean =>
  isRecord(value) && Number.isSafeInteger(value['bytes']) && typeof value['sha256'] === 'string'

function mustBeName(name: string): void {
  if (!NAME.test(name)) throw new BackupError('refused', `${JSON.stringify(name)} is no name of a file of the log.`)
}
