/** `identity` and `policy`: who may prove to be somebody, and where it is written what they may do. */
import { z } from 'zod'
import { server } from './server-schema.ts'
import { path, roleName, seconds, text } from './fields.ts'
import { certificates, dpop, introspection, scopes, senderConstrained } from './sender-schema.ts'
import { builtin } from './tenant-schema.ts'

/** Only asymmetric algorithms: with HS256 everybody who can verify a token can also make one. */
export const ALGORITHMS = [
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
  'PS256',
  'PS384',
  'PS512',
  'RS256',
  'RS384',
  'RS512',
] as const

const claim = z
  .union([text, z.array(text).min(1).max(10)])
  .meta({ title: 'the name of a claim, or a list of names that lead to a nested one' })

const httpsUrl = z
  .string()
  .regex(/^https:\/\/[^\s?#@]+$/)
  .meta({ title: 'an https URL without user, query and fragment' })

const issuer = z.strictObject({
  issuer: httpsUrl.describe('Issuer identifier, compared with `iss` character by character.'),
  jwksUri: httpsUrl.optional().describe('Where its keys are. Default: found by OpenID Connect discovery or RFC 8414.'),
  algorithms: z
    .array(z.enum(ALGORITHMS))
    .min(1)
    .default(['ES256', 'EdDSA', 'RS256'])
    .describe('Accepted signature algorithms.'),
  audiences: z
    .array(text)
    .min(1)
    .optional()
    .describe('Accepted audiences. Default: the resource identifier of the path that is called (RFC 8707).'),
  tenant: z
    .union([
      text,
      z.strictObject({
        claim: claim.describe('Claim that names the tenant.'),
        map: z.record(text, text).describe('Tenant for each value of the claim. Other values are refused.'),
      }),
    ])
    .meta({ title: 'a tenant, or { claim, map }' })
    .default('default')
    .describe('Tenant of the principals of this issuer.'),
  roles: z
    .strictObject({
      claim: claim.describe('Claim that lists the roles or groups.'),
      map: z.record(text, z.array(roleName)).describe('Roles for each value of the claim. Other values give no role.'),
    })
    .optional()
    .describe('How claims become roles.'),
  everyone: z.array(roleName).default([]).describe('Roles of everybody whom this issuer knows.'),
  subjectClaim: claim.optional().describe('Claim that names the principal. Default: `sub`.'),
  scopesClaim: claim.optional().describe('Claim that holds the OAuth scopes. Default: `scope`.'),
  introspection: introspection
    .optional()
    .describe('Accepts opaque tokens of this issuer, about which it is asked (RFC 7662). One issuer can have it.'),
  ca: path.optional().describe('Authorities to trust for this issuer beside the usual ones, PEM.'),
  clockSkewSeconds: seconds(0, 60).default(30).describe('Tolerated difference of the clocks.'),
  jwksTtlSeconds: seconds(60, 86_400).default(600).describe('How long fetched keys are used.'),
  tokenType: z
    .enum(['at+jwt', 'any'])
    .default('at+jwt')
    .describe(
      'Demanded `typ` of the token (RFC 9068). Weakness: `any` also takes tokens that were made for something else.',
    ),
})

export const identity = z.strictObject({
  apiKeys: z
    .strictObject({ enabled: z.boolean().default(true).describe('Whether API keys are accepted.') })
    .prefault({})
    .describe('Keys that `portcullis key` issues.'),
  issuers: z.array(issuer).max(20).default([]).describe('Outside issuers whose access tokens are accepted.'),
  server: server
    .optional()
    .describe(
      'The authorization server inside the gateway, below `/auth`: people sign in here. Default: there is none.',
    ),
  scopes,
  dpop: dpop.prefault({}).describe('Proofs of possession for tokens that are bound to a key (RFC 9449).'),
  certificates,
  senderConstrained,
})

export const policy = z.strictObject({
  files: z
    .array(path)
    .max(100)
    .default(['policies/*.cedar'])
    .describe('Cedar policies; `*` stands for any file name. What no policy permits is denied.'),
  roles: z
    .array(roleName)
    .max(200)
    .default(['admin', 'user'])
    .describe('Known roles. Policies and keys that name another one are refused.'),
  builtin,
})
