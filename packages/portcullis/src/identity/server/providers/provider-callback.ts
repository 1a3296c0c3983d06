/** Decides to which of our pages somebody comes back from a provider: to the one that they left, whose cookie has to vouch for them. */
import type { Answer, Exchange } from '../../../core/exchange.ts'
import { Fault } from '../../../core/fault.ts'
import { messagePage } from '../page.ts'
import type { Witness } from '../witness.ts'
import type { Journeys } from './journeys.ts'

/** Below the server's own path; the redirect URI of the provider of this name. */
export const callbackPath = (provider: string): string => `/callback/${provider}`

const PATH = /^\/callback\/([a-z][a-z0-9-]{0,31})$/

/** Nothing is used up here: the page itself decides. Undefined for a path of somebody else. */
export async function comeBack(
  { journeys, witness }: { readonly journeys: Journeys; readonly witness: Witness },
  path: string,
  exchange: Exchange,
): Promise<Answer | undefined> {
  const [, provider] = PATH.exec(path) ?? []
  if (provider === undefined) return undefined
  const { method } = exchange.head
  if (method !== 'GET') throw new Fault('transport.method_not_allowed', { method })
  const query = new URLSearchParams(exchange.head.query)
  const journey = await journeys.find(query.get('state') ?? '')
  // An answer at the address of another provider is a mix-up (RFC 9700 §4.4).
  if (journey === undefined || journey.provider !== provider) {
    const reason = journey === undefined ? 'state' : 'the redirect URI of another provider'
    await witness.refused(exchange, 'identity.sign_in_failed', 400, { method: 'provider', provider, reason })
    return messagePage('This sign-in has expired', 'Nobody was signed in. Go back to where you started.', 400)
  }
  return { status: 303, headers: { location: `${journey.back}?${query.toString()}`, 'cache-control': 'no-store' } }
}
