/** Decides what counts as a one-time code of an account (RFC 6238): six digits, a step of 30 seconds, one step of drift. */
import type { TOTP } from 'otpauth'
import type { Account } from './account-store.ts'
import type { Seal, SealedPlace } from './seal.ts'

type Owner = Pick<Account, 'id' | 'tenant'>

const PERIOD_SECONDS = 30
const SECRET_BYTES = 20

export interface TotpEnrolment {
  /** For the store. */
  readonly sealed: string
  /** `otpauth://` URI for an authenticator. It holds the secret: show it once. */
  readonly uri: string
}

/** A new secret for the account, under the name that the authenticator shows. */
export async function enrolTotp(
  seal: Seal,
  account: Owner & Pick<Account, 'name'>,
  issuer: string,
): Promise<TotpEnrolment> {
  const { Secret } = await import('otpauth')
  const secret = new Secret({ size: SECRET_BYTES })
  const totp = await totpOf(secret.base32, { issuer, label: account.name })
  return { sealed: await seal.seal(secret.base32, placeOf(account)), uri: totp.toString() }
}

/** The time step whose code this is, or undefined. A step counts once: the store sees to it. */
export async function totpStep(
  seal: Seal,
  account: Owner,
  sealed: string,
  code: string,
  now: number,
): Promise<number | undefined> {
  if (!/^\d{6}$/.test(code)) return undefined
  const totp = await totpOf(await seal.open(sealed, placeOf(account)))
  const delta = totp.validate({ token: code, timestamp: now, window: 1 })
  return delta === null ? undefined : Math.floor(now / (PERIOD_SECONDS * 1000)) + delta
}

async function totpOf(
  base32: string,
  names: { readonly issuer?: string; readonly label?: string } = {},
): Promise<TOTP> {
  const { Secret, TOTP: Totp } = await import('otpauth')
  const secret = Secret.fromBase32(base32)
  return new Totp({ ...names, secret, algorithm: 'SHA1', digits: 6, period: PERIOD_SECONDS })
}

/** Where the secret of an account lies. */
export const placeOf = ({ id, tenant }: Owner): SealedPlace => ({ tenant, table: 'account', column: 'totp', row: id })
