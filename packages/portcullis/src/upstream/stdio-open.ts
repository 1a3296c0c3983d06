import type { Cancellation } from '../core/cancellation.ts'
import { Fault } from '../core/fault.ts'
import type { Params, Response } from '../mcp/message.ts'
import type { LinkClient, LinkRequest } from './link.ts'
import { isLate, withinTime } from './own-time.ts'
import {
  discoverRequest,
  type EraChoice,
  initializeRequest,
  isTooNew,
  legacyFacts,
  mayBeLegacy,
  modernFacts,
  notModern,
  tooNew,
} from './probe.ts'
import { StdioLink, type StdioLinkOptions } from './stdio-link.ts'
import type { LineProcess } from './stdio-process.ts'

export interface StdioOpenOptions extends StdioLinkOptions {
  readonly era: EraChoice
  /** For whom a legacy upstream is initialized. */
  readonly client: LinkClient
  /** The gateway's own `clientInfo`, for the probe. */
  readonly gateway: Params
  /** After which a process that does not answer the probe is taken for a legacy one. */
  readonly probeTimeoutMs: number
  /** For the answer to `initialize`, or to the only probe. */
  readonly startTimeoutMs: number
}

/**
 * Does the handshake of one process: the probe and, when that says legacy, `initialize` on the same process, which is
 * never started twice for it. A process whose handshake fails is stopped. Throws `upstream.unsupported`,
 * `upstream.ended`, `upstream.unavailable` when it takes too long, and what a request throws.
 */
export async function openStdio(process: LineProcess, options: StdioOpenOptions): Promise<StdioLink> {
  const link = new StdioLink(process, options)
  try {
    await shakeHands(link, options)
    return link
  } catch (thrown) {
    await link.close()
    throw thrown instanceof Fault && thrown.code === 'upstream.ended' ? endedAtStart(thrown) : thrown
  }
}

async function shakeHands(link: StdioLink, options: StdioOpenOptions): Promise<void> {
  const { era } = options
  if (era !== 'legacy' && (await isModern(link, options))) return
  if (era === 'modern') throw notModern()
  const response = await within(link, initializeRequest(options.client), options, options.startTimeoutMs)
  link.adopt('legacy', legacyFacts(response))
  await link.notify({ jsonrpc: '2.0', method: 'notifications/initialized' })
}

async function isModern(link: StdioLink, options: StdioOpenOptions): Promise<boolean> {
  const timeoutMs = options.era === 'modern' ? options.startTimeoutMs : options.probeTimeoutMs
  try {
    const response = await within(link, discoverRequest(options.gateway), options, timeoutMs)
    if (isTooNew(response)) throw tooNew()
    const facts = modernFacts(response)
    if (facts !== undefined) link.adopt('modern', facts)
    return facts !== undefined
  } catch (thrown) {
    // A legacy process may say nothing to a method that it does not know.
    if (options.era === 'auto' && !link.closed && (mayBeLegacy(thrown) || isLate(thrown))) return false
    throw thrown
  }
}

function within(link: StdioLink, request: LinkRequest, options: StdioOpenOptions, ms: number): Promise<Response> {
  const ask = (cancellation: Cancellation) => link.request(request, options.unsolicited, cancellation)
  return withinTime(ms, ask, 'The upstream did not start in time.')
}

const endedAtStart = (fault: Fault): Fault =>
  new Fault('upstream.ended', { ...fault.detail, when: 'start' }, { says: 'The upstream ended while it was started.' })
