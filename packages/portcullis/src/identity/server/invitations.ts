/** Decides who may choose how to sign in: whoever holds a link that works once, for a day (the first administrator too). */
import { randomBytes } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import type { Account, AccountStore } from './account-store.ts'
import type { GrantStore } from './grant-store.ts'
import { digestOf } from './stored-model.ts'

export interface InvitationParts {
  readonly accounts: AccountStore
  readonly grants: GrantStore
  readonly clock: Clock
}

const KIND = 'Invitation'
const HOURS_24_MS = 86_400_000
/** Below the server's own path. */
export const WELCOME_PATH = '/welcome'

/**
 * The path and query of a link below the server's, for this account. It ends with its use, or after a day. The ticket is
 * in the query, because paths stand in audit records.
 */
export async function invite({ grants, clock }: InvitationParts, accountId: string): Promise<string> {
  const token = randomBytes(32).toString('base64url')
  const payload = JSON.stringify({ accountId })
  const expiresAt = clock.now() + HOURS_24_MS
  await grants.put({ kind: KIND, digest: digestOf(token), payload, expiresAt, account: accountId })
  return `${WELCOME_PATH}?ticket=${token}`
}

/** Whom the link invites; undefined when it was used, is too old or is none of ours. */
export async function invited(
  { grants, accounts, clock }: InvitationParts,
  token: string,
): Promise<Account | undefined> {
  const entry = await grants.find(KIND, digestOf(token))
  if (entry?.account === undefined || entry.consumedAt !== undefined || entry.expiresAt <= clock.now()) return undefined
  const account = await accounts.findById(entry.account)
  return account?.disabledAt === undefined ? account : undefined
}

/** True for exactly one of any number of callers. */
export function useInvitation({ grants, clock }: InvitationParts, token: string): Promise<boolean> {
  return grants.consume(KIND, digestOf(token), clock.now())
}
