/** Decides for whom a command seals: recipients on its command line, and in files. */
import { readFileSync } from 'node:fs'
import type { Sealer } from '../data-protection/backup/seal.ts'
import { CommandError, EXIT } from './exit.ts'

export interface RecipientOptions {
  readonly recipient?: readonly string[]
  readonly recipientsFile?: readonly string[]
}

/** Rejects with CommandError where nobody was named, and with BackupError for a recipient that is none. */
export async function recipientsOf({ recipient = [], recipientsFile = [] }: RecipientOptions): Promise<Sealer> {
  const recipients = [...recipient, ...recipientsFile.flatMap(recipientsIn)]
  if (recipients.length === 0)
    throw new CommandError(EXIT.usage, 'Say who can open it: --recipient age1…, or --recipients-file.')
  const { sealer } = await import('../data-protection/backup/seal.ts')
  return sealer({ recipients })
}

/** As age has them: one a line, `#` begins a comment. Throws CommandError for a file without any, and for any other line. */
export function recipientsIn(file: string): readonly string[] {
  const found = readFileSync(file, 'utf8')
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
  // Whoever is left out in silence cannot open the backup on the day it is needed.
  const stranger = found.findIndex((line) => !line.startsWith('age1'))
  if (stranger >= 0)
    throw new CommandError(
      EXIT.usage,
      `${file} holds a line that is no recipient of age (age1…): entry ${stranger + 1}.`,
    )
  if (found.length === 0) throw new CommandError(EXIT.usage, `${file} holds no recipient of age (age1…).`)
  return found
}
