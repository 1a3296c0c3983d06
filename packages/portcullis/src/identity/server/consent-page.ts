/** The consent page: who asks, where the answer goes, for what, and a way to say no. It comes before a provider, or after a sign-in. */
import type { Answer } from '../../core/exchange.ts'
import { type Html, html } from './html.ts'
import { page } from './page.ts'
import { isNative, redirectHost } from './redirects.ts'

/** What a client asks for. */
export interface ConsentRequest {
  readonly uid: string
  readonly clientName: string
  readonly clientId: string
  /** Absent in the device flow. */
  readonly redirectUri?: string
  readonly resources: readonly { readonly identifier: string; readonly title: string }[]
  /** Sentences. */
  readonly permissions: readonly string[]
  readonly formTargets: readonly string[]
  /** For the form that denies. */
  readonly denyToken: string
}

export interface ConsentPageState extends ConsentRequest {
  /** Whom: somebody who has signed in, or whoever signs in next at this provider. */
  readonly asks: { readonly account: string } | { readonly before: { readonly name: string; readonly title: string } }
  /** For the form that allows. */
  readonly formToken: string
}

export function consentPage(state: ConsentPageState): Answer {
  const { uid, clientName, denyToken, resources, permissions, formTargets } = state
  const body = html`<h1>Allow <strong>${clientName}</strong> to act for you?</h1>
${circumstances(state)}
<dl>
<div><dt>Application</dt><dd>${clientName}${origin(state.clientId)}</dd></div>
<div><dt>It wants to use</dt><dd>${resources.map(({ identifier, title }) => html`${title} <span class="hint">${identifier}</span> `)}</dd></div>
<div><dt>It may then</dt><dd><ul>${permissions.map((sentence) => html`<li>${sentence}</li>`)}</ul></dd></div>
<div><dt>The answer goes to</dt><dd>${destination(state.redirectUri)}</dd></div>
</dl>
${allowing(state)}
<form method="post" action="/auth/interaction/${uid}/deny">
<input type="hidden" name="csrf" value="${denyToken}">
<button type="submit">Deny</button>
</form>`
  return page(body, { title: `Allow ${clientName}`, formTargets })
}

function circumstances({ asks, clientName }: ConsentPageState): Html {
  if ('account' in asks) return html`<p class="soft">You are signed in as <strong>${asks.account}</strong>.</p>`
  return html`<p class="soft">Next you sign in at <strong>${asks.before.title}</strong>. If you are signed in there already,
<strong>${clientName}</strong> gets what is listed here at once.</p>`
}

function allowing({ asks, uid, formToken }: ConsentPageState): Html {
  const token = html`<input type="hidden" name="csrf" value="${formToken}">`
  if ('account' in asks)
    return html`<form method="post" action="/auth/interaction/${uid}/consent">
${token}
<button type="submit" class="primary">Allow</button>
</form>`
  return html`<form method="post" action="/auth/interaction/${uid}/approve">
${token}
<input type="hidden" name="provider" value="${asks.before.name}">
<button type="submit" class="primary">Allow, and go to ${asks.before.title}</button>
</form>`
}

/** A name is free. A client that a document describes is as good as the host of the document, any other one has an id here. */
function origin(clientId: string): Html {
  const url = URL.parse(clientId)
  const text = url?.protocol === 'https:' ? `published by ${url.host}` : `known here as ${clientId}`
  return html` <span class="hint">${text}</span>`
}

/** Any program on a device can take what is sent to it there, so the person is asked to make sure (RFC 8252 §8.6). */
function destination(redirectUri: string | undefined): Html {
  if (redirectUri === undefined) return html`the device that you have confirmed`
  const host = redirectHost(redirectUri)
  if (!isNative(redirectUri)) return html`<strong>${host}</strong>`
  return html`a program on this device (<strong>${host}</strong>)
<p class="note">Allow this only if you have just started it yourself.</p>`
}
