/** Decides which challenges are ours: made for one page of one person, good for a while, and used up by the first try. */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../../../core/clock.ts'
import { AnonymousRows } from '../anonymous-rows.ts'
import type { GrantStore } from '../grant-store.ts'
import { digestOf } from '../stored-model.ts'

export interface ChallengeParts {
  /** Secret of this server. */
  readonly key: string
  readonly grants: Pick<GrantStore, 'add' | 'count' | 'sweep'>
  readonly clock: Clock
}

/** To sign in, or to make a new passkey. */
export type ChallengePurpose = 'get' | 'create'

const KIND = 'PasskeyChallenge'
const LIFE_MS = 15 * 60_000
const NONCE_BYTES = 16
const HEAD_BYTES = NONCE_BYTES + 8
const MAC_BYTES = 32

/** Nothing is kept for a page that is only looked at: a challenge carries what it is for, and only its use is noted. */
export class PasskeyChallenges {
  readonly #parts: ChallengeParts
  readonly #rows: AnonymousRows

  constructor(parts: ChallengeParts) {
    this.#parts = parts
    this.#rows = new AnonymousRows({ ...parts, kind: KIND })
  }

  /** @param about page and person; base64url of 56 bytes is returned. */
  issue(purpose: ChallengePurpose, about: string): string {
    const head = Buffer.alloc(HEAD_BYTES)
    randomBytes(NONCE_BYTES).copy(head)
    head.writeBigUInt64BE(BigInt(this.#parts.clock.now() + LIFE_MS), NONCE_BYTES)
    return Buffer.concat([head, this.#mac(head, purpose, about)]).toString('base64url')
  }

  /** True for exactly one of any number of callers, on all nodes. Rejects with `identity.unavailable` when too many are noted. */
  async spend(challenge: string, purpose: ChallengePurpose, about: string): Promise<boolean> {
    const bytes = Buffer.from(challenge, 'base64url')
    // One spelling only: another one of the same bytes would be another digest.
    if (bytes.length !== HEAD_BYTES + MAC_BYTES || bytes.toString('base64url') !== challenge) return false
    const head = bytes.subarray(0, HEAD_BYTES)
    if (!timingSafeEqual(bytes.subarray(HEAD_BYTES), this.#mac(head, purpose, about))) return false
    const { grants, clock } = this.#parts
    const expiresAt = Number(head.readBigUInt64BE(NONCE_BYTES))
    if (expiresAt <= clock.now()) return false
    await this.#rows.requireRoom()
    return grants.add({ kind: KIND, digest: digestOf(challenge), payload: '{}', expiresAt })
  }

  #mac(head: Buffer, purpose: ChallengePurpose, about: string): Buffer {
    const text = JSON.stringify(['passkey', purpose, about, head.toString('base64url')])
    return createHmac('sha256', this.#parts.key).update(text).digest()
  }
}
