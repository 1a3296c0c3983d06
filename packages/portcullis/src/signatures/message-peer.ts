/**
 * Decides which messages of an upstream are believed where each is signed by itself: an answer has to be to a request of ours
 * that still waits, and whatever is no answer comes once.
 */
import type { Clock } from '../core/clock.ts'
import type { NamedKey } from './algorithms.ts'
import { checkParameters, checkTime, nonceOf, type SignatureRules } from './demands.ts'
import { checkMessageSignature, MESSAGE_SIGNATURE, readMessageSignature, signMessage } from './message-signature.ts'
import { parseItem } from 'structured-headers'
import { isRecord } from '../mcp/message.ts'
import { SignatureProblem } from './problem.ts'

export interface PeerRules extends SignatureRules {
  readonly key: NamedKey
  readonly expected?: NamedKey | undefined
  /** By which name the other side knows that a message is meant for it. */
  readonly audience: string
  readonly clock: Clock
  readonly freshNonce: () => string
}

type Message = Readonly<Record<string, unknown>>

/** Requests that were given up are never answered; so many of them are remembered. */
const MAX_WAITING = 10_000
const MAX_SEEN = 100_000

/** One other side, such as one process. */
export class MessagePeer {
  readonly #rules: PeerRules
  /** Signatures of the requests that wait for their answer, by id. */
  readonly #waiting = new Map<unknown, Buffer>()
  /** Nonces of what was no answer, with the end of their time in milliseconds. */
  readonly #seen = new Map<string, number>()

  constructor(rules: PeerRules) {
    this.#rules = rules
  }

  /** A message of ours as it is to be sent; a promise for a bulky one. */
  sign(message: Message): Message | Promise<Message> {
    const { key, tag, clock, audience, freshNonce } = this.#rules
    const created = Math.floor(clock.now() / 1_000)
    const stamp = { created, nonce: freshNonce(), keyid: key.id, alg: key.algorithm, tag, audience }
    const signed = signMessage(message, key, stamp)
    return signed instanceof Promise ? signed.then((one) => this.#remember(one)) : this.#remember(signed)
  }

  /** The message without its signature. Throws or rejects with SignatureProblem; believes all where nothing is expected. */
  check(message: Message): Message | Promise<Message> {
    const { expected, tag, clock } = this.#rules
    const read = readMessageSignature(message)
    if (expected === undefined) return read?.message ?? message
    if (read === undefined) throw new SignatureProblem('no signature')
    checkParameters(read.input, expected, tag)
    const created = checkTime(read.input, clock.now(), this.#rules)
    const request = 'method' in message ? undefined : this.#waiting.get(message['id'])
    if (!('method' in message) && request === undefined) throw new SignatureProblem('an answer to nothing')
    const checked = checkMessageSignature(read, expected, { request })
    const accept = (): Message => {
      if (request === undefined) this.#useOnce(nonceOf(read.input), created)
      else this.#waiting.delete(message['id'])
      return read.message
    }
    return checked === undefined ? accept() : checked.then(accept)
  }

  #remember(signed: Message): Message {
    if (!('method' in signed) || !('id' in signed) || this.#rules.expected === undefined) return signed
    this.#waiting.set(signed['id'], signatureIn(signed))
    if (this.#waiting.size > MAX_WAITING) this.#waiting.delete(this.#waiting.keys().next().value)
    return signed
  }

  #useOnce(nonce: string, created: number): void {
    const { clock, maxAgeSeconds } = this.#rules
    const now = clock.now()
    if (this.#seen.has(nonce)) throw new SignatureProblem('replayed')
    if (this.#seen.size >= MAX_SEEN) {
      for (const [one, until] of this.#seen) if (until < now) this.#seen.delete(one)
      if (this.#seen.size >= MAX_SEEN) throw new SignatureProblem('too many messages to tell them apart')
    }
    this.#seen.set(nonce, (created + maxAgeSeconds) * 1_000 + 1)
  }
}

function signatureIn(signed: Message): Buffer {
  const params = signed['params']
  const meta = isRecord(params) ? params['_meta'] : undefined
  const member = isRecord(meta) ? meta[MESSAGE_SIGNATURE] : undefined
  const text = isRecord(member) ? member['signature'] : undefined
  const [bytes] = typeof text === 'string' ? parseItem(text) : []
  // A message of ours always has room for a signature; without one its answer is bound to nothing and refused.
  return bytes instanceof ArrayBuffer ? Buffer.from(bytes) : Buffer.alloc(0)
}
