/** What the pages say on which a person connects an upstream. */
import type { Answer } from '../core/exchange.ts'
import { html } from '../identity/server/html.ts'
import { page } from '../identity/server/page.ts'
import type { Ticket } from '../upstream/oauth/consents.ts'
import type { Connectable } from './access-explainer.ts'

export interface AskPage {
  readonly ticket: Ticket
  readonly connectable: Connectable
  /** Against forms of other sites. */
  readonly token: string
}

/** Says for whom and what, and asks for proof. */
export function askPage({ ticket, connectable, token }: AskPage): Answer {
  const { title, host, visitor, mode } = connectable
  const { principal, tenant } = ticket.principal
  const scopes = ticket.wanted.scopes
  const proof = html`<label for="key">Your key for this gateway</label>
<p class="hint">It proves that this link was made for you. It is not passed on.</p>
<input type="password" id="key" name="key" required autocomplete="off" spellcheck="false">`
  return page(
    html`<h1>Connect ${title}</h1>
<p>You will sign in at another service and allow this gateway to use it ${
      mode === 'shared' ? 'for everybody of this tenant' : 'on your behalf'
    }.</p>
<dl>
<div><dt>Server</dt><dd>${host}</dd></div>
<div><dt>For</dt><dd>${principal}</dd></div>
<div><dt>Tenant</dt><dd>${tenant}</dd></div>
${scopes.length > 0 ? html`<div><dt>It asks for</dt><dd>${scopes.join(', ')}</dd></div>` : html``}
</dl>
<p class="soft">Go on only if you have just asked for this yourself.</p>
<form method="post" action="/connect/${ticket.id}">
<input type="hidden" name="token" value="${token}">
${visitor === 'proved' ? proof : html``}
<button class="primary" type="submit">Go on</button>
</form>`,
    { title: `Connect ${title}` },
  )
}

/** Shows where a person is about to go, because the upstream chose that place. */
export function leavePage({ title }: Connectable, url: URL): Answer {
  return page(
    html`<h1>Sign in at ${url.host}</h1>
<p>To connect ${title}, sign in there and allow the access. You will come back here.</p>
<p class="note"><a href="${url.href}" rel="noreferrer">Go to ${url.host}</a></p>`,
    { title: `Sign in at ${url.host}` },
  )
}
