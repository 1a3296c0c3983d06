/** Decides that a refusal sends nobody to a place that only a stranger has named: the person sees where it leads, and goes or stays. */
import type { Answer } from '../../core/exchange.ts'
import type { ClientStore } from './client-store.ts'
import { html } from './html.ts'
import { page } from './page.ts'
import { isNative, redirectHost } from './redirects.ts'

/**
 * Whoever introduces a client themselves could have a wrong request bring our visitors to a page that poses as ours (RFC 9700
 * §4.11.2). Any other answer stays what it is: the redirects of other clients were looked at by whoever added them, and a
 * program on the person's own device is no page of a stranger.
 */
export async function withoutDetour(
  answer: Answer,
  clients: Pick<ClientStore, 'find'>,
  clientId: string | undefined,
): Promise<Answer> {
  const { location } = answer.headers ?? {}
  if (location === undefined || clientId === undefined || isNative(location)) return answer
  const known = await clients.find(clientId)
  if (known !== undefined && known.origin !== 'registration') return answer
  const host = redirectHost(location)
  const body = html`<h1>Go back to ${host}?</h1>
<p class="soft">The application has got no access. It has introduced itself, and whoever runs this gateway does not vouch for it.</p>
<p class="note"><a href="${location}" rel="noreferrer">Go to ${host}</a></p>`
  const shown = page(body, { title: 'No access' })
  return { ...shown, ...(answer.cookies && { cookies: answer.cookies }) }
}
