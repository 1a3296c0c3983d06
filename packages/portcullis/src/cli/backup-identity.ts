/** `portcullis backup identity`: a key pair of age, whose secret half is for another machine. */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { writeFirst } from '../pki/private-file.ts'
import { CommandError, EXIT } from './exit.ts'
import type { Terminal } from './terminal.ts'

/** Prints the recipient. Rejects with CommandError when the file is there: an identity that is lost loses its backups. */
export async function backupIdentity({ out }: { readonly out: string }, terminal: Terminal): Promise<void> {
  const file = resolve(out)
  if (existsSync(file)) throw new CommandError(EXIT.usage, `${file} is there already; name a file that is not.`)
  const { generateHybridIdentity, identityToRecipient } = await import('age-encryption')
  const identity = await generateHybridIdentity()
  const recipient = await identityToRecipient(identity)
  writeFirst(file, `# recipient: ${recipient}\n${identity}\n`, 0o600)
  terminal.out(recipient)
  terminal.err(
    `The identity is in ${file}. Move it to where the gateway is not; without it no backup for it can be opened.`,
  )
}
