/** Signed messages (RFC 9421): whose keys are believed, who has to sign, and what the gateway signs itself. */
import { z } from 'zod'
import { exactlyOne, isMap, path, roleName, seconds, secretSource, text } from './fields.ts'

const keyId = z
  .string()
  .regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/)
  .meta({ title: 'the name of a key: visible ASCII without space, quote and backslash' })

const algorithm = z
  .enum(['ed25519', 'ecdsa-p256-sha256', 'rsa-pss-sha512', 'hmac-sha256'])
  .describe('The one algorithm that the key is for. RSA needs 2048 bits, a shared secret 32 bytes.')

const publicPlaces = {
  id: keyId.describe('Name of the key, as in `keyid`.'),
  algorithm,
  publicKey: path.optional().describe('Public key, PEM.'),
  jwks: path.optional().describe('JSON Web Key Set; the key in it whose `kid` is the name of the key.'),
  secret: secretSource.optional().describe('Shared secret, for `hmac-sha256` alone.'),
}

interface Places {
  readonly publicKey?: unknown
  readonly jwks?: unknown
  readonly secret?: unknown
  readonly algorithm?: unknown
}

const onePlace = exactlyOne<Places>('publicKey', 'jwks', 'secret')

/** With a published key as its secret everybody could sign. */
const fits = ({ algorithm: name, secret }: Places): boolean => (name === 'hmac-sha256') === (secret !== undefined)
const FITS = {
  path: ['algorithm'],
  message: 'hmac-sha256 goes with secret, every other one with a public key',
  when: isMap,
}

const ownerRule = exactlyOne<{ principal?: unknown; client?: unknown; credential?: unknown }>(
  'principal',
  'client',
  'credential',
)

const clientKey = z
  .strictObject({
    ...publicPlaces,
    tenant: text.default('default').describe('Tenant of the caller.'),
    principal: text.optional().describe('Id of the principal that signs with it, as the record shows it.'),
    client: text.optional().describe('OAuth client that signs with it, as the record shows it.'),
    credential: text.optional().describe('Id of the API key beside which it signs.'),
  })
  .refine(onePlace.check, onePlace.params)
  .refine(fits, FITS)
  .refine(ownerRule.check, ownerRule.params)

const ownKey = z.strictObject({
  id: keyId.describe('Name of the key, as in `keyid`.'),
  algorithm,
  key: secretSource.describe('Private key, PEM; for `hmac-sha256` the shared secret.'),
})

export const signatures = z.strictObject({
  keys: z
    .array(clientKey)
    .max(1_000)
    .default([])
    .describe('Keys with which callers sign. Each belongs to one caller; nobody else can use it.'),
  tag: z
    .string()
    .regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,64}$/)
    .meta({ title: 'a word of visible ASCII without quote and backslash' })
    .default('mcp')
    .describe('`tag` of signatures that are meant for the gateway. Those with another tag are not looked at.'),
  maxAgeSeconds: seconds(5, 300).default(60).describe('How long a signature is good after `created`.'),
  clockSkewSeconds: seconds(0, 30).default(5).describe('How far the clock of a signer may be ahead.'),
  required: z
    .strictObject({
      roles: z.array(roleName).default([]).describe('Roles whose requests have to be signed.'),
      routes: z
        .array(z.enum(['aggregate', 'administration']))
        .default([])
        .describe('Paths on which all requests have to be signed: `/mcp`, and those of the administration.'),
    })
    .prefault({})
    .describe('Who has to sign. For all callers of an upstream: `upstreams.NAME.signatures.callers`.'),
  answers: ownKey
    .extend({
      roles: z.array(roleName).default([]).describe('Roles whose answers are always signed.'),
    })
    .optional()
    .describe('Key with which answers are signed for those who ask by `Accept-Signature`. Default: none are signed.'),
})

export const upstreamSignatures = z
  .strictObject({
    callers: z
      .enum(['required', 'optional'])
      .default('optional')
      .describe('`required`: only signed requests open it, and the aggregate path beside it.'),
    answers: z
      .enum(['always', 'asked'])
      .default('asked')
      .describe('Whether answers on its path are signed without being asked.'),
    requests: ownKey.optional().describe('Key with which the gateway signs what it sends to the upstream.'),
    expect: z
      .strictObject(publicPlaces)
      .refine(onePlace.check, onePlace.params)
      .refine(fits, FITS)
      .optional()
      .describe('Key of the upstream. What it has not signed, as the answer to the very request, is refused.'),
  })
  .refine(({ requests, expect }) => expect === undefined || requests !== undefined, {
    path: ['expect'],
    message: 'needs requests: an answer is bound to the signature of its request',
    when: isMap,
  })
