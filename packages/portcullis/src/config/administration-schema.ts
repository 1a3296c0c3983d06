/** `administration`: who looks after the gateway itself. */
import { z } from 'zod'
import { name } from './fields.ts'

export const administration = z.strictObject({
  tenant: name
    .optional()
    .describe(
      'Tenant whose administrators look after every tenant. Default: `default` where `tenants` lists none, and nobody where it lists some: then each looks after its own.',
    ),
})
