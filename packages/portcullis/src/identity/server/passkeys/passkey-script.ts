/** The one script of our pages: it asks the browser for a passkey and puts the answer into a form. It sends nothing itself. */
import { createHash } from 'node:crypto'
import type { Answer } from '../../../core/exchange.ts'
import type { PageScript } from '../page.ts'
import { MOUNT_PATH } from '../settings.ts'

/** Below the server's own path. */
const PATH = '/passkeys.js'

/** Without it a page shows only what works without it: what needs it is hidden until it has run. */
const SCRIPT = `(() => {
'use strict'
if (!window.PublicKeyCredential || !navigator.credentials) return
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (one) => one.charCodeAt(0))
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\\+/g, '-').replace(/\\//g, '_').replace(/=+$/, '')
const listed = (all) => (all || []).map((one) => ({ ...one, id: bytes(one.id) }))
async function ask(kind, options) {
  const publicKey = { ...options, challenge: bytes(options.challenge) }
  if (kind === 'create') {
    publicKey.user = { ...options.user, id: bytes(options.user.id) }
    publicKey.excludeCredentials = listed(options.excludeCredentials)
    return navigator.credentials.create({ publicKey })
  }
  return navigator.credentials.get({ publicKey })
}
function told({ id, rawId, type, response }) {
  const parts = {}
  for (const name of ['clientDataJSON', 'attestationObject', 'authenticatorData', 'signature', 'userHandle']) {
    if (response[name]) parts[name] = text(response[name])
  }
  if (response.getTransports) parts.transports = response.getTransports()
  return JSON.stringify({ id, rawId: text(rawId), type, response: parts })
}
for (const part of document.querySelectorAll('[data-without-passkeys]')) part.hidden = true
const SORRY = {
  get: 'No passkey was used. Try again, or sign in another way.',
  create: 'No passkey was made. Try again, or use another device.',
  InvalidStateError: 'This device has a passkey for you already.',
}
for (const part of document.querySelectorAll('[data-passkey]')) {
  const form = part.closest('form')
  const button = part.querySelector('button')
  const status = part.querySelector('[role=status]')
  const kind = part.dataset.passkey
  part.hidden = false
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    button.disabled = true
    status.textContent = ''
    try {
      form.elements.response.value = told(await ask(kind, JSON.parse(part.dataset.options)))
      form.submit()
    } catch (error) {
      status.textContent = SORRY[error.name] || SORRY[kind]
      button.disabled = false
      button.focus()
    }
  })
}
})()
`

const INTEGRITY = `sha256-${createHash('sha256').update(SCRIPT).digest('base64')}`

/** For pages of this origin. */
export const passkeyScript = (origin: string): PageScript => ({
  url: `${origin}${MOUNT_PATH}${PATH}`,
  integrity: INTEGRITY,
})

/** The script itself, or undefined for another path. */
export function serveScript(path: string, method: string): Answer | undefined {
  if (path !== PATH || (method !== 'GET' && method !== 'HEAD')) return undefined
  const headers = {
    'content-type': 'text/javascript; charset=utf-8',
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'same-origin',
    'cache-control': 'no-cache',
  }
  return { status: 200, headers, page: SCRIPT }
}
