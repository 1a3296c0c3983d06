/** Decides what people may do with their own account: whoever has just signed in sees what it lets in, and ends it. */
import type { Answer, Exchange } from '../../../core/exchange.ts'
import { Fault } from '../../../core/fault.ts'
import type { Account } from '../account-store.ts'
import { accountPrincipal } from '../families.ts'
import { readFields } from '../form.ts'
import type { FormTokens } from '../form-token.ts'
import { passkeyScript } from '../passkeys/passkey-script.ts'
import { vouchedBy } from '../providers/vouched-by.ts'
import { arriveAt, leaveFrom, proveAt, signInAt, type SignInDeskParts, type SignInPlace } from '../sign-in-desk.ts'
import type { Fields } from '../sign-in-method.ts'
import { digestOf, type StoredModelParts } from '../stored-model.ts'
import { ACCOUNT_PATH, accountPage } from './account-markup.ts'
import { AccountVisits } from './account-visits.ts'
import { endAll, endConsent, endSession, letIn } from './consents.ts'

export interface AccountPagesParts extends SignInDeskParts {
  readonly forms: FormTokens
}

/** Somebody who has signed in here. */
interface Visitor {
  readonly account: Account
  readonly secret: string
}

const PATH = /^\/account(?:\/([a-z/-]{1,32}))?$/

export class AccountPages {
  readonly #parts: AccountPagesParts
  readonly #visits: AccountVisits

  constructor(parts: AccountPagesParts) {
    this.#parts = parts
    this.#visits = new AccountVisits(parts.settings)
  }

  /** Undefined for a path of somebody else. */
  async serve(path: string, exchange: Exchange, models: StoredModelParts): Promise<Answer | undefined> {
    const match = PATH.exec(path)
    if (match === null) return undefined
    const [, step] = match
    const { method } = exchange.head
    const secret = this.#visits.secretOf(exchange)
    if (method === 'GET' && step === undefined) return this.#show(secret)
    if (secret === undefined) return backToPage
    if (method === 'GET' && step === 'arrive') return this.#arrive(secret, exchange)
    if (method !== 'POST' || step === undefined) throw new Fault('transport.method_not_allowed', { method })
    const fields = await readFields(exchange)
    if (!this.#parts.forms.accepts(fields.get('csrf'), ...formOf(secret)))
      throw new Fault('identity.form_refused', { step: `account ${step}` })
    if (step === 'sign-in' || step === 'provider') return this.#signIn(step, secret, fields, exchange)
    const account = await this.#visits.find(secret)
    if (account === undefined) return backToPage
    return this.#act(step, { account, secret }, fields, models)
  }

  async #show(secret: string | undefined): Promise<Answer> {
    const account = secret === undefined ? undefined : await this.#visits.find(secret)
    if (account !== undefined && secret !== undefined) return this.#page({ account, secret })
    if (secret !== undefined) return signInAt(this.#parts, this.#place(secret))
    const stranger = this.#visits.stranger()
    return { ...signInAt(this.#parts, this.#place(stranger.secret)), cookies: [stranger.cookie] }
  }

  async #signIn(step: string, secret: string, fields: Fields, exchange: Exchange): Promise<Answer> {
    const place = this.#place(secret)
    if (step === 'provider') return leaveFrom(this.#parts, place, fields, exchange)
    return this.#begin(await proveAt(this.#parts, place, fields, exchange))
  }

  async #arrive(secret: string, exchange: Exchange): Promise<Answer> {
    return this.#begin(await arriveAt(this.#parts, this.#place(secret), exchange))
  }

  async #begin(outcome: Awaited<ReturnType<typeof proveAt>>): Promise<Answer> {
    if (outcome.answer !== undefined) return outcome.answer
    const { cookie } = await this.#visits.begin(outcome.signedIn)
    return { ...backToPage, cookies: [cookie] }
  }

  async #act(step: string, visitor: Visitor, fields: Fields, models: StoredModelParts): Promise<Answer> {
    const { account, secret } = visitor
    const id = fields.get('id') ?? ''
    switch (step) {
      case 'leave':
        await this.#visits.end(secret)
        return backToPage
      case 'end-all':
        await this.#tell(account, 'user.signed-out-everywhere', {})
        await endAll(models, account.id)
        return backToPage
      case 'consent/end':
        return (await endConsent(models, account.id, id)) ? backToPage : this.#gone(visitor)
      case 'session/end':
        return this.#endSession(visitor, id, models)
      case 'passkey/add':
        return this.#addPasskey(visitor, fields)
      case 'passkey/remove':
        return this.#removePasskey(visitor, id, models)
      default:
        throw new Fault('transport.not_found', { step })
    }
  }

