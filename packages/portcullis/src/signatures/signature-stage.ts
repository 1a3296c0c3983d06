/** Decides at the entrance what becomes of a signature, or of its absence; and has the answer signed for those who want it. */
import type { Body, Exchange, RequestHead } from '../core/exchange.ts'
import { Fault, type FaultCode } from '../core/fault.ts'
import type { Check } from '../core/pipeline.ts'
import type { Authenticated, Principal } from '../core/principal.ts'
import type { Route, Routed } from '../core/route.ts'
import type { MessageSigned } from '../core/signed.ts'
import { answerSeal, type AnswerRules, askedOf } from './answer-seal.ts'
import { checkContentDigest } from './content-digest.ts'
import { demandedOf } from './demands.ts'
import { authorityOf, type HttpView } from './http-view.ts'
import { SignatureProblem } from './problem.ts'
import type { LabelledSignature } from './signature-input.ts'
import { signatureForUs, type VerifiedRequest, type VerifyParts, verifyRequest } from './verify-request.ts'

export interface StageParts extends VerifyParts {
  /** By which clients reach the gateway: it may be another than that of the socket. */
  readonly scheme: HttpView['scheme']
  readonly mustSign: (principal: Principal, route: Route) => boolean
  /** Absent where answers are not signed. */
  readonly answers?: AnswerRules & { readonly always: (principal: Principal, route: Route) => boolean }
  /** A fresh text that nobody can guess. */
  readonly freshNonce: () => string
}

type Request = Exchange & Routed & Authenticated

const UNSIGNED: MessageSigned = {}
/** Requests that carry no message; whoever sends a body with one is refused before it is read. */
const BODILESS: ReadonlySet<string> = new Set(['GET', 'DELETE'])

/**
 * Check `signatures.verify`. Throws `signature.required` and `signature.refused`, both with `Accept-Signature`. The body is
 * checked, and the nonce used, when it is read: `exchange.body` is surrounded for that.
 */
export function verifySignatures(parts: StageParts): Check<Request, MessageSigned> {
  const stage = new SignatureStage(parts)
  return { name: 'signatures.verify', check: (exchange) => stage.check(exchange) }
}

class SignatureStage {
  readonly #parts: StageParts

  constructor(parts: StageParts) {
    this.#parts = parts
  }

  check(exchange: Request): MessageSigned | Promise<MessageSigned> {
    const { head, principal, route } = exchange
    const view = viewOf(head, this.#parts.scheme)
    const given = this.#given(exchange, view)
    this.#seal(exchange, view, given)
    if (given !== undefined) return this.#verify(exchange, view, given)
    if (this.#parts.mustSign(principal, route)) {
      throw this.#refusal('signature.required', exchange, { principal: principal.id })
    }
    return UNSIGNED
  }

  /** What cannot be read binds no answer; a refusal that has to be signed is signed all the same. */
  #given(exchange: Request, view: HttpView): LabelledSignature | undefined {
    try {
      return signatureForUs({ headers: view.header }, this.#parts.tag)
    } catch (thrown) {
      this.#seal(exchange, view, undefined)
      throw this.#explained(exchange, thrown)
    }
  }

  #verify(exchange: Request, view: HttpView, given: LabelledSignature): MessageSigned | Promise<MessageSigned> {
    const { head, principal } = exchange
    const hasBody = !BODILESS.has(head.method)
    const names = Object.keys(head.headers)
    const verified = this.#attempt(exchange, () =>
      verifyRequest(given, { view, names, hasBody }, principal, this.#parts),
    )
    const { signed } = verified
    if (!hasBody) return this.#use(exchange, verified).then(() => ({ signed }))
    exchange.body = this.#provenBody(exchange, view, verified)
    return { signed }
  }

  /** Nobody gets a body that is not the one that was signed, and nobody gets it twice. */
  #provenBody(exchange: Request, view: HttpView, verified: VerifiedRequest): Body {
    const { body } = exchange
    const prove = async (bytes: Buffer): Promise<Buffer> => {
      this.#attempt(exchange, () => checkContentDigest(view.header('content-digest') ?? '', bytes))
      await this.#use(exchange, verified)
      return bytes
    }
    return {
      async read(maxBytes) {
        return prove(await body.read(maxBytes))
      },
    }
  }

  #seal({ outlet, principal, route, head }: Request, view: HttpView, given: LabelledSignature | undefined): void {
    const { answers } = this.#parts
    if (answers === undefined) return
    const wish = head.headers['accept-signature']
    const asked = typeof wish === 'string' ? askedOf(wish, view, given, answers) : undefined
    if (asked === undefined && !answers.always(principal, route)) return
    // An unsigned answer must not pass for one of those that are always signed.
    if (outlet.sealWith === undefined) throw new Fault('internal', { reason: 'the answer cannot be signed' })
    outlet.sealWith(answerSeal(answers, view, given, asked))
  }

  #use(exchange: Request, verified: VerifiedRequest): Promise<void> {
    return verified.use().catch((thrown: unknown) => {
      throw this.#explained(exchange, thrown)
    })
  }

  #attempt<T>(exchange: Request, work: () => T): T {
    try {
      return work()
    } catch (thrown) {
      throw this.#explained(exchange, thrown)
    }
  }

  #explained(exchange: Request, thrown: unknown): unknown {
    if (!(thrown instanceof SignatureProblem)) return thrown
    const { principal } = exchange
    return this.#refusal('signature.refused', exchange, { reason: thrown.reason, principal: principal.id })
  }

  /** Tells a client what a signature of this very request has to cover (RFC 9421 §5.1). */
  #refusal(code: FaultCode, { head }: Request, detail: Readonly<Record<string, string>>): Fault {
    const { tag, freshNonce } = this.#parts
    const demanded = demandedOf(Object.keys(head.headers), !BODILESS.has(head.method))
    const list = demanded.map(({ text }) => text).join(' ')
    const wanted = `mcp=(${list});created;nonce="${freshNonce()}";tag="${tag}"`
    return new Fault(code, detail, { headers: { 'Accept-Signature': wanted } })
  }
}

function viewOf({ method, path, query, headers }: RequestHead, scheme: HttpView['scheme']): HttpView {
  const host = headers['host']
  return {
    ...{ method, scheme, path, query },
    authority: authorityOf(typeof host === 'string' ? host : '', scheme),
    header(name) {
      const value = headers[name]
      return Array.isArray(value) ? value.join(', ') : value
    },
  }
}
