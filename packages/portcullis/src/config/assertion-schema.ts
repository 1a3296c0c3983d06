/** `identity.server.assertions`: identity providers of enterprises whose assertions become tokens of ours (ID-JAG). */
import { z } from 'zod'
import { algorithms, claim, issuerId, jwksUri, rolesByClaims, tenantByClaims } from './claims-schema.ts'
import { isMap, path, roleName, seconds } from './fields.ts'

const scope = z
  .string()
  .regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/)
  .meta({ title: 'an OAuth scope: visible ASCII without space, quote and backslash' })

const issuer = z
  .strictObject({
    issuer: issuerId,
    jwksUri,
    algorithms,
    tenant: tenantByClaims,
    roles: rolesByClaims,
    everyone: z.array(roleName).default([]).describe('Roles of everybody for whom this issuer speaks.'),
    subjectClaim: claim.optional().describe('Claim that names the principal. Default: `sub`.'),
    account: z
      .union([
        z.literal('outside'),
        z.literal('linked'),
        z.strictObject({ claim: claim.describe('Claim that holds the name by which the account signs in.') }),
      ])
      .meta({ title: 'outside, linked, or { claim }' })
      .default('outside')
      .describe(
        'Who is meant: `outside` is somebody without an account here, with the roles that the claims give. `linked` is the account to which issuer and subject are linked, `claim` the one of that name; then the roles of the account count.',
      ),
    scopes: z
      .array(scope)
      .max(100)
      .optional()
      .describe('What it may hand out at most. Default: every scope of the server but those of the administration.'),
    maxSeconds: seconds(10, 3600).default(300).describe('How long an assertion may live. A longer one is refused.'),
    clockSkewSeconds: seconds(0, 60).default(30).describe('Tolerated difference of the clocks.'),
    ca: path.optional().describe('Authorities to trust for this issuer beside the usual ones, PEM.'),
  })
  .refine(({ account, roles, everyone }) => account === 'outside' || (roles === undefined && everyone.length === 0), {
    path: ['account'],
    message: 'an account has roles of its own; leave roles and everyone out',
    when: isMap,
  })

export const assertions = z
  .strictObject({
    issuers: z
      .array(issuer)
      .min(1)
      .max(20)
      .describe('Identity providers that are believed. Each may speak for the tenants that it is given, and no other.'),
    publicClients: z
      .literal('allowed')
      .optional()
      .describe(
        'Weakness. Clients without a secret or a key may present assertions: whoever has found one may use it.',
      ),
  })
  .describe('Identity assertions (ID-JAG) that a client exchanges for a short token, each once.')
