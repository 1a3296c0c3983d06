/** Decides how callers and tenants are told to a collector: not at all, by a digest that only this gateway can make, or by name. */
import { createHmac, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import type { IdentityWords } from '../audit/telemetry/server-span.ts'
import type { TelemetryConfig } from '../config/telemetry-target.ts'
import { Secret } from '../core/secret.ts'
import { readPrivate, writeWhole } from '../pki/private-file.ts'

const KEY_BYTES = 32
/** 96 bits: nobody meets the same by accident. */
const DIGEST_LENGTH = 16

/**
 * A digest without a key would be as good as the name: ids can be guessed. The key is made when first needed. Throws
 * PkiError when others can read it.
 */
export function identityWords(
  { principals, tenants }: Pick<TelemetryConfig, 'principals' | 'tenants'>,
  keyFile: string,
): IdentityWords {
  const key = principals === 'hashed' || tenants === 'hashed' ? keyOf(keyFile) : undefined
  const say = (word: 'omitted' | 'hashed' | 'named', name: string, of: string): string | undefined => {
    if (word === 'omitted') return undefined
    return word === 'named' || key === undefined ? name : digestOf(key, of)
  }
  return {
    principal: ({ id, tenant }) => say(principals, id, `principal\n${tenant}\n${id}`),
    tenant: (tenant) => say(tenants, tenant, `tenant\n${tenant}`),
  }
}

const digestOf = (key: Secret, text: string): string =>
  createHmac('sha256', key.reveal()).update(text).digest('base64url').slice(0, DIGEST_LENGTH)

function keyOf(file: string): Secret {
  if (!existsSync(file)) writeWhole(file, `${randomBytes(KEY_BYTES).toString('base64url')}\n`, 0o600)
  return new Secret(readPrivate(file).trim())
}
