/** The inside of a form that is filled in by an authenticator. It stays hidden where no script runs. */
import { type Html, html } from '../html.ts'
import type { ChallengePurpose } from './passkey-challenge.ts'

export interface PasskeyFormState {
  readonly purpose: ChallengePurpose
  /** Options for the browser in the JSON form of WebAuthn §5.1. */
  readonly options: object
  readonly button: string
  /** Further controls above the button. */
  readonly controls?: Html
  readonly primary?: boolean
  /** It stands below another way to do the same. */
  readonly other?: boolean
}

export function passkeyFields({ purpose, options, button, controls, primary, other }: PasskeyFormState): Html {
  return html`<div data-passkey="${purpose}" data-options="${JSON.stringify(options)}" hidden>
${other === true ? html`<p class="or">or</p>` : html``}
<input type="hidden" name="response" value="">
${controls ?? html``}
<button type="submit"${primary === true ? html` class="primary"` : html``}>${button}</button>
<p class="hint" role="status"></p>
</div>`
}

/** In place of such a form, until the script has shown it. */
export const PASSKEYS_NEED_SCRIPT: Html = html`<p class="note" data-without-passkeys>Passkeys need JavaScript and a browser that has them.</p>`
