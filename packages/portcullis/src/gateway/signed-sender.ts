/** Decides what an upstream over HTTP is asked and believed where requests to it are signed. */
import type { Cancellation } from '../core/cancellation.ts'
import { Fault } from '../core/fault.ts'
import { isRecord } from '../mcp/message.ts'
import type { NamedKey } from '../signatures/algorithms.ts'
import { checkMessageSignature, readMessageSignature } from '../signatures/message-signature.ts'
import { checkParameters, checkTime } from '../signatures/demands.ts'
import { checkAnswer, type OwnRules, type SignedRequest, signOwnRequest } from '../signatures/own-request.ts'
import { SignatureProblem } from '../signatures/problem.ts'
import type { HttpSender } from '../upstream/access/sender.ts'
import type { HttpRequest } from '../upstream/http-pool.ts'
import type { ChunkStream, HttpResponse } from '../upstream/http-response.ts'
import type { Parse } from '../upstream/link.ts'

/** Signs each request, its credential included, and lets nothing through that the upstream has not signed where it has to. */
export class SignedSender implements HttpSender {
  readonly #sender: HttpSender
  readonly #url: URL
  readonly #rules: OwnRules

  constructor(sender: HttpSender, url: URL, rules: OwnRules) {
    this.#sender = sender
    this.#url = url
    this.#rules = rules
  }

  async send(request: HttpRequest, cancellation?: Cancellation): Promise<HttpResponse> {
    const { protocol, host, pathname, search } = this.#url
    const scheme = protocol === 'https:' ? 'https' : 'http'
    const target = { method: request.method, scheme, authority: host, path: pathname, query: search.slice(1) } as const
    const signed = signOwnRequest(target, request.headers, request.body, this.#rules)
    const headers = [...request.headers, ...signed.headers]
    const response = await this.#sender.send({ ...request, headers }, cancellation)
    const { expected } = this.#rules
    return expected === undefined ? response : this.#proven(response, signed, expected)
  }

  #proven(response: HttpResponse, request: SignedRequest, expected: NamedKey): HttpResponse {
    if (response.kind === 'stream')
      return { ...response, stream: this.#provenStream(response.stream, request, expected) }
    const { status, headers, body } = response
    // Nothing of these reaches a caller; they make a credential be renewed, which proves nothing about who asks for it.
    if (status === 401 || status === 403) return response
    const header = (name: string): string | undefined => {
      const value = headers[name]
      return Array.isArray(value) ? value.join(', ') : value
    }
    explained(() => checkAnswer({ status, header, body }, request, expected, this.#rules))
    return response
  }

  /** No header can follow what a stream says, so each of its messages is signed by itself. */
  #provenStream(stream: ChunkStream, request: SignedRequest, expected: NamedKey): ChunkStream {
    const check = (value: unknown): unknown => explained(() => this.#message(value, request, expected))
    return {
      next: () => stream.next(),
      drain: () => stream.drain(),
      abort: () => stream.abort(),
      reads: (parse) => checkingParse(parse, check),
    }
  }

  #message(value: unknown, request: SignedRequest, expected: NamedKey): unknown {
    const read = isRecord(value) ? readMessageSignature(value) : undefined
    if (read === undefined) throw new SignatureProblem('no signature')
    checkParameters(read.input, expected, this.#rules.tag)
    checkTime(read.input, this.#rules.clock.now(), this.#rules)
    const checked = checkMessageSignature(read, expected, { request: request.signature })
    return checked === undefined ? read.message : checked.then(() => read.message)
  }
}

/** Reads with `parse`, and then holds what was read against `check`, which may replace it. */
export function checkingParse(parse: Parse, check: (value: unknown) => unknown): Parse {
  return (bytes) => {
    const value = parse(bytes)
    return value instanceof Promise ? value.then(check) : check(value)
  }
}

/** Runs a check; what is wrong becomes `upstream.signature_refused`, whenever it shows. */
export function explained(work: () => unknown): unknown {
  try {
    const done = work()
    return done instanceof Promise ? done.catch((thrown: unknown) => Promise.reject(refusal(thrown))) : done
  } catch (thrown) {
    throw refusal(thrown)
  }
}

const refusal = (thrown: unknown): unknown =>
  thrown instanceof SignatureProblem
    ? new Fault('upstream.signature_refused', { reason: thrown.reason }, { cause: thrown })
    : thrown
