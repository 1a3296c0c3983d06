/** Decides what the rest of the gateway needs to know of signed messages: what looks at them, and what makes them. */
import type { Environment } from '../config/environment.ts'
import type { Config } from '../config/schema.ts'
import type { Clock } from '../core/clock.ts'
import type { Exchange } from '../core/exchange.ts'
import type { Check } from '../core/pipeline.ts'
import type { Authenticated } from '../core/principal.ts'
import type { Routed } from '../core/route.ts'
import type { MessageSigned } from '../core/signed.ts'
import type { ReplayStore } from '../identity/replay-store.ts'
import type { HttpSender } from '../upstream/access/sender.ts'
import type { LineProcess } from '../upstream/stdio-process.ts'

export interface Signatures {
  /** Absent where no signature of a caller is looked at. */
  readonly verify?: Check<Exchange & Routed & Authenticated, MessageSigned>
  /** What signs requests to an upstream over HTTP; undefined where none are. */
  senderOf(upstream: string, url: URL): ((sender: HttpSender) => HttpSender) | undefined
  /** The process, with its messages signed where they are. */
  processOf(upstream: string, process: LineProcess): LineProcess
}

export interface SignatureParts {
  readonly config: Config
  readonly replays: ReplayStore
  readonly clock: Clock
  readonly environment: Environment
  /** Origin by which clients reach the gateway. */
  readonly publicUrl: string
}
