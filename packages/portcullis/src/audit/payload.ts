/** Decides what of a call is kept beside its records: arguments and results of tools for which that was asked, sealed. */
import type { Answer } from '../core/exchange.ts'
import { Fault } from '../core/fault.ts'
import type { Parsed } from '../mcp/call.ts'
import { writeJson } from '../mcp/write-json.ts'
import { tenantOf, type Witnessed } from './facts.ts'
import type { PayloadMark } from './record.ts'

export type PayloadKind = 'arguments' | 'result'

/** What is kept of one tool. */
export interface PayloadRule {
  readonly arguments: boolean
  readonly results: boolean
  /** Of the JSON text; what is longer is cut there. */
  readonly maxBytes: number
}

/** What a sealed payload belongs to. It opens for nothing else. */
export interface PayloadPlace {
  readonly tenant: string
  readonly incident: string
  readonly kind: PayloadKind
}

/** The tenant's data key, as this room knows it. */
export interface PayloadSeal {
  seal(text: string, place: PayloadPlace): Promise<string>
  /** Rejects for what was changed or moved, and when the key of the tenant is gone. */
  open(sealed: string, place: PayloadPlace): Promise<string>
}

/** Where sealed payloads lie. */
export interface PayloadStore {
  /** Resolves when it is durable. Rejects with the fault `audit.unavailable`. */
  append(place: PayloadPlace, sealed: string): Promise<Pick<PayloadMark, 'n' | 'digest'>>
}

/** Takes out of a value what must not be kept even under seal; from a large one in turns, so as a promise. */
export type PayloadMask = (value: unknown, about: PayloadPlace & { readonly tool: string }) => unknown

export interface PayloadOptions {
  /** Undefined: nothing of this tool is kept. Names are those of the upstream. */
  readonly ruleOf: (upstream: string, tool: string) => PayloadRule | undefined
  readonly seal: PayloadSeal
  readonly store: PayloadStore
  readonly mask?: PayloadMask
}

type Called = Witnessed & Partial<Parsed>

/**
 * Undefined where nothing is kept, so that such a call waits for nothing. Otherwise a promise of what the record says of
 * it, which resolves when the payload is durable: a record never names a payload that a crash could have taken. Both
 * reject with the fault `audit.unavailable`.
 */
export interface Payloads {
  ofArguments(exchange: Called): Promise<PayloadMark> | undefined
  /** Of the answer as the caller gets it; nothing of a call that reached no upstream, and nothing of an error. */
  ofResult(exchange: Called, answer: Answer): Promise<PayloadMark> | undefined
}

export function payloads({ ruleOf, seal, store, mask }: PayloadOptions): Payloads {
  const ruleFor = ({ call, tool }: Called): PayloadRule | undefined =>
    call?.method === 'tools/call' && tool !== undefined ? ruleOf(tool.upstream, tool.name) : undefined

  const keep = async (exchange: Called, kind: PayloadKind, value: unknown, maxBytes: number): Promise<PayloadMark> => {
    try {
      return await sealed(exchange, kind, value, maxBytes)
    } catch (cause) {
      throw new Fault('audit.unavailable', { reason: 'the payload could not be kept', kind }, { cause })
    }
  }

  const sealed = async (
    exchange: Called,
    kind: PayloadKind,
    value: unknown,
    maxBytes: number,
  ): Promise<PayloadMark> => {
    const place = { tenant: tenantOf(exchange), incident: exchange.incident, kind }
    const shown = mask === undefined ? value : await mask(value, { ...place, tool: exchange.tool?.name ?? '' })
    const text =
      typeof shown === 'object' && shown !== null ? await writeJson(shown) : (JSON.stringify(shown) ?? 'null')
    const bytes = Buffer.byteLength(text)
    const kept = bytes > maxBytes ? cut(text, maxBytes) : text
    const { n, digest } = await store.append(place, await seal.seal(kept, place))
    return { n, digest, bytes, ...(bytes > maxBytes && { cut: true as const }) }
  }

  return {
    ofArguments(exchange) {
      const rule = ruleFor(exchange)
      if (rule === undefined || !rule.arguments) return undefined
      return keep(exchange, 'arguments', exchange.call?.params['arguments'] ?? {}, rule.maxBytes)
    },
    ofResult(exchange, { message }) {
      const rule = ruleFor(exchange)
      if (rule === undefined || !rule.results || message === undefined || !('result' in message)) return undefined
      return keep(exchange, 'result', message['result'], rule.maxBytes)
    },
  }
}

/** The beginning of a text in so many bytes, without a torn character at its end. */
function cut(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text.slice(0, maxBytes), 'utf8')
  let end = Math.min(maxBytes, bytes.length)
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--
  return bytes.toString('utf8', 0, end)
}
