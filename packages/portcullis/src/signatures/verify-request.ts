/** Decides whether a request was signed by whoever sends it, as a whole, now, and for the first time. */
import type { Clock } from '../core/clock.ts'
import type { Principal } from '../core/principal.ts'
import type { SignedBy } from '../core/signed.ts'
import { isSignatureOf } from './algorithms.ts'
import { checkCoverage, checkParameters, checkTime, demandedOf, nonceOf, type SignatureRules } from './demands.ts'
import type { HttpView } from './http-view.ts'
import type { KeyTable } from './key-table.ts'
import { SignatureProblem } from './problem.ts'
import { type LabelledSignature, readSignatures, signatureBase } from './signature-input.ts'

/** Resolves with true for exactly one of any number with the same id; rejects when that cannot be known. */
export type UseOnce = (space: string, id: readonly string[], until: number) => Promise<boolean>

export interface VerifyParts extends SignatureRules {
  readonly keys: KeyTable
  readonly clock: Clock
  readonly useOnce: UseOnce
}

export interface VerifiedRequest {
  readonly signed: SignedBy
  /** To be called last, when the body has proved to be the one that was signed. Rejects with SignatureProblem for a replay. */
  use(): Promise<void>
}

/**
 * The signature that is meant for us, by its tag; others, such as that of a proxy, are not looked at. One without a tag could
 * be meant for us, so it is never passed over. Undefined when there is none; throws SignatureProblem for several.
 */
export function signatureForUs(
  { headers }: { readonly headers: HttpView['header'] },
  tag: string,
): LabelledSignature | undefined {
  const [input, signature] = [headers('signature-input'), headers('signature')]
  if (input === undefined && signature === undefined) return undefined
  const found = readSignatures(input, signature).filter((one) => {
    const given = one.input.parameters.get('tag')
    return given === undefined || given === tag
  })
  if (found.length > 1) throw new SignatureProblem('several signatures')
  return found[0]
}

/** Throws SignatureProblem. The body is not looked at: what is covered of it is `content-digest`. */
export function verifyRequest(
  { input, signature }: LabelledSignature,
  { view, names, hasBody }: { readonly view: HttpView; readonly names: readonly string[]; readonly hasBody: boolean },
  principal: Principal,
  parts: VerifyParts,
): VerifiedRequest {
  const { keys, clock, useOnce, tag, maxAgeSeconds } = parts
  const key = keys.keyOf(principal, input.parameters.get('keyid'))
  checkParameters(input, key, tag)
  const nonce = nonceOf(input)
  const created = checkTime(input, clock.now(), parts)
  checkCoverage(input, demandedOf(names, hasBody), view)
  if (!isSignatureOf(key, signatureBase(input, view), signature)) throw new SignatureProblem('wrong signature')
  const until = (created + maxAgeSeconds) * 1_000 + 1
  return {
    signed: { keyId: key.id, algorithm: key.algorithm },
    async use() {
      if (!(await useOnce(SPACE, [key.tenant, key.id, nonce], until))) throw new SignatureProblem('replayed')
    },
  }
}

const SPACE = 'signature'
