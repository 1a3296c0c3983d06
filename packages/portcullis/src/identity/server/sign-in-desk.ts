/** Decides who has signed in at one of our pages: by a way of our own, or by way of an outside provider and back. */
import type { Answer, Exchange } from '../../core/exchange.ts'
import { Fault, FAULTS, toFault } from '../../core/fault.ts'
import { accountName } from './account-name.ts'
import type { Account } from './account-store.ts'
import { accountPrincipal } from './families.ts'
import { html } from './html.ts'
import { page } from './page.ts'
import { passkeyScript } from './passkeys/passkey-script.ts'
import type { Journeys } from './providers/journeys.ts'
import type { OutsideProvider } from './providers/outside-provider.ts'
import type { ServerSettings } from './settings.ts'
import { type SignInFailure, signInPage } from './sign-in-page.ts'
import type { Fields, SignedIn } from './sign-in-method.ts'
import type { Facts } from './witness.ts'

export interface SignInDeskParts {
  readonly settings: ServerSettings
  readonly journeys: Journeys
}

/** Where somebody is asked to sign in. */
export interface SignInPlace {
  /** Path of the page; its forms go below it. */
  readonly path: string
  /** The page, and whoever it is shown to: challenges and journeys that were made for it are good nowhere else. */
  readonly about: string
  /** Whoever leaves for a provider has to be the one who comes back. */
  readonly traveller: string
  /** What people go on to. */
  readonly to: string
  readonly formToken: string
  readonly formTargets: readonly string[]
  readonly canCancel: boolean
  /** An earlier sign-in elsewhere is not enough. */
  readonly fresh: boolean
  /** For records. */
  readonly facts: Facts
}

/** Somebody, or the page that says that it is nobody. */
export type SignInOutcome =
  | { readonly account: Account; readonly signedIn: SignedIn; readonly answer?: never }
  | { readonly answer: Answer; readonly account?: never; readonly signedIn?: never }

export function signInAt({ settings }: SignInDeskParts, place: SignInPlace, failed?: SignInFailure): Answer {
  const { methods, outside } = settings
  const script = methods.some(({ needsScript }) => needsScript === true)
  return signInPage({
    ...place,
    methods,
    providers: (outside?.providers ?? []).map(({ settings: { name, title } }) => ({ name, title })),
    ...(script && { script: passkeyScript(new URL(settings.issuer).origin) }),
    ...(failed && { failed }),
  })
}

/** What was sent to `PATH/sign-in`. */
export async function proveAt(
  parts: SignInDeskParts,
  place: SignInPlace,
  fields: Fields,
  exchange: Exchange,
): Promise<SignInOutcome> {
  const { settings } = parts
  const method = settings.methods.find(({ name }) => name === fields.get('method'))
  const known = knownName(settings, fields)
  const signedIn = await method?.verify(fields, exchange, place.about)
  const account = signedIn && (await settings.accounts.findById(signedIn.accountId))
  if (signedIn === undefined || account === undefined || account.disabledAt !== undefined) {
    const answer = signInAt(parts, place, { method: method?.name ?? '', fields })
    const facts = { method: method?.name, name: await known, ...place.facts }
    await settings.witness.refused(exchange, 'identity.sign_in_failed', answer.status, facts)
    return { answer }
  }
  await recordSignIn(settings, place, exchange, account, { method: method?.name, ...strength(signedIn) })
  return { account, signedIn }
}

/**
 * The name as it is recorded: only one that somebody has. People type their password into that field, and a record stays
 * for years. Asked beside the proof, so that the wait for the answer tells nothing.
 */
async function knownName({ accounts }: SignInDeskParts['settings'], fields: Fields): Promise<string | undefined> {
  const name = accountName(fields.get('name') ?? '')
  const account = name === undefined ? undefined : await accounts.findByName(name).catch(() => undefined)
  return account?.name
}

