/** `retention` and `payloads`: how long records are kept, and of which tools more than digests. */
import { z } from 'zod'
import { count } from './fields.ts'

/** Of all tenants, or of one. */
export const retention = z
  .strictObject({
    days: count(1, 36_500).optional().describe('Records that are older are removed. Default: none is for its age.'),
    megabytes: count(1, 100_000_000)
      .optional()
      .describe('The oldest records are removed while those of a tenant take more. Default: none is for the size.'),
  })
  .describe(
    'How long audit records are kept; they go in whole files, never while a legal hold stands, and what is left still verifies. Default: for ever.',
  )

const kept = {
  arguments: z.boolean().optional().describe('Whether the arguments of calls are kept, sealed.'),
  results: z.boolean().optional().describe('Whether the results of calls are kept, sealed.'),
  maxBytes: count(256, 4_194_304)
    .optional()
    .describe('Of the JSON text of arguments or a result; what is longer is cut there. Default: 65536.'),
}

export const payloads = z
  .strictObject({
    ...kept,
    tools: z
      .record(
        z
          .string()
          .regex(/^[^\0\r\n]{1,256}$/)
          .meta({ title: 'the name of a tool as its upstream calls it' }),
        z.strictObject(kept),
      )
      .optional()
      .describe('Single tools, by the name that the upstream gives them. What is not said here is as for all of them.'),
  })
  .optional()
  .describe(
    "Arguments and results that are kept beside the audit records, sealed under the tenant's key, for auditors only. Default: digests alone.",
  )
