/** The pages of signing out. */
import type { KoaContextWithOIDC } from 'oidc-provider'
import type { Answer } from '../../core/exchange.ts'
import { html } from './html.ts'
import { messagePage, page } from './page.ts'
import { formSecret } from './show.ts'

export function signOutPage(context: KoaContextWithOIDC): Answer {
  const body = html`<h1>Sign out?</h1>
<p class="soft">Applications that you have connected in this browser lose their access at once.</p>
<form method="post" action="/auth/sign-out/confirm">
<input type="hidden" name="xsrf" value="${formSecret(context)}">
<button type="submit" class="primary" name="logout" value="yes">Sign out</button>
<button type="submit">Stay signed in</button>
</form>`
  return page(body, { title: 'Sign out' })
}

export function signOutDonePage(): Answer {
  return messagePage('You are signed out', 'You can close this page.')
}
