/** What every outside issuer is described by: its identifier, its algorithms, and what its claims mean here. */
import { z } from 'zod'
import { TOKEN_ALGORITHMS } from '../core/token-algorithms.ts'
import { roleName, text } from './fields.ts'

export const claim = z
  .union([text, z.array(text).min(1).max(10)])
  .meta({ title: 'the name of a claim, or a list of names that lead to a nested one' })

export const httpsUrl = z
  .string()
  .regex(/^https:\/\/[^\s?#@]+$/)
  .meta({ title: 'an https URL without user, query and fragment' })

export const issuerId = httpsUrl.describe('Issuer identifier, compared with `iss` character by character.')

export const jwksUri = httpsUrl
  .optional()
  .describe('Where its keys are. Default: found by OpenID Connect discovery or RFC 8414.')

export const algorithms = z
  .array(z.enum(TOKEN_ALGORITHMS))
  .min(1)
  .default(['ES256', 'EdDSA', 'RS256'])
  .describe('Accepted signature algorithms.')

export const tenantByClaims = z
  .union([
    text,
    z.strictObject({
      claim: claim.describe('Claim that names the tenant.'),
      map: z.record(text, text).describe('Tenant for each value of the claim. Other values are refused.'),
    }),
  ])
  .meta({ title: 'a tenant, or { claim, map }' })
  .default('default')
  .describe('Tenant of the principals of this issuer.')

export const rolesByClaims = z
  .strictObject({
    claim: claim.describe('Claim that lists the roles or groups.'),
    map: z.record(text, z.array(roleName)).describe('Roles for each value of the claim. Other values give no role.'),
  })
  .optional()
  .describe('How claims become roles.')
