/** Keeps the instant before which no token is believed: after a restore, nobody can say which ones had been revoked. */
import { existsSync } from 'node:fs'
import { readPrivate, writeWhole } from '../pki/private-file.ts'
import { isRecord } from '../mcp/message.ts'
import { PkiError } from '../pki/pki-error.ts'

/** Milliseconds since the epoch; undefined when all are believed. Throws PkiError for a file that cannot be read. */
export function readDistrust(file: string): number | undefined {
  if (!existsSync(file)) return undefined
  try {
    const said: unknown = JSON.parse(readPrivate(file))
    const before = isRecord(said) ? said['tokensBefore'] : undefined
    if (typeof before === 'number' && Number.isSafeInteger(before)) return before
  } catch (thrown) {
    if (thrown instanceof PkiError) throw thrown
  }
  throw new PkiError(`${file} is damaged`, 'restore it; without it, tokens that were revoked may be believed again')
}

/** Never goes back. Throws as `readDistrust`, and what the file system throws. */
export function distrust(file: string, before: number): void {
  writeWhole(file, `${JSON.stringify({ tokensBefore: Math.max(before, readDistrust(file) ?? 0) })}\n`, 0o600)
}
