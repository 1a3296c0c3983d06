/**
 * Decides where exporters go on after a restore: not behind the place at which each chain was signed for the backup. Their
 * places were copied after the chains, and what follows there now are other records under the same numbers.
 */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { KeptChain } from '../data-protection/backup/contents.ts'
import { isRecord } from '../mcp/message.ts'
import { readPrivate, writeWhole } from '../pki/private-file.ts'

/** `folder` is that of the exporters. A place that cannot be read is left for the exporter to tell of. Throws what the file system throws. */
export function putBackCursors(folder: string, chains: readonly KeptChain[]): void {
  const ends = new Map(chains.map(({ tenant, sequence }) => [tenant, sequence]))
  for (const name of existsSync(folder) ? readdirSync(folder) : []) {
    if (!name.endsWith('.json')) continue
    const file = join(folder, name)
    const cursor = read(file)
    if (cursor === undefined) continue
    const delivered = Object.entries(cursor.delivered).flatMap(([tenant, sequence]) => {
      const end = ends.get(tenant)
      return end === undefined ? [] : [[tenant, Math.min(sequence, end)] as const]
    })
    writeWhole(file, `${JSON.stringify({ ...cursor, delivered: Object.fromEntries(delivered) })}\n`, 0o600)
  }
}

function read(file: string): { readonly delivered: Readonly<Record<string, number>> } | undefined {
  try {
    const cursor: unknown = JSON.parse(readPrivate(file))
    return isRecord(cursor) && isRecord(cursor['delivered'])
      ? (cursor as { readonly delivered: Readonly<Record<string, number>> })
      : undefined
  } catch {
    return undefined
  }
}
