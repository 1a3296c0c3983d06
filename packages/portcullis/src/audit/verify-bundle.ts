/** Checks a bundle of evidence with nothing but public keys: its list, each file of it, and the piece of the chain. */
import { createHash, type KeyObject, verify } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { CHAIN_PART } from './bundle-piece.ts'
import { BUNDLE_CONTEXT, type BundleManifest } from './export-bundle.ts'
import { type Verdict, verifyChain } from './verify.ts'

export interface BundleVerdictOptions {
  /** Folder of the bundle. */
  readonly folder: string
  /** Trusted public keys by id, from elsewhere than the bundle. */
  readonly keys: ReadonlyMap<string, KeyObject>
}

/** Never throws for what the files contain, only for what the file system says. */
export function verifyBundle({ folder, keys }: BundleVerdictOptions): Verdict {
  const broken = (problem: string, file?: string) => ({ sound: false, problem, ...(file && { file }) }) as const
  const bytes = readFileSync(`${folder}/manifest.json`)
  const manifest = parse(bytes)
  if (manifest === undefined) return broken('the manifest is not one', 'manifest.json')
  const key = keys.get(manifest.key)
  if (key === undefined) return broken(`the manifest is signed with the unknown key ${manifest.key}`, 'manifest.json')
  const signature = readFileSync(`${folder}/manifest.sig`, 'utf8').trim()
  if (!isSigned(bytes, signature, key)) return broken('the signature of the manifest is not valid', 'manifest.sig')
  const wrong = wrongFile(folder, manifest)
  if (wrong !== undefined) return broken('the file is not the one that the manifest names', wrong)
  const { from, last: known, tenant, records } = manifest
  const verdict = verifyChain({ directory: `${folder}/${CHAIN_PART}`, keys, from, known, payloads: 'apart' })
  if (!verdict.sound) return verdict
  if (verdict.tenant !== tenant || verdict.records !== records || verdict.last.hash !== known.hash)
    return broken('the manifest does not tell what the chain holds', 'manifest.json')
  return verdict
}

function parse(bytes: Buffer): BundleManifest | undefined {
  try {
    const value = JSON.parse(bytes.toString('utf8')) as Partial<BundleManifest>
    const isOne =
      value.format === 'portcullis-audit-bundle-1' &&
      Array.isArray(value.files) &&
      [value.from, value.last].every((one) => typeof one?.sequence === 'number' && typeof one.hash === 'string')
    return isOne ? (value as BundleManifest) : undefined
  } catch {
    return undefined
  }
}

function isSigned(manifest: Buffer, signature: string, key: KeyObject): boolean {
  const bytes = Buffer.from(signature, 'base64url')
  if (bytes.toString('base64url') !== signature) return false
  return verify(null, Buffer.concat([Buffer.from(BUNDLE_CONTEXT), manifest]), key, bytes)
}

/** The first file that is missing, changed, or not in the list. */
function wrongFile(folder: string, { files }: BundleManifest): string | undefined {
  const there = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .filter((path) => path !== 'manifest.json' && path !== 'manifest.sig')
  const listed = new Map(files.map(({ path, sha256 }) => [path, sha256]))
  for (const path of there) {
    if (
      listed.get(path) !==
      createHash('sha256')
        .update(readFileSync(`${folder}/${path}`))
        .digest('hex')
    )
      return path
    listed.delete(path)
  }
  return listed.keys().next().value
}