  async #endSession(visitor: Visitor, id: string, models: StoredModelParts): Promise<Answer> {
    await this.#tell(visitor.account, 'user.session-ended', { session: id.slice(0, 64) })
    return (await endSession(models, visitor.account.id, id)) ? backToPage : this.#gone(visitor)
  }

  async #addPasskey(visitor: Visitor, fields: Fields): Promise<Answer> {
    const { account, secret } = visitor
    const passkeys =
      (await vouchedBy(this.#parts.settings, account.id)) === undefined ? this.#parts.settings.passkeys : undefined
    if (passkeys === undefined) throw new Fault('identity.form_refused', { step: 'passkey' })
    const made = await passkeys.registration.prove(account, fields, aboutOf(secret))
    if (made !== undefined && (await passkeys.registration.keep(account, made))) return backToPage
    return this.#page(visitor, 'This passkey could not be added. Try again.')
  }

  /** Whoever removes a passkey may have lost it: what it may have been used for ends too. */
  async #removePasskey(visitor: Visitor, id: string, models: StoredModelParts): Promise<Answer> {
    const { account } = visitor
    const { passkeys } = this.#parts.settings
    const own = (await passkeys?.store.ofAccount(account.id)) ?? []
    if (passkeys === undefined || !own.some((one) => one.id === id)) return this.#gone(visitor)
    await this.#tell(account, 'user.passkey-removed', { passkey: id.slice(0, 64) })
    await passkeys.store.remove(account.id, id)
    await endAll(models, account.id)
    return backToPage
  }

  #gone(visitor: Visitor): Promise<Answer> {
    return this.#page(visitor, 'This is not there any more.')
  }

  async #page({ account, secret }: Visitor, problem?: string): Promise<Answer> {
    const { settings, forms } = this.#parts
    const { consents, sessions } = await letIn(settings.grants, account.id, settings.clock.now())
    const provider = await vouchedBy(this.#parts.settings, account.id)
    const passkeys = provider === undefined ? settings.passkeys : undefined
    return accountPage({
      name: account.name,
      formToken: forms.issue(...formOf(secret)),
      consents: await Promise.all(consents.map((consent) => this.#named(consent))),
      sessions,
      passkeys: (await passkeys?.store.ofAccount(account.id)) ?? [],
      ...(passkeys && {
        registration: await passkeys.registration.options(account, aboutOf(secret)),
        script: passkeyScript(passkeys.registration.site.origin),
      }),
      ...(provider !== undefined && { provider }),
      ...(problem !== undefined && { problem, status: 400 }),
    })
  }

  async #named<C extends { readonly clientId: string; readonly resources: readonly string[] }>(consent: C) {
    const { clients, resources } = this.#parts.settings
    const client = await clients.find(consent.clientId)
    const titles = consent.resources.map((resource) => resources.get(resource) ?? resource)
    return { ...consent, clientName: client?.name ?? consent.clientId, titles }
  }

  #place(secret: string): SignInPlace {
    return {
      path: ACCOUNT_PATH,
      about: aboutOf(secret),
      traveller: aboutOf(secret),
      to: 'your account',
      formToken: this.#parts.forms.issue(...formOf(secret)),
      formTargets: [],
      canCancel: false,
      // Who may add a way to sign in has to prove now who they are.
      fresh: true,
      facts: { at: 'account' },
    }
  }

  #tell({ id, tenant }: Account, what: string, facts: Readonly<Record<string, unknown>>): Promise<void> {
    return this.#parts.settings.witness.changed(tenant, what, accountPrincipal(id), facts)
  }
}

const aboutOf = (secret: string): string => `account ${digestOf(secret)}`
const formOf = (secret: string): readonly string[] => ['account', digestOf(secret)]

/** After each act the page is fetched anew, so that reloading it repeats nothing. */
const backToPage: Answer = { status: 303, headers: { location: ACCOUNT_PATH, 'cache-control': 'no-store' } }
