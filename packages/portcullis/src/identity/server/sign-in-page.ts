/** The sign-in page: one form for each way to sign in. */
import type { Answer } from '../../core/exchange.ts'
import { html } from './html.ts'
import { page } from './page.ts'
import type { Fields, SignInMethod } from './sign-in-method.ts'

export interface SignInPageState {
  readonly uid: string
  readonly clientName: string
  readonly methods: readonly SignInMethod[]
  readonly formToken: string
  readonly formTargets: readonly string[]
  /** Name of the method that failed, and what was typed. */
  readonly failed?: { readonly method: string; readonly fields: Fields }
}

/** Every way to fail gives this sentence and this status. */
const FAILED = 'This did not work. Check what you typed; after several attempts you have to wait a while.'
const FAILED_STATUS = 400

export function signInPage(state: SignInPageState): Answer {
  const { uid, clientName, methods, formToken, formTargets, failed } = state
  const forms = methods.map((method) => {
    const mine = failed?.method === method.name
    return html`<form method="post" action="/auth/interaction/${uid}/sign-in">
<input type="hidden" name="csrf" value="${formToken}">
<input type="hidden" name="method" value="${method.name}">
${method.form({ failed: mine, ...(mine && { earlier: failed.fields }) })}
</form>`
  })
  const problem = failed ? html`<p class="problem" id="problem" role="alert">${FAILED}</p>` : html``
  const body = html`<h1>Sign in</h1>
<p class="soft">to continue to <strong>${clientName}</strong></p>
${problem}
${forms}
<form method="post" action="/auth/interaction/${uid}/deny">
<input type="hidden" name="csrf" value="${formToken}">
<button type="submit">Cancel</button>
</form>`
  return page(body, { title: failed ? 'Sign-in failed' : 'Sign in', formTargets, status: failed ? FAILED_STATUS : 200 })
}
