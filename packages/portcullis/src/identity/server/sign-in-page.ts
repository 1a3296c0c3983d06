/** The sign-in page: one form for each way to sign in, whatever page it stands before. */
import type { Answer } from '../../core/exchange.ts'
import { type Html, html } from './html.ts'
import { page, type PageScript } from './page.ts'
import type { Fields, SignInMethod } from './sign-in-method.ts'

export interface SignInPageState {
  /** Path of the page; its forms go below it. */
  readonly path: string
  /** The page, and whoever it is shown to. */
  readonly about: string
  /** What people go on to. */
  readonly to: string
  readonly methods: readonly SignInMethod[]
  readonly providers: readonly { readonly name: string; readonly title: string }[]
  readonly formToken: string
  readonly formTargets: readonly string[]
  /** Whether there is an application to go back to. */
  readonly canCancel: boolean
  /** For methods that need it. */
  readonly script?: PageScript
  readonly failed?: SignInFailure
}

export interface SignInFailure {
  /** Name of the method that failed, and what was typed; absent when it was a provider. */
  readonly method?: string
  readonly fields?: Fields
  readonly sentence?: string
  readonly status?: number
}

/** Every way to fail here gives this sentence and this status. */
const FAILED = 'This did not work. Check what you typed; after several attempts you have to wait a while.'
const FAILED_STATUS = 400

export function signInPage(state: SignInPageState): Answer {
  const { path, to, formToken, formTargets, failed, canCancel, script } = state
  const problem = failed ? html`<p class="problem" id="problem" role="alert">${failed.sentence ?? FAILED}</p>` : html``
  const cancel = html`<form method="post" action="${path}/deny">
<input type="hidden" name="csrf" value="${formToken}">
<button type="submit">Cancel</button>
</form>`
  const body = html`<h1>Sign in</h1>
<p class="soft">to continue to <strong>${to}</strong></p>
${problem}
${methodForms(state)}
${providerForms(state)}
${canCancel ? cancel : html``}`
  const title = failed ? 'Sign-in failed' : 'Sign in'
  const status = failed ? (failed.status ?? FAILED_STATUS) : 200
  return page(body, { title, formTargets, status, ...(script && { script }) })
}

function methodForms({ path, about, methods, formToken, failed }: SignInPageState): readonly Html[] {
  return methods.map((method) => {
    const mine = failed?.method === method.name
    const earlier = mine ? failed.fields : undefined
    return html`<form method="post" action="${path}/sign-in">
<input type="hidden" name="csrf" value="${formToken}">
<input type="hidden" name="method" value="${method.name}">
${method.form({ about, failed: mine, ...(earlier && { earlier }) })}
</form>`
  })
}

function providerForms({ path, methods, providers, formToken }: SignInPageState): readonly Html[] {
  return providers.map(
    ({ name, title }, index) => html`<form method="post" action="${path}/provider">
${index === 0 && methods.length > 0 ? html`<p class="or">or</p>` : html``}
<input type="hidden" name="csrf" value="${formToken}">
<input type="hidden" name="provider" value="${name}">
<button type="submit"${methods.length === 0 && index === 0 ? html` class="primary"` : html``}>Continue with ${title}</button>
</form>`,
  )
}
