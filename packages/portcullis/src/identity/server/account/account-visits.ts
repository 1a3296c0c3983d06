/** Decides who may change an account on its own page: whoever has signed in there, in this browser, within ten minutes. */
import type { Exchange } from '../../../core/exchange.ts'
import type { Account } from '../account-store.ts'
import { BrowserName } from '../browser-name.ts'
import { kept, stillAdmits } from '../came-by.ts'
import type { ServerSettings } from '../settings.ts'
import type { SignedIn } from '../sign-in-method.ts'
import { digestOf } from '../stored-model.ts'

export type AccountVisitParts = Pick<ServerSettings, 'grants' | 'accounts' | 'clock' | 'issuer' | 'methods' | 'outside'>

interface VisitPayload {
  readonly amr?: readonly string[]
}

const KIND = 'AccountVisit'
const LIFE_MS = 10 * 60_000

/** Apart from the sessions of applications: an old one of those must not be able to add a passkey. */
export class AccountVisits {
  readonly #parts: AccountVisitParts
  readonly #name: BrowserName

  constructor(parts: AccountVisitParts) {
    this.#parts = parts
    this.#name = new BrowserName('portcullis_account', parts.issuer)
  }

  /** What the browser was given, whether it has signed in or not. */
  secretOf(exchange: Exchange): string | undefined {
    return this.#name.of(exchange)
  }

  /** A name for a browser that has not signed in yet, and the cookie that gives it. It is not kept. */
  stranger(): { readonly secret: string; readonly cookie: string } {
    return this.#name.give()
  }

  /** A new name, so that nobody who knew the old one comes in too. Ends with the account's other sign-ins. */
  async begin({ accountId: account, ...how }: SignedIn): Promise<{ readonly cookie: string }> {
    const { secret, cookie } = this.stranger()
    const { grants, clock } = this.#parts
    const payload = JSON.stringify({ amr: kept(how) } satisfies VisitPayload)
    await grants.put({ kind: KIND, digest: digestOf(secret), payload, expiresAt: clock.now() + LIFE_MS, account })
    return { cookie }
  }

  async find(secret: string): Promise<Account | undefined> {
    const { grants, accounts, clock } = this.#parts
    const entry = await grants.find(KIND, digestOf(secret))
    if (entry?.account === undefined || entry.expiresAt <= clock.now()) return undefined
    const { amr } = JSON.parse(entry.payload) as VisitPayload
    if (!stillAdmits(this.#parts, amr)) return undefined
    const account = await accounts.findById(entry.account)
    return account?.disabledAt === undefined ? account : undefined
  }

  async end(secret: string): Promise<void> {
    await this.#parts.grants.remove(KIND, digestOf(secret))
  }
}
