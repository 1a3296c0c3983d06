/** Decides how what the protocol library keeps lies in our store: by digest, without its secrets, each once. */
import { createHash, randomBytes } from 'node:crypto'
import type { Adapter, AdapterPayload } from 'oidc-provider'
import type { Clock } from '../../core/clock.ts'
import type { GrantEntry, GrantStore, StoredGrantEntry } from './grant-store.ts'

export interface StoredModelParts {
  readonly grants: GrantStore
  readonly clock: Clock
  /** A consent has ended: whatever stems from it is worth nothing from now on. */
  readonly onGrantEnded: (grantId: string, accountId: string | undefined) => Promise<void>
  /** An access token has ended before its time. */
  readonly onTokenEnded: (payload: AdapterPayload) => Promise<void>
  /** The error that a caller is told when something was used before. */
  readonly reused: () => Error
}

/** Ends with the process: a name for what was found by another one, so that it can be written again. */
const BY_DIGEST = `digest:${randomBytes(16).toString('hex')}:`

/** For the library, one for each of its models. */
export class StoredModel implements Adapter {
  readonly #kind: string
  readonly #parts: StoredModelParts

  constructor(kind: string, parts: StoredModelParts) {
    this.#kind = kind
    this.#parts = parts
  }

  async upsert(id: string, payload: AdapterPayload, expiresIn: number): Promise<void> {
    const { grants, clock, reused } = this.#parts
    const entry = entryOf(this.#kind, id, payload, clock.now() + expiresIn * 1000)
    if (this.#kind !== 'ReplayDetection') return grants.put(entry)
    if (!(await grants.add(entry))) throw reused()
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    return payloadOf(await this.#parts.grants.find(this.#kind, digestOf(id)), id)
  }

  async findByUid(uid: string): Promise<AdapterPayload | undefined> {
    return this.#byAlias(uid)
  }

  async findByUserCode(userCode: string): Promise<AdapterPayload | undefined> {
    const payload = await this.#byAlias(aliasOfUserCode(userCode))
    return payload && { ...payload, userCode }
  }

  /** What two present at once, one of them has stolen: the second ends the family, as if it had come later. */
  async consume(id: string): Promise<void> {
    const { grants, clock, reused } = this.#parts
    const digest = digestOf(id)
    if (await grants.consume(this.#kind, digest, clock.now())) return
    const payload = payloadOf(await grants.find(this.#kind, digest), id)
    if (payload?.grantId !== undefined) await endGrant(this.#parts, payload.grantId)
    throw reused()
  }

  async destroy(id: string): Promise<void> {
    const removed = payloadOf(await this.#parts.grants.remove(this.#kind, digestOf(id)), id)
    if (removed === undefined) return
    if (this.#kind === 'Grant') await this.#parts.onGrantEnded(id, removed.accountId)
    if (this.#kind === 'AccessToken' || this.#kind === 'ClientCredentials') await this.#parts.onTokenEnded(removed)
  }

  async revokeByGrantId(grantId: string): Promise<void> {
    await this.#parts.grants.removeGrant(grantId)
  }

  async #byAlias(alias: string): Promise<AdapterPayload | undefined> {
    const entry = await this.#parts.grants.findByAlias(this.#kind, alias)
    return entry && payloadOf(entry, `${BY_DIGEST}${entry.digest}`)
  }
}

/** Ends a consent with everything that stems from it. */
export async function endGrant(parts: StoredModelParts, grantId: string): Promise<void> {
  await parts.grants.removeGrant(grantId)
  await new StoredModel('Grant', parts).destroy(grantId)
}

/** The digest by which an entry is found. */
export function digestOf(id: string): string {
  if (id.startsWith(BY_DIGEST)) return id.slice(BY_DIGEST.length)
  return createHash('sha256').update(id).digest('base64url')
}

const aliasOfUserCode = (userCode: string): string => digestOf(`user code ${userCode}`)

function entryOf(kind: string, id: string, payload: AdapterPayload, expiresAt: number): GrantEntry {
  const digest = digestOf(id)
  const { userCode, uid, grantId, accountId } = payload
  const alias = userCode === undefined ? (kind === 'Session' ? uid : undefined) : aliasOfUserCode(userCode)
  return {
    kind,
    digest,
    payload: JSON.stringify(withoutSecrets(payload)).replaceAll(id, placeholder(digest)),
    expiresAt,
    ...(grantId !== undefined && kind !== 'Grant' && kind !== 'Interaction' && { grant: grantId }),
    ...(accountId !== undefined && { account: accountId }),
    ...(alias !== undefined && { alias }),
  }
}

/** `session.cookie` of an interaction is never read by the library, and it is a whole sign-in. */
function withoutSecrets({ userCode: _userCode, consumed: _consumed, ...payload }: AdapterPayload): object {
  const session: unknown = payload['session']
  if (typeof session !== 'object' || session === null || !('cookie' in session)) return payload
  const { cookie: _cookie, ...kept } = session
  return { ...payload, session: kept }
}

function payloadOf(entry: StoredGrantEntry | undefined, id: string): AdapterPayload | undefined {
  if (entry === undefined) return undefined
  const payload = JSON.parse(entry.payload.replaceAll(placeholder(entry.digest), id)) as AdapterPayload
  if (entry.consumedAt !== undefined) payload.consumed = Math.floor(entry.consumedAt / 1000)
  return payload
}

/** Nobody can have written it into a request: the digest is that of an id that did not exist yet. */
const placeholder = (digest: string): string => `{id ${digest}}`
