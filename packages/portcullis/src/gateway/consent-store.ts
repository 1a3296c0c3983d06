/** Consents that people are asked for lie where the authorization server keeps what ends by itself: sealed, by digest. */
import { createHash } from 'node:crypto'
import type { Clock } from '../core/clock.ts'
import type { GrantStore, StoredGrantEntry } from '../identity/server/grant-store.ts'
import type { Seal, SealedPlace } from '../identity/server/seal.ts'
import type { ConsentKind, ConsentStore, KeptConsent } from '../upstream/oauth/consent-store.ts'

export interface ConsentStoreParts {
  readonly grants: Pick<GrantStore, 'put' | 'add' | 'find' | 'findByAlias' | 'remove' | 'sweep'>
  readonly seal: Seal
  readonly clock: Clock
}

const KINDS = { ticket: 'ConnectTicket', journey: 'ConnectJourney' } as const satisfies Record<ConsentKind, string>
const FAILURE = 'ConnectFailure'
const SWEEP_MS = 60_000

/** A second ticket of a wish takes the place of the first, under whose name it is found. */
export function consentStore({ grants, seal, clock }: ConsentStoreParts): ConsentStore {
  let sweptAt = clock.now()
  const tidy = async (): Promise<void> => {
    const now = clock.now()
    if (now - sweptAt < SWEEP_MS) return
    sweptAt = now
    await grants.sweep(now)
  }
  const opened = async (entry: StoredGrantEntry | undefined): Promise<KeptConsent | undefined> => {
    if (entry === undefined) return undefined
    const { tenant, sealed } = JSON.parse(entry.payload) as { readonly tenant: string; readonly sealed: string }
    return { tenant, text: await seal.open(sealed, placeOf(tenant, entry.kind, entry.digest)), endsAt: entry.expiresAt }
  }
  return {
    async put(kind, id, { tenant, text, endsAt }, wish) {
      await tidy()
      const name = KINDS[kind]
      const digest = digestOf(id)
      const sealed = await seal.seal(text, placeOf(tenant, name, digest))
      const payload = JSON.stringify({ tenant, sealed })
      await grants.put({ kind: name, digest, payload, expiresAt: endsAt, ...(wish !== undefined && { alias: wish }) })
    },
    find: async (kind, id) => opened(await grants.find(KINDS[kind], digestOf(id))),
    findByWish: async (wish) => opened(await grants.findByAlias(KINDS.ticket, wish)),
    take: async (kind, id) => opened(await grants.remove(KINDS[kind], digestOf(id))),
    mark: (id, number, endsAt) =>
      grants.add({ kind: FAILURE, digest: digestOf(`${number} ${id}`), payload: '{}', expiresAt: endsAt }),
  }
}

const digestOf = (secret: string): string => createHash('sha256').update(secret).digest('base64url')

const placeOf = (tenant: string, kind: string, digest: string): SealedPlace => ({
  tenant,
  table: 'grant_entry',
  column: 'payload',
  row: `${kind} ${digest}`,
})
