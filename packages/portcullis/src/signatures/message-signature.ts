/**
 * Decides how a single JSON-RPC message is signed where there are no headers: over stdio, and within a stream. What is signed
 * begins with a word of its own, so that no signature of an HTTP message can be taken for one of these, nor the other way round.
 */
import { isInnerList, parseItem, parseList } from 'structured-headers'
import { isBulky } from '../core/bulk.ts'
import { digestInTurns, digestOf } from '../mcp/canonical.ts'
import { isRecord } from '../mcp/message.ts'
import { isSignatureOf, type NamedKey, signBytes } from './algorithms.ts'
import { newInput, inputOf, type SignatureInput } from './signature-input.ts'
import { component } from './component.ts'
import { SignatureProblem } from './problem.ts'

/** Name in `_meta`: `input` as a member of `Signature-Input`, `signature` as one of `Signature`. */
export const MESSAGE_SIGNATURE = 'dev.portcullis/signature'

const CONTEXT = 'portcullis-mcp-message-v1'
/** Names of ours, which no HTTP message has. */
const PARTS: ReadonlySet<string> = new Set(['@message', '@audience', '@request'])

type Message = Readonly<Record<string, unknown>>

export interface MessageStamp {
  /** Seconds since the epoch. */
  readonly created: number
  readonly nonce?: string | undefined
  readonly keyid: string
  readonly alg?: string
  readonly tag: string
  /** Signature of the request that this is an answer to. */
  readonly request?: Buffer | undefined
  /** For whom a request is meant. */
  readonly audience?: string | undefined
}

export interface ReadMessage {
  /** The message without its signature: what was signed. */
  readonly message: Message
  readonly input: SignatureInput
  readonly signature: Buffer
}

/** The message with its signature; as it is when it has no place for one. A promise for a bulky message. */
export function signMessage(message: Message, key: NamedKey, stamp: MessageStamp): Message | Promise<Message> {
  const bare = withoutSignature(withMember(message, {}))
  const { request, audience, ...parameters } = stamp
  const names = ['@message', ...(audience === undefined ? [] : ['@audience']), ...(request ? ['@request'] : [])]
  const covered = names.map((name) => component(name))
  const input = newInput(covered, parameters)
  const seal = (digest: string): Message => {
    const signature = signBytes(key, messageBase(digest, input, { request, audience }))
    return withMember(bare, { input: input.text, signature: `:${signature.toString('base64')}:` })
  }
  return isBulky(bare) ? digestInTurns(bare).then(seal) : seal(digestOf(bare))
}

/** The signature of a message, taken off it. Undefined for one that has none; throws SignatureProblem for a malformed one. */
export function readMessageSignature(message: Message): ReadMessage | undefined {
  const given = metaOf(message)?.[MESSAGE_SIGNATURE]
  if (given === undefined) return undefined
  if (!isRecord(given) || typeof given['input'] !== 'string' || typeof given['signature'] !== 'string')
    throw new SignatureProblem('malformed')
  try {
    const [member, ...others] = parseList(given['input'])
    const [bytes] = parseItem(given['signature'])
    if (member === undefined || others.length > 0 || !isInnerList(member) || !(bytes instanceof ArrayBuffer))
      throw new SignatureProblem('malformed')
    return { message: withoutSignature(message), input: inputOf(member, PARTS), signature: Buffer.from(bytes) }
  } catch (thrown) {
    throw thrown instanceof SignatureProblem ? thrown : new SignatureProblem('malformed')
  }
}

/** Throws SignatureProblem when the key did not sign exactly this, as the answer to that request or for that audience. */
export function checkMessageSignature(
  { message, input, signature }: ReadMessage,
  key: NamedKey,
  bound: { readonly request?: Buffer | undefined; readonly audience?: string | undefined },
): void | Promise<void> {
  const covered = input.components.map(({ text }) => text)
  const demanded = ['"@message"', ...(bound.audience ? ['"@audience"'] : []), ...(bound.request ? ['"@request"'] : [])]
  const missing = demanded.find((one) => !covered.includes(one))
  if (missing !== undefined) throw new SignatureProblem(`does not cover ${missing}`)
  const check = (digest: string): void => {
    if (!isSignatureOf(key, messageBase(digest, input, bound), signature)) throw new SignatureProblem('wrong signature')
  }
  return isBulky(message) ? digestInTurns(message).then(check) : check(digestOf(message))
}

/** Shaped like RFC 9421 §2.5, after a first line that no HTTP message can have. `digest` in hex, over the RFC 8785 form. */
function messageBase(
  digest: string,
  input: SignatureInput,
  { request, audience }: { readonly request?: Buffer | undefined; readonly audience?: string | undefined },
): Buffer {
  const values: Readonly<Record<string, string | undefined>> = {
    '"@message"': `sha-256=:${Buffer.from(digest, 'hex').toString('base64')}:`,
    '"@audience"': audience,
    '"@request"': request && `:${request.toString('base64')}:`,
  }
  const lines = input.components.map(({ text }) => {
    const value = values[text]
    if (value === undefined) throw new SignatureProblem(`has no ${text.slice(0, 100)}`)
    return `${text}: ${value}`
  })
  return Buffer.from([CONTEXT, ...lines, `"@signature-params": ${input.text}`].join('\n'), 'utf8')
}

type Place = 'params' | 'result' | 'error'

const placeOf = (message: Message): Place =>
  'method' in message ? 'params' : message['error'] === undefined ? 'result' : 'error'

/** What holds `_meta`: `params`, `result`, or the `data` of an error. Undefined when it is absent or holds no members. */
function holderOf(message: Message): Message | undefined {
  const place = placeOf(message)
  const holder = message[place]
  if (!isRecord(holder)) return undefined
  if (place !== 'error') return holder
  return isRecord(holder['data']) ? holder['data'] : undefined
}

function metaOf(message: Message): Message | undefined {
  const meta = holderOf(message)?.['_meta']
  return isRecord(meta) ? meta : undefined
}

/** What the signature alone made necessary goes with it: an empty `_meta`, then empty `params` or `data` around it. */
export function withoutSignature(message: Message): Message {
  const holder = holderOf(message)
  const meta = metaOf(message)
  if (holder === undefined || meta === undefined || !(MESSAGE_SIGNATURE in meta)) return message
  const { [MESSAGE_SIGNATURE]: _signature, ...others } = meta
  const { _meta, ...rest } = holder
  return withHolder(message, Object.keys(others).length === 0 ? rest : { ...rest, _meta: others })
}

function withMember(message: Message, member: Readonly<Record<string, string>>): Message {
  const holder = holderOf(message) ?? {}
  const place = placeOf(message)
  const taken = place === 'error' ? (message['error'] as Message)['data'] : message[place]
  // An error whose data is a text, say, has no room.
  if (taken !== undefined && !isRecord(taken)) return message
  if (holder['_meta'] !== undefined && !isRecord(holder['_meta'])) return message
  return withHolder(message, { ...holder, _meta: { ...metaOf(message), [MESSAGE_SIGNATURE]: member } })
}

function withHolder(message: Message, holder: Message): Message {
  const place = placeOf(message)
  const isEmpty = Object.keys(holder).length === 0
  if (place === 'result') return { ...message, result: holder }
  if (place === 'params') return isEmpty ? without(message, 'params') : { ...message, params: holder }
  const error = message['error'] as Message
  return { ...message, error: isEmpty ? without(error, 'data') : { ...error, data: holder } }
}

function without(record: Message, name: string): Message {
  const { [name]: _gone, ...rest } = record
  return rest
}
