/** `listen.revocation`: where everybody learns which certificates of the local authority are revoked. */
import { z } from 'zod'
import { count, isMap, listenHost } from './fields.ts'
import { isLoopback } from './loopback.ts'

export const revocation = z
  .strictObject({
    host: listenHost.describe('Address to listen on. Anything but loopback also needs `url`.'),
    port: count(0, 65_535).default(8480).describe('TCP port; 0 lets the system choose, and needs `url`.'),
    url: z
      .string()
      .regex(/^http:\/\/(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(:\d{1,5})?$/)
      .meta({ title: 'an origin such as http://pki.example.org' })
      .optional()
      .describe('The origin by which others reach it; certificates name it. Default: that of `host` and `port`.'),
    plaintext: z
      .enum(['loopback-only', 'signed-answers'])
      .describe(
        'Weakness. It speaks plain HTTP, as RFC 5280 (§8) and RFC 6960 expect: what it says is signed, and to ask over TLS whether a certificate of TLS is good would go round in a circle. `loopback-only`: on a loopback address. `signed-answers`: anywhere; who watches the network sees about whom somebody asks.',
      ),
  })
  .refine((value) => value.plaintext !== 'loopback-only' || isLoopback(value.host), {
    path: ['plaintext'],
    message: 'loopback-only is for a loopback address; elsewhere say signed-answers',
    when: isMap,
  })
  .refine((value) => value.url !== undefined || (isLoopback(value.host) && value.port !== 0), {
    path: ['url'],
    message: 'certificates have to name where it is: needs a url',
    when: isMap,
  })
