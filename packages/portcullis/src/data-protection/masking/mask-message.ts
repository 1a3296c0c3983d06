/** Masks one message: at once when it is small, in turns when it is not. The message itself stays as it is. */
import { isBulky } from '../../core/bulk.ts'
import type { Outgoing } from '../../core/exchange.ts'
import { type Replacement, replaced } from '../../core/replaced.ts'
import { inTurns } from '../../core/turns.ts'
import { MaskWalk, type WalkRoot } from './mask-walk.ts'
import { rootsOf } from './message-roots.ts'
import type { TextMasker } from './text-masker.ts'

/** The very same message when nothing in it is masked. `asked` is the address that the caller named. */
export function maskMessage(
  masker: TextMasker,
  message: Outgoing,
  asked: string | undefined,
): Outgoing | Promise<Outgoing> {
  return maskRoots(masker, message, rootsOf(message, asked))
}

/** The same for any object and some parts of it. `edit` says where the replacements of a part belong that stands elsewhere. */
export function maskRoots<T extends object>(
  masker: TextMasker,
  message: T,
  roots: readonly WalkRoot[],
  edit: (one: Replacement) => Replacement = (one) => one,
): T | Promise<T> {
  const walk = new MaskWalk(masker, roots)
  const settle = (): T => replaced(message, walk.replacements.map(edit))
  if (isBulky(message)) return inTurns((until) => walk.go(until)).then(settle)
  // A small message may hold much to look at still.
  if (walk.go(performance.now() + FIRST_MS)) return settle()
  return inTurns((until) => walk.go(until)).then(settle)
}

const FIRST_MS = 4
