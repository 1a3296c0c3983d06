/** Decides who can open a backup: recipients of age, or whoever knows a passphrase. It is loaded only where one is made or read. */
import { Decrypter, Encrypter } from 'age-encryption'
import { Secret } from '../../core/secret.ts'
import { BackupError } from './backup-error.ts'

/** For whom a backup is sealed. Both cannot be at once: age allows a passphrase to stand only by itself. */
export type SealFor = { readonly recipients: readonly string[] } | { readonly passphrase: Secret }

/** With what one is opened. */
export interface OpenWith {
  /** `AGE-SECRET-KEY-1…` and `AGE-SECRET-KEY-PQ-1…`. */
  readonly identities: readonly Secret[]
  readonly passphrase?: Secret
}

export type ByteStream = ReadableStream<Uint8Array>

export interface Sealer {
  /** Kinds of the recipients: `hybrid` is X25519 with ML-KEM-768, `x25519` falls to a quantum computer some day. */
  readonly kinds: readonly string[]
  seal(plain: ByteStream): Promise<ByteStream>
}

/** Throws BackupError for a recipient that is none. */
export function sealer(whom: SealFor): Sealer {
  const encrypter = new Encrypter()
  const seal = (plain: ByteStream) => encrypter.encrypt(plain)
  if ('passphrase' in whom) {
    encrypter.setPassphrase(whom.passphrase.reveal())
    return { kinds: ['passphrase'], seal }
  }
  if (whom.recipients.length === 0) throw new BackupError('refused', 'A backup needs a recipient or a passphrase.')
  for (const recipient of whom.recipients) {
    try {
      encrypter.addRecipient(recipient)
    } catch (cause) {
      throw new BackupError('refused', `${recipient.slice(0, 24)}… is no recipient of age.`, cause)
    }
  }
  return { kinds: whom.recipients.map(kindOf), seal }
}

/** Opens a stream; its header is read before this resolves. Rejects with BackupError when nothing here opens it. */
export function opener({
  identities,
  passphrase,
}: OpenWith): (sealed: ByteStream, place: string) => Promise<ByteStream> {
  const decrypter = new Decrypter()
  if (identities.length === 0 && passphrase === undefined)
    throw new BackupError('refused', 'Nothing was named that opens a backup: --identity, or --passphrase-file.')
  for (const identity of identities) {
    try {
      decrypter.addIdentity(identity.reveal())
    } catch {
      // Without its cause: that could repeat what it was given.
      throw new BackupError('refused', 'What was named as an identity is no identity of age.')
    }
  }
  if (passphrase !== undefined) decrypter.addPassphrase(passphrase.reveal())
  return async (sealed, place) => {
    try {
      return await decrypter.decrypt(sealed)
    } catch (cause) {
      const isStranger = cause instanceof Error && cause.message.startsWith('no identity matched')
      if (isStranger)
        throw new BackupError(
          'not-for-you',
          `${place}: it is sealed for others; no identity or passphrase that was named opens it.`,
        )
      throw new BackupError('changed', `${place}: the head of the sealed part is not what age has written.`, cause)
    }
  }
}

function kindOf(recipient: string): string {
  if (recipient.startsWith('age1pq1') || recipient.startsWith('age1tagpq1')) return 'hybrid'
  return recipient.startsWith('age1tag1') ? 'tag' : 'x25519'
}

/** The identities in the text of a file of age: one a line, `#` begins a comment. Throws BackupError when there is none. */
export function identitiesIn(text: string, place: string): readonly Secret[] {
  const lines = text.split(/\r?\n/).map((line) => line.trim())
  const found = lines.filter((line) => line.startsWith('AGE-SECRET-KEY-'))
  if (found.length === 0) throw new BackupError('refused', `${place} holds no identity of age (AGE-SECRET-KEY-…).`)
  return found.map((line) => new Secret(line))
}
