/** Cedar's `context`: when and from where a request came, and its arguments. */
import type { Era } from '../mcp/message.ts'
import { Datetime } from './instant.ts'
import { IpRange } from './ip-range.ts'
import { EvaluationError, Fields, type Outcome, RecordValue, UNKNOWN } from './value.ts'

export interface Circumstances {
  /** Milliseconds since the Unix epoch. */
  readonly at: number
  /** Address of the peer. One that is no IP address, as of a unix socket, makes policies that ask for it fail closed. */
  readonly address: string
  readonly encrypted: boolean
  readonly era: Era
  readonly method: string
  /** Whether the request came with a good signature of its caller. */
  readonly signed?: boolean
}

const NAMES = ['time', 'address', 'encrypted', 'era', 'method', 'signed'] as const

/** The context of one request. Fields are made when a policy asks for them. */
export class Context extends RecordValue {
  readonly #circumstances: Circumstances
  readonly #args: RecordValue | undefined

  constructor(circumstances: Circumstances, args: RecordValue | undefined) {
    super()
    this.#circumstances = circumstances
    this.#args = args
  }

  has(name: string): boolean {
    return this.names().includes(name)
  }

  get(name: string): Outcome | undefined {
    const { at, address, encrypted, era, method, signed } = this.#circumstances
    switch (name) {
      case 'args':
        return this.#args
      case 'time':
        return timeOf(at)
      case 'address':
        return peer(address)
      case 'encrypted':
        return encrypted
      case 'era':
        return era
      case 'method':
        return method
      case 'signed':
        return signed === true
      default:
        return undefined
    }
  }

  names(): readonly string[] {
    return this.#args === undefined ? NAMES : [...NAMES, 'args']
  }

  get vague(): boolean {
    return this.#args?.vague ?? false
  }
}

/** A context of which nothing is known but the arguments, or that there are some. */
export function vagueContext(args?: RecordValue | typeof UNKNOWN): RecordValue {
  const fields: [string, Outcome][] = NAMES.map((name) => [name, UNKNOWN])
  return new Fields(new Map(args === undefined ? fields : [...fields, ['args', args]]))
}

let lastTime: { readonly at: number; readonly fields: Fields } | undefined

/** A list asks for the same moment hundreds of times. */
function timeOf(at: number): Fields {
  if (lastTime?.at !== at) lastTime = { at, fields: time(at) }
  return lastTime.fields
}

/** Everything in UTC, so that a policy means the same on every node. Monday is 1, Sunday is 7 (ISO 8601). */
function time(at: number): Fields {
  const date = new Date(at)
  return Fields.of({
    now: new Datetime(BigInt(Math.trunc(at))),
    epochSeconds: Math.floor(at / 1000),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    weekday: date.getUTCDay() || 7,
  })
}

function peer(address: string): IpRange {
  try {
    return IpRange.ofPeer(address)
  } catch (cause) {
    throw new EvaluationError('the peer has no IP address', { cause })
  }
}
