/** The pages of the device flow (RFC 8628): a person types the code of a device, sees whose it is, and says yes or no. */
import type { Client, KoaContextWithOIDC } from 'oidc-provider'
import type { Answer } from '../../core/exchange.ts'
import { type Html, html } from './html.ts'
import { messagePage, page } from './page.ts'
import { formSecret } from './show.ts'

const ACTION = '/auth/device'

/** Only we set it: a code in an address fills the field of the page, and is not sent before the person does. */
export const USER_CODE_HEADER = 'x-portcullis-user-code'

/** `earlier` is a code that came with the address; it is only shown, and the person still has to send it. */
export function deviceInputPage(context: KoaContextWithOIDC, error: Error | undefined): Answer {
  const earlier = context.get(USER_CODE_HEADER)
  const problem = error === undefined ? html`` : PROBLEM
  const body = html`<h1>Connect a device</h1>
<p class="soft">Type the code that your device shows. Only do so if you started this yourself.</p>
${problem}
<form method="post" action="${ACTION}">
<input type="hidden" name="xsrf" value="${formSecret(context)}">
<label for="user_code">Code</label>
<input class="code" id="user_code" name="user_code" type="text" autocomplete="off" autocapitalize="characters"
spellcheck="false" maxlength="20" required autofocus value="${earlier}">
<button type="submit" class="primary">Continue</button>
</form>`
  return page(body, { title: 'Connect a device', status: error === undefined ? 200 : 400 })
}

const PROBLEM: Html = html`<p class="problem" id="problem" role="alert">This code is not valid, or it has been used.</p>`

export function deviceConfirmPage(context: KoaContextWithOIDC, client: Client, userCode: string): Answer {
  const hidden = html`<input type="hidden" name="xsrf" value="${formSecret(context)}">
<input type="hidden" name="user_code" value="${userCode}">`
  const body = html`<h1>Is this your device?</h1>
<p><strong>${client.clientName ?? client.clientId}</strong> shows this code:</p>
<p class="usercode">${userCode}</p>
<p class="note">If you did not start this, or the codes differ, somebody may be trying to use your sign-in: refuse.</p>
<form method="post" action="${ACTION}">${hidden}<input type="hidden" name="confirm" value="yes">
<button type="submit" class="primary">The codes match</button></form>
<form method="post" action="${ACTION}">${hidden}<input type="hidden" name="abort" value="yes">
<button type="submit">Refuse</button></form>`
  return page(body, { title: 'Confirm the device' })
}

export function deviceDonePage(): Answer {
  return messagePage('Your device is connected', 'You can close this page and go on at your device.')
}
