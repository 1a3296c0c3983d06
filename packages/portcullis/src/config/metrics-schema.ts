/** `listen.metrics`: where the gateway tells those who run it how it fares. */
import { z } from 'zod'
import { count, hostName, isMap, listenHost, secretSource } from './fields.ts'
import { isLoopback } from './loopback.ts'

export const metrics = z
  .strictObject({
    host: listenHost.describe('Address to listen on. Anything but loopback also needs `token`.'),
    port: count(0, 65_535).default(9464).describe('TCP port; 0 lets the system choose.'),
    plaintext: z
      .literal('loopback-only')
      .optional()
      .describe(
        'Weakness. Listen without TLS, on a loopback address only. Default: TLS under the certificate of `listen.tls`.',
      ),
    token: secretSource
      .optional()
      .describe('Bearer token that `/metrics` demands, at least 16 characters. `/healthz` and `/readyz` never do.'),
    allowedHosts: z
      .array(hostName)
      .max(50)
      .default([])
      .describe('Further values of the Host header that are served (against DNS rebinding).'),
  })
  .refine((value) => value.plaintext === undefined || isLoopback(value.host), {
    path: ['plaintext'],
    message: 'plaintext is possible on a loopback address only',
    when: isMap,
  })
  .refine((value) => isLoopback(value.host) || value.token !== undefined, {
    path: ['token'],
    message: 'an address that others can reach needs a token',
    when: isMap,
  })
