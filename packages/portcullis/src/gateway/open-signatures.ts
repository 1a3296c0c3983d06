/** Decides whether messages are signed at all: nothing of it is loaded where none is configured. */
import type { Exchange } from '../core/exchange.ts'
import type { Check } from '../core/pipeline.ts'
import type { MessageSigned } from '../core/signed.ts'
import type { SignatureParts, Signatures } from './signed-messages.ts'

const NONE: Signatures = { senderOf: () => undefined, processOf: (_upstream, process) => process }

/** Throws what `buildSignatures` throws. */
export async function openSignatures(parts: SignatureParts): Promise<Signatures> {
  const { identity, upstreams } = parts.config
  const isUsed = identity.signatures !== undefined || Object.values(upstreams).some(({ signatures }) => signatures)
  return isUsed ? (await import('./build-signatures.ts')).buildSignatures(parts) : NONE
}

/** What stands in the order where no signature is looked at. */
export const unsigned: Check<Exchange, MessageSigned> = { name: 'signatures.verify', check: () => NOTHING }

const NOTHING: MessageSigned = {}
