/** Where the configuration lets a backup hold more than it needs. */
import type { Config } from './schema.ts'
import type { Weakness } from './weakness.ts'

/** Nothing by default. */
export function backupWeaknesses({ backup: { privateKeys } }: Config): readonly Weakness[] {
  if (privateKeys === undefined) return []
  const meaning = 'Whoever can open a backup can sign records, tokens and certificates as this gateway.'
  return [{ path: 'backup.privateKeys', word: privateKeys, meaning }]
}
