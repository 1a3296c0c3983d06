/** Decides under which key a chain on disk stands: that of its last checkpoint or of its last record of a new key. */
import { existsSync, readdirSync } from 'node:fs'
import { parseLine } from './line.ts'
import { linesBackward, linesForward, segmentsOf } from './lines.ts'

/** Id of the key; undefined for a chain that was never signed. Throws what the file system throws. */
export function lastKeyOf(directory: string): string | undefined {
  for (const name of segmentsOf(directory).toReversed()) {
    for (const { bytes, complete } of linesBackward(`${directory}/${name}`)) {
      const mayBeOne = complete && (bytes.includes(',"kind":"checkpoint",') || bytes.includes(',"kind":"key",'))
      const record = mayBeOne ? parseLine(bytes) : ''
      if (typeof record !== 'string' && (record.kind === 'checkpoint' || record.kind === 'key')) return record.key
    }
  }
  return undefined
}

export interface ChainPlace {
  readonly directory: string
  readonly tenant: string
}

/** The chains that are in a folder and have a record. Throws what the file system throws. */
export function chainsBelow(folder: string): readonly ChainPlace[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const directory = `${folder}/${entry.name}`
    const tenant = entry.isDirectory() ? tenantOf(directory) : undefined
    return tenant === undefined ? [] : [{ directory, tenant }]
  })
}

/** A folder may be named by a digest; the name itself stands in every record. */
function tenantOf(directory: string): string | undefined {
  for (const name of segmentsOf(directory)) {
    for (const { bytes, complete } of linesForward(`${directory}/${name}`)) {
      const record = complete ? parseLine(bytes) : ''
      return typeof record === 'string' ? undefined : record.tenant
    }
  }
  return undefined
}
