import type { Target } from './call.ts'
import type { Params } from './message.ts'

/** A tool as its upstream defines it. `raw` is what was sent, every unknown member kept. */
export interface ToolDefinition {
  readonly upstream: string
  /** The upstream's own name, without a prefix. */
  readonly name: string
  readonly inputSchema: Params
  readonly outputSchema?: Params
  readonly annotations?: Params
  readonly raw: Params
  /** SHA-256, hex, over the canonical form of `raw`. */
  readonly digest: string
}

/** Fact of `upstream.resolve`: what a message acts upon, in the upstream's own names. Policy and validation use it. */
export interface Resolved {
  /** Absent where a message concerns no single upstream, such as a list on the aggregate path. */
  readonly upstream?: string
  /** `call.target` without the prefixes of the aggregate path. */
  readonly item: Target
  /** The definition of the tool that a `tools/call` names; absent when the upstream has no such tool. */
  readonly tool?: ToolDefinition
}
