import type { Era, Message, Params } from './message.ts'

/** One parsed client message with what the protocol says about it. */
export interface Call {
  readonly message: Message
  readonly kind: 'request' | 'notification' | 'response'
  readonly era: Era
  /** `MCP-Protocol-Version` in force for this message, such as `2026-07-28`. */
  readonly version: string
  /** Empty for responses. */
  readonly method: string
  /** Never undefined, so that no stage has to ask; `{}` when the message has none. */
  readonly params: Params
  /** What the message acts upon. */
  readonly target: Target
}

export type Target =
  | { readonly kind: 'tool' | 'prompt'; readonly name: string }
  | { readonly kind: 'resource'; readonly name: string }
  | { readonly kind: 'task'; readonly name: string }
  | { readonly kind: 'none' }

/** Fact of `mcp.parse`. */
export interface Parsed {
  readonly call: Call
}