/** A page that leads to the provider that a form has named. A form must not lead to a place that the page does not name. */
export async function leaveFrom(
  parts: SignInDeskParts,
  place: SignInPlace,
  fields: Fields,
  exchange: Exchange,
): Promise<Answer> {
  const provider = providerOf(parts, fields.get('provider'))
  if (provider === undefined) throw new Fault('identity.form_refused', { step: 'provider' })
  const { name, title } = provider.settings
  const { traveller: about, path, fresh } = place
  try {
    const url = await provider.departure(
      await parts.journeys.begin({ provider: name, about, back: `${path}/arrive`, fresh }),
    )
    const body = html`<h1>On to ${title}</h1>
<p class="soft">You sign in at <strong>${url.host}</strong> and come back here.</p>
<p class="note"><a href="${url.href}" rel="noreferrer">Go to ${title}</a></p>`
    const answer = page(body, { title: `On to ${title}` })
    return { ...answer, headers: { ...answer.headers, refresh: `0;url=${url.href}` } }
  } catch (thrown) {
    return notSignedIn(parts, place, exchange, provider, thrown)
  }
}

/** What came back to `PATH/arrive`. */
export async function arriveAt(parts: SignInDeskParts, place: SignInPlace, exchange: Exchange): Promise<SignInOutcome> {
  const { settings, journeys } = parts
  const { query } = exchange.head
  const journey = await journeys.end(new URLSearchParams(query).get('state') ?? '', place.traveller)
  const provider = providerOf(parts, journey?.provider)
  if (journey === undefined || provider === undefined || settings.outside === undefined) {
    const answer = signInAt(parts, place, { sentence: EXPIRED })
    const facts = { reason: 'state', ...place.facts }
    await settings.witness.refused(exchange, 'identity.sign_in_failed', answer.status, facts)
    return { answer }
  }
  try {
    const signedIn = await settings.outside.people.signedIn(provider.settings, await provider.arrival(query, journey))
    const account = await settings.accounts.findById(signedIn.accountId)
    if (account === undefined) throw new Fault('identity.sign_in_failed', { reason: 'the account is gone' })
    const facts = { method: 'provider', provider: provider.settings.name, ...strength(signedIn) }
    await recordSignIn(settings, place, exchange, account, facts)
    return { account, signedIn }
  } catch (thrown) {
    return { answer: await notSignedIn(parts, place, exchange, provider, thrown) }
  }
}

const EXPIRED = 'This sign-in was not finished here, or it is too old. Start again.'

/** What is refused or out of reach gets a page with all ways to sign in; our own mistakes go where all of those are told. */
async function notSignedIn(
  parts: SignInDeskParts,
  place: SignInPlace,
  exchange: Exchange,
  { settings: { name, title } }: OutsideProvider,
  thrown: unknown,
): Promise<Answer> {
  const { code, detail } = toFault(thrown)
  if (code !== 'identity.sign_in_failed' && code !== 'identity.unavailable') throw thrown
  const sentence =
    code === 'identity.unavailable'
      ? `${title} cannot be reached at the moment, so nobody was signed in. Try again, or sign in another way.`
      : `${title} has sent you back, but that does not let you in here. Ask whoever runs this gateway.`
  const answer = signInAt(parts, place, { sentence, status: FAULTS[code].status })
  const facts = { method: 'provider', provider: name, ...detail, ...place.facts }
  await parts.settings.witness.refused(exchange, code, answer.status, facts)
  return answer
}

const recordSignIn = (
  { witness }: ServerSettings,
  { facts }: SignInPlace,
  { peer }: Exchange,
  { id, tenant }: Account,
  how: Facts,
): Promise<void> =>
  witness.changed(tenant, 'user.signed-in', accountPrincipal(id), { ...how, ...facts, address: peer.address })

const strength = ({ amr, acr }: SignedIn): Facts => ({ amr, ...(acr !== undefined && { acr }) })

/** The provider of this name, if there is one. */
export const providerOf = (
  { settings }: Pick<SignInDeskParts, 'settings'>,
  name: string | undefined,
): OutsideProvider | undefined => settings.outside?.providers.find((provider) => provider.settings.name === name)
