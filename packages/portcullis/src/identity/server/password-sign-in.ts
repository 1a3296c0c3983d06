/** Decides whether a name, a password and a one-time code are those of an account, and how often one may try. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../../core/clock.ts'
import { Fault } from '../../core/fault.ts'
import { accountName } from './account-name.ts'
import type { Account, AccountStore } from './account-store.ts'
import { html } from './html.ts'
import { hashPassword, verifyPassword } from './password.ts'
import type { Seal } from './seal.ts'
import type { Fields, SignedIn, SignInFormState, SignInMethod } from './sign-in-method.ts'
import { totpStep } from './totp.ts'

export interface PasswordSignInParts {
  readonly accounts: AccountStore
  readonly seal: Seal
  readonly clock: Clock
  /** An account without a second factor cannot sign in by its password. */
  readonly codeRequired?: boolean
}

const FREE_FAILURES = 4
const MAX_LOCK_MS = 15 * 60_000
/** Each takes about 20 MiB and a core; more wait, and beyond that nobody is let in. */
const MAX_AT_ONCE = 2
const MAX_WAITING = 32
/** Longer than a hash and what is written around it. */
const FAILURE_STEP_MS = 250

/** Sign-in by password, with a one-time code where the account has a second factor. */
export class PasswordSignIn implements SignInMethod {
  readonly name = 'password'
  readonly #parts: PasswordSignInParts
  readonly #waiting: (() => void)[] = []
  #decoy: Promise<string> | undefined
  #busy = 0

  constructor(parts: PasswordSignInParts) {
    this.#parts = parts
  }

  form({ earlier, failed }: SignInFormState) {
    const codeRequired = this.#parts.codeRequired === true
    const described = failed ? html` aria-describedby="problem" aria-invalid="true"` : html``
    return html`
      <label for="name">Name</label>
      <input id="name" name="name" type="text" autocomplete="username" autocapitalize="none" spellcheck="false"
        maxlength="64" required${failed ? html`` : html` autofocus`} value="${earlier?.get('name') ?? ''}"${described}>
      <label for="password">Password</label>
      <input id="password" name="password" type="password" autocomplete="current-password" maxlength="256" required${failed ? html` autofocus` : html``}${described}>
      <label for="code">One-time code <span class="hint">${codeRequired ? 'from your authenticator' : 'if you use an authenticator'}</span></label>
      <input id="code" name="code" type="text" inputmode="numeric" autocomplete="one-time-code" pattern="[0-9]{6}"
        maxlength="6" title="six digits"${codeRequired ? html` required` : html``}>
      <button type="submit" class="primary">Sign in</button>`
  }

  admits(amr: readonly string[]): boolean {
    return amr.includes('pwd') && (this.#parts.codeRequired !== true || amr.includes('otp'))
  }

  /** Failures are answered at fixed steps after the request, so that the wait tells nobody what failed. */
  async verify(fields: Fields): Promise<SignedIn | undefined> {
    const startedAt = performance.now()
    const person = await this.#prove(fields)
    if (person === undefined) await sleep(FAILURE_STEP_MS - ((performance.now() - startedAt) % FAILURE_STEP_MS))
    return person
  }

  /** An unknown, a disabled and a locked account cost the same hash as a known one. */
  async #prove(fields: Fields): Promise<SignedIn | undefined> {
    const { accounts, clock } = this.#parts
    const name = accountName(fields.get('name') ?? '')
    const account = name === undefined ? undefined : await accounts.findByName(name)
    const now = clock.now()
    const isTried =
      account !== undefined &&
      account.disabledAt === undefined &&
      (await accounts.attempt(account.id, account.failures, now, lockedUntil(account.failures + 1, now)))
    const phc = (isTried ? account.password : undefined) ?? (await this.#decoyHash())
    const matches = await this.#inTurn(() => verifyPassword(phc, fields.get('password') ?? ''))
    if (!matches || !isTried || account.password === undefined) return undefined
    return this.#secondFactor(account, fields.get('code') ?? '', now)
  }

  async #secondFactor(account: Account, code: string, now: number): Promise<SignedIn | undefined> {
    const { accounts, seal, codeRequired } = this.#parts
    const { id, totp } = account
    if (totp === undefined && codeRequired === true) return undefined
    const step = totp === undefined ? 0 : await totpStep(seal, account, totp, code, now)
    if (step === undefined || !(await accounts.succeed(id, step))) return undefined
    return { accountId: id, amr: totp === undefined ? ['pwd'] : ['pwd', 'otp', 'mfa'] }
  }

  #decoyHash(): Promise<string> {
    this.#decoy ??= hashPassword('what nobody has typed')
    return this.#decoy
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#waiting.length >= MAX_WAITING) throw new Fault('identity.unavailable', { reason: 'too many sign-ins' })
    if (this.#busy >= MAX_AT_ONCE) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#busy += 1
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#busy -= 1
      else next()
    }
  }
}

/** After four failures each further one doubles the pause: one second, two, four, up to fifteen minutes. */
export function lockedUntil(failures: number, now: number): number {
  if (failures <= FREE_FAILURES) return 0
  return now + Math.min(MAX_LOCK_MS, 1000 * 2 ** Math.min(20, failures - FREE_FAILURES - 1))
}
