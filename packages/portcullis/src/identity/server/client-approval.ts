/**
 * Decides that nobody is sent to an outside provider for a client that they have not looked at: whoever is signed in there is
 * let through without a page, so the look has to come first (the confused deputy of the MCP security best practices).
 */
import { createHash } from 'node:crypto'
import type { Answer } from '../../core/exchange.ts'
import { Fault } from '../../core/fault.ts'
import { BrowserName } from './browser-name.ts'
import { consentPage } from './consent-page.ts'
import { leaveFrom, providerOf, type SignInPlace } from './sign-in-desk.ts'
import type { Fields } from './sign-in-method.ts'
import { digestOf } from './stored-model.ts'
import { redirectUriOf, requestOf, resourcesOf, scopesOf, type Visit } from './visit.ts'

/** Without a name nobody has left from this browser, and nobody comes back to it. */
const NOBODY = 'nobody'

/** The page that asks. Throws `identity.form_refused` for a provider that there is not. */
export function askApproval(visit: Visit, fields: Fields): Answer {
  const provider = providerOf(visit, fields.get('provider'))
  if (provider === undefined) throw new Fault('identity.form_refused', { step: 'provider' })
  const { name, title } = provider.settings
  const known = nameFor(visit).of(visit.exchange)
  const given = known === undefined ? nameFor(visit).give() : undefined
  const browser = known ?? given?.secret ?? NOBODY
  const answer = consentPage({
    ...requestOf(visit),
    asks: { before: { name, title } },
    formToken: visit.forms.issue(...formOf(visit, browser, name)),
  })
  return given === undefined ? answer : { ...answer, cookies: [given.cookie] }
}

/** What was sent by that page: on to the provider. Throws `identity.form_refused` for a form of anything else. */
export function approve(visit: Visit, place: SignInPlace, fields: Fields): Promise<Answer> {
  const browser = nameFor(visit).of(visit.exchange)
  const provider = fields.get('provider') ?? ''
  if (browser === undefined || !visit.forms.accepts(fields.get('csrf'), ...formOf(visit, browser, provider)))
    throw new Fault('identity.form_refused', { step: 'approve' })
  return leaveFrom(visit, place, fields, visit.exchange)
}

/** Only who has approved leaves as this one, and only that browser comes back as it. */
export function travellerOf(visit: Visit): string {
  return `approved ${approvalOf(visit, nameFor(visit).of(visit.exchange) ?? NOBODY)}`
}

const formOf = (visit: Visit, browser: string, provider: string): readonly string[] => [
  ...['approve', provider],
  approvalOf(visit, browser),
]

/** Everything that the page has shown, to whom: another client, place or wish is another approval. */
function approvalOf(visit: Visit, browser: string): string {
  const { interaction, client } = visit
  const shown = [client.clientId, redirectUriOf(visit) ?? null, resourcesOf(visit), scopesOf(visit)]
  return createHash('sha256')
    .update(JSON.stringify([interaction.uid, digestOf(browser), ...shown]))
    .digest('base64url')
}

const nameFor = ({ settings }: Visit): BrowserName => new BrowserName('portcullis_browser', settings.issuer)
