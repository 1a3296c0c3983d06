/** The consent page: who asks, where the answer goes, for what, and a way to say no. */
import type { Answer } from '../../core/exchange.ts'
import { html } from './html.ts'
import { page } from './page.ts'
import { isNative, redirectHost } from './redirects.ts'

export interface ConsentPageState {
  readonly uid: string
  readonly clientName: string
  readonly clientId: string
  /** Absent in the device flow. */
  readonly redirectUri?: string
  readonly accountName: string
  readonly resources: readonly { readonly identifier: string; readonly title: string }[]
  /** Sentences. */
  readonly permissions: readonly string[]
  readonly formToken: string
  readonly formTargets: readonly string[]
}

export function consentPage(state: ConsentPageState): Answer {
  const { uid, clientName, formToken, accountName, resources, permissions, formTargets } = state
  const body = html`<h1>Allow <strong>${clientName}</strong> to act for you?</h1>
<p class="soft">You are signed in as <strong>${accountName}</strong>.</p>
<dl>
<div><dt>Application</dt><dd>${clientName}${publisher(state.clientId)}</dd></div>
<div><dt>It wants to use</dt><dd>${resources.map(({ identifier, title }) => html`${title} <span class="hint">${identifier}</span> `)}</dd></div>
<div><dt>It may then</dt><dd><ul>${permissions.map((sentence) => html`<li>${sentence}</li>`)}</ul></dd></div>
<div><dt>The answer goes to</dt><dd>${destination(state.redirectUri)}</dd></div>
</dl>
<form method="post" action="/auth/interaction/${uid}/consent">
<input type="hidden" name="csrf" value="${formToken}">
<button type="submit" class="primary">Allow</button>
</form>
<form method="post" action="/auth/interaction/${uid}/deny">
<input type="hidden" name="csrf" value="${formToken}">
<button type="submit">Deny</button>
</form>`
  return page(body, { title: `Allow ${clientName}`, formTargets })
}

/** A client that a document describes is as good as the host of the document: that host is shown, for a name is free. */
function publisher(clientId: string) {
  const url = URL.parse(clientId)
  return url?.protocol === 'https:' ? html` <span class="hint">published by ${url.host}</span>` : html``
}

/** Any program on a device can take what is sent to it there, so the person is asked to make sure (RFC 8252 §8.6). */
function destination(redirectUri: string | undefined) {
  if (redirectUri === undefined) return html`the device that you have confirmed`
  const host = redirectHost(redirectUri)
  if (!isNative(redirectUri)) return html`<strong>${host}</strong>`
  return html`a program on this device (<strong>${host}</strong>)
<p class="note">Allow this only if you have just started it yourself.</p>`
}
