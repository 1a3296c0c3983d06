/** The page of one's own account: what one has let in, where one is signed in, one's passkeys, and a button to end each. */
import type { Answer } from '../../../core/exchange.ts'
import { type Html, html } from '../html.ts'
import { page, type PageScript } from '../page.ts'
import { passkeyFields, PASSKEYS_NEED_SCRIPT } from '../passkeys/passkey-form.ts'
import type { Passkey } from '../passkeys/passkey-store.ts'
import type { BrowserSession, Consent } from './consents.ts'

export interface AccountPageState {
  readonly name: string
  readonly formToken: string
  readonly consents: readonly (Consent & { readonly clientName: string; readonly titles: readonly string[] })[]
  readonly sessions: readonly BrowserSession[]
  readonly passkeys: readonly Passkey[]
  /** Options for a new passkey; absent where none can be made. */
  readonly registration?: object
  /** Who vouches for this account in our stead. */
  readonly provider?: string
  readonly script?: PageScript
  readonly problem?: string
  readonly status?: number
}

export const ACCOUNT_PATH = '/auth/account'

export function accountPage(state: AccountPageState): Answer {
  const { name, problem, script, status = 200, formToken } = state
  const told = problem === undefined ? html`` : html`<p class="problem" role="alert">${problem}</p>`
  const body = html`<h1>Your account</h1>
<p class="soft">Signed in as <strong>${name}</strong>. For your safety this page ends ten minutes after you signed in.</p>
${told}
${applications(state)}
${browsers(state)}
${passkeys(state)}
<section><h2>Leave</h2>
${action('leave', formToken, html`<button type="submit">Leave this page</button>`)}
${action(
  'end-all',
  formToken,
  html`<button type="submit">End everything, everywhere</button>
<p class="hint">All applications lose their access, all browsers are signed out, this one too.</p>`,
)}
</section>`
  return page(body, { title: 'Your account', status, ...(script && { script }) })
}

function applications({ consents, formToken }: AccountPageState): Html {
  const rows = consents.map(({ id, clientId, clientName, titles, since, until }) =>
    row(
      html`<strong>${clientName}</strong>${publisher(clientId, clientName)}
<span class="hint">${titles.join(', ')} · since ${day(since)}, until ${day(until)} at the latest</span>`,
      ending('consent/end', id, formToken, 'End', `End the access of ${clientName}`),
    ),
  )
  return section('Applications that act for you', rows, 'None.')
}

/** A name is free, an address is not. */
const publisher = (clientId: string, name: string): Html =>
  clientId.startsWith('https:') && clientId !== name ? html` <span class="hint">${clientId}</span>` : html``

function browsers({ sessions, formToken }: AccountPageState): Html {
  const rows = sessions.map(({ id, methods, since, until }) =>
    row(
      html`Since ${minute(since)} <span class="hint">by ${methods.map(wayOf).join(', ')} · until ${minute(until)} at the latest</span>`,
      ending('session/end', id, formToken, 'Sign out', `Sign out the browser that signed in on ${minute(since)}`),
    ),
  )
  return section('Browsers in which you are signed in', rows, 'None.')
}

const WAYS: Readonly<Record<string, string>> = {
  pwd: 'password',
  otp: 'one-time code',
  pop: 'passkey',
  user: 'your presence',
  mfa: 'two factors',
  fed: 'another provider',
}
const wayOf = (method: string): string => WAYS[method] ?? method

function passkeys({ passkeys: own, registration, formToken, provider }: AccountPageState): Html {
  if (provider !== undefined)
    return html`<section><h2>How you sign in</h2><p>With ${provider}. Passkeys are kept there, not here.</p></section>`
  if (registration === undefined) return html``
  const rows = own.map(({ id, label, createdAt, lastUsedAt, synced }) =>
    row(
      html`<strong>${label}</strong> <span class="hint">${synced ? 'on all your devices' : 'on one device'} · made ${day(createdAt)}, ${lastUsedAt === undefined ? 'never used' : `last used ${minute(lastUsedAt)}`}</span>`,
      ending('passkey/remove', id, formToken, 'Remove', `Remove the passkey ${label}`),
    ),
  )
  const add = action('passkey/add', formToken, newPasskeyFields(registration))
  const warning = html`<p class="hint">Removing one ends all that you have let in and all browsers: whoever had it may have used it.</p>`
  return html`${section('Passkeys', rows, 'None yet.')}${own.length > 0 ? warning : html``}${add}${PASSKEYS_NEED_SCRIPT}`
}

/** With a name, so that one can tell them apart later. `as`: the one thing to do, another way, or one more. */
export function newPasskeyFields(options: object, as: 'only' | 'other' | 'more' = 'more'): Html {
  return passkeyFields({
    other: as === 'other',
    primary: as === 'only',
    purpose: 'create',
    options,
    button: 'Add a passkey',
    controls: html`<label for="label">Name of the new passkey</label>
<input id="label" name="label" type="text" maxlength="40" autocomplete="off" placeholder="Laptop">`,
  })
}

const section = (title: string, rows: readonly Html[], none: string): Html =>
  html`<section><h2>${title}</h2>${rows.length === 0 ? html`<p class="soft">${none}</p>` : html`<ul class="rows">${rows}</ul>`}</section>`

const row = (text: Html, button: Html): Html => html`<li><div>${text}</div>${button}</li>`

const action = (step: string, token: string, inside: Html): Html =>
  html`<form method="post" action="${ACCOUNT_PATH}/${step}"><input type="hidden" name="csrf" value="${token}">${inside}</form>`

const ending = (step: string, id: string, token: string, text: string, label: string): Html =>
  action(
    step,
    token,
    html`<input type="hidden" name="id" value="${id}"><button type="submit" aria-label="${label}">${text}</button>`,
  )

/** UTC: a page without a script does not know where its reader is. Not broken over lines. */
const day = (instant: number): string => new Date(instant).toISOString().slice(0, 10).replaceAll('-', '\u2011')
const minute = (instant: number): string =>
  `${day(instant)}\u00a0${new Date(instant).toISOString().slice(11, 16)}\u00a0UTC`
