/** Decides what is handed out as evidence: a piece of a chain without a gap, the keys that signed it, and a signed list of all of it. */
import { createHash, type KeyObject, sign } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { canonicalJson } from '../mcp/canonical.ts'
import { syncDirectory } from './append-file.ts'
import { type BundleFile, Piece } from './bundle-piece.ts'
import { segmentsOf } from './lines.ts'
import type { Position } from './record.ts'
import { batchesOfLines, segmentsWithin } from './search.ts'

/** What `manifest.json` says, in canonical JSON (RFC 8785). */
export interface BundleManifest {
  readonly format: 'portcullis-audit-bundle-1'
  readonly tenant: string
  readonly program: string
  /** Milliseconds since the epoch. */
  readonly madeAt: number
  /** What was asked for; records around it are there so that a signature covers all of it. */
  readonly asked: { readonly from?: number; readonly to?: number }
  /** The record before the first, and the last. */
  readonly from: Position
  readonly last: Position
  readonly records: number
  /** The last record that a checkpoint in the bundle signs; 0 when none is. */
  readonly signedSequence: number
  readonly files: readonly BundleFile[]
  /** Id of the key that signed this manifest. */
  readonly key: string
}

export interface BundleOptions {
  /** Folder of the chain. */
  readonly directory: string
  readonly tenant: string
  /** Milliseconds since the epoch: not before, and before. */
  readonly from?: number
  readonly to?: number
  /** A folder that does not exist yet. */
  readonly out: string
  readonly keyId: string
  readonly privateKey: KeyObject
  /** All that may have signed checkpoints, by id. */
  readonly publicKeys: ReadonlyMap<string, KeyObject>
  readonly program: string
  readonly now: number
}

/** Signed is this, followed by the bytes of `manifest.json`. */
export const BUNDLE_CONTEXT = 'portcullis-audit-bundle-v1\n'

/** Undefined, and nothing made, when the chain has no record of that time. Rejects with what the file system throws. */
export async function exportBundle(options: BundleOptions): Promise<BundleManifest | undefined> {
  const { directory, tenant, from, to, out, keyId, privateKey, program, now } = options
  const piece = new Piece(options)
  for (const name of await candidates(options)) {
    for await (const lines of batchesOfLines(`${directory}/${name}`)) {
      piece.take(name, lines)
      await piece.write()
      if (piece.isWhole) break
    }
    if (piece.isWhole) break
  }
  const chain = await piece.close()
  if (chain === undefined) return undefined
  const keys = await writeKeys(options)
  const manifest: BundleManifest = {
    ...{ format: 'portcullis-audit-bundle-1', tenant, program, madeAt: now, key: keyId },
    asked: { ...(from !== undefined && { from }), ...(to !== undefined && { to }) },
    ...chain,
    files: [...chain.files, ...keys],
  }
  const bytes = Buffer.from(canonicalJson(manifest))
  const signature = sign(null, Buffer.concat([Buffer.from(BUNDLE_CONTEXT), bytes]), privateKey)
  await writeFile(`${out}/manifest.json`, bytes, { mode: 0o600, flag: 'wx', flush: true })
  await writeFile(`${out}/manifest.sig`, `${signature.toString('base64url')}\n`, {
    mode: 0o600,
    flag: 'wx',
    flush: true,
  })
  await syncDirectory(out)
  return manifest
}

/** From the first segment in which a record of that time can be to the end, without a gap. */
async function candidates({ directory, from, to }: BundleOptions): Promise<readonly string[]> {
  const window = { ...(from !== undefined && { from }), ...(to !== undefined && { to }) }
  const [first] = await segmentsWithin(directory, window)
  return first === undefined ? [] : segmentsOf(directory).filter((name) => name >= first)
}

async function writeKeys({ out, publicKeys }: BundleOptions): Promise<readonly BundleFile[]> {
  await mkdir(`${out}/keys`, { mode: 0o700 })
  const files: BundleFile[] = []
  for (const [id, key] of publicKeys) {
    const text = key.export({ type: 'spki', format: 'pem' }) as string
    const path = `keys/${id}.pem`
    await writeFile(`${out}/${path}`, text, { mode: 0o600, flag: 'wx', flush: true })
    files.push({ path, bytes: Buffer.byteLength(text), sha256: createHash('sha256').update(text).digest('hex') })
  }
  return files
}
