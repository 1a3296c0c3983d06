/**
 * What a webhook brings and how it is signed, after Standard Webhooks: `webhook-id`, `webhook-timestamp`, `webhook-signature`.
 *
 * Signed is `ID.TIMESTAMP.BODY`. The id is the same each time the same records are sent, so a receiver knows them again; the
 * time is that of the attempt, so an old request is worth nothing.
 */
import { createHash, createHmac, createPrivateKey, type KeyObject, sign } from 'node:crypto'
import type { Secret } from '../../core/secret.ts'
import type { Parcel } from './sink.ts'

export interface WebhookKeys {
  /** HMAC-SHA-256, `v1`. Two while one takes the place of the other. */
  readonly secrets: readonly Secret<Buffer>[]
  /** Ed25519 (RFC 8032), `v1a`. */
  readonly signingKey?: Secret<KeyObject>
}

export interface WebhookMessage {
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

/** `format` says what the texts are: those of CEF are strings in the body, all others JSON as it stands. `at` in milliseconds. */
export function webhookMessage(parcel: Parcel, format: string, keys: WebhookKeys, at: number): WebhookMessage {
  const body = webhookBody(parcel, format)
  const id = webhookId(parcel)
  const timestamp = String(Math.floor(at / 1_000))
  const signature = webhookSignature(`${id}.${timestamp}.${body}`, keys)
  return {
    body,
    headers: { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature },
  }
}

function webhookBody({ tenant, items }: Parcel, format: string): string {
  const texts = items.flatMap((item) => item.texts)
  const records = texts.map((text) => (format === 'cef' ? JSON.stringify(text) : text))
  const at = new Date(items[0]?.event.record.at ?? 0).toISOString()
  const ids = JSON.stringify(items.map(({ event }) => event.id))
  return `{"type":"portcullis.audit","timestamp":"${at}","data":{"tenant":${JSON.stringify(tenant)},"format":"${format}","ids":${ids},"records":[${records.join(',')}]}}`
}

/** A tenant's name may hold a dot, which divides what is signed. */
function webhookId({ items }: Parcel): string {
  const ids = items.map(({ event }) => event.id).join('\n')
  return `msg_${createHash('sha256').update(ids).digest('hex').slice(0, 40)}`
}

function webhookSignature(text: string, { secrets, signingKey }: WebhookKeys): string {
  const shared = secrets.map((secret) => `v1,${createHmac('sha256', secret.reveal()).update(text).digest('base64')}`)
  const own = signingKey && `v1a,${sign(null, Buffer.from(text), signingKey.reveal()).toString('base64')}`
  return [...shared, ...(own === undefined ? [] : [own])].join(' ')
}

const MIN_SECRET_BYTES = 24
const MAX_SECRET_BYTES = 64
const BASE64 = /^(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** The key that a `whsec_…` text stands for; undefined when it is none, or of another length than 24 to 64 bytes. */
export function webhookSecret(text: string): Buffer | undefined {
  const encoded = text.startsWith('whsec_') ? text.slice('whsec_'.length) : ''
  if (!BASE64.test(encoded)) return undefined
  const bytes = Buffer.from(encoded, 'base64')
  return bytes.length >= MIN_SECRET_BYTES && bytes.length <= MAX_SECRET_BYTES ? bytes : undefined
}

/** The key of a PEM text (PKCS #8); undefined when it is none, or of another kind than Ed25519. */
export function webhookSigningKey(text: string): KeyObject | undefined {
  try {
    const key = createPrivateKey(text)
    return key.asymmetricKeyType === 'ed25519' ? key : undefined
  } catch {
    return undefined
  }
}
