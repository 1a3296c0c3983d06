/** `tenants`: what each of them has. Without the key all tenants have everything, and the same rules. */
import { z } from 'zod'
import { count, name, path, roleName, seconds } from './fields.ts'
import { tenantMasking } from './masking-schema.ts'
import { retention } from './retention-schema.ts'

/** The roles that need no policy of the operator's own. */
export const READY_MADE = ['administrator', 'operator', 'auditor', 'user', 'reader'] as const

export const builtin = z
  .array(z.enum(READY_MADE))
  .default([])
  .describe('Ready-made roles that are in force; they are known without being listed in `roles`.')

const limits = z.strictObject({
  concurrency: count(1, 100_000)
    .optional()
    .describe('Calls at once of all its principals. Default: as many as of all.'),
  rate: z
    .strictObject({
      permits: count(1, 10_000_000).describe('Permits that are added in each period.'),
      perSeconds: seconds(1, 86_400).default(1).describe('Length of the period.'),
      burst: count(1, 10_000_000).describe('Permits that can be saved up.'),
    })
    .optional()
    .describe('Requests of all its principals. Default: as many as they may send each.'),
})

const tenant = z.strictObject({
  upstreams: z
    .array(name)
    .max(1_000)
    .describe('Upstreams that exist for this tenant. Any other looks to it like one that does not exist.'),
  policy: z
    .strictObject({
      files: z
        .array(path)
        .max(100)
        .default([])
        .describe('Cedar policies that decide about calls of this tenant alone, beside those of all.'),
      roles: z.array(roleName).max(200).default([]).describe('Roles of this tenant alone, beside those of all.'),
      builtin,
    })
    .prefault({})
    .describe('Who may do what in this tenant.'),
  limits: limits.prefault({}).describe('How much the whole tenant may use.'),
  masking: tenantMasking
    .optional()
    .describe('What is done about secrets and personal data of its calls, before what any other place says.'),
  retention: retention.optional().describe('Of its audit records, instead of `audit.retention`.'),
})

export const tenants = z
  .record(name, tenant)
  .optional()
  .describe(
    'Tenants by name. If any are listed, a credential of another one finds nothing. Default: all have everything.',
  )
