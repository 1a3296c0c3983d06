/** `listen`: where clients reach the gateway, and under which certificate. */
import { z } from 'zod'
import { count, hostName, isMap, listenHost, origin, path } from './fields.ts'
import { isLoopback } from './loopback.ts'
import { metrics } from './metrics-schema.ts'
import { revocation } from './revocation-schema.ts'
import { clientCertificates } from './sender-schema.ts'
import { revocationNetworks } from './validation-schema.ts'

const tls = z
  .strictObject({
    authority: z
      .literal('local')
      .optional()
      .describe(
        '`local`: the gateway issues its own short-lived certificate from an authority that it keeps in `state`.',
      ),
    names: z
      .array(
        z
          .string()
          .regex(/^[a-z0-9.:-]+$/)
          .meta({ title: 'a host name or address in lower case' }),
      )
      .max(50)
      .optional()
      .describe('Further names and addresses for the local certificate, beside localhost, 127.0.0.1 and ::1.'),
    certificate: z
      .strictObject({ file: path.describe('PEM, the leaf first.') })
      .optional()
      .describe('Your own certificate with its chain, PEM.'),
    key: z
      .strictObject({ file: path.describe('PEM, without a passphrase.') })
      .optional()
      .describe('The key of that certificate, PEM, mode 0600.'),
    staple: z
      .enum(['auto', 'off'])
      .default('auto')
      .describe(
        '`auto`: when your certificate names an OCSP responder, its answer is fetched, renewed and sent with every handshake.',
      ),
    minVersion: z
      .enum(['TLSv1.3', 'TLSv1.2'])
      .default('TLSv1.3')
      .describe(
        'Oldest TLS that is spoken. Weakness: `TLSv1.2`, for clients that know nothing newer; with ECDHE and authenticated encryption alone.',
      ),
    http2: z
      .enum(['on', 'off'])
      .default('on')
      .describe('`off`: clients get HTTP/1.1 even when they could speak HTTP/2.'),
    revocationNetworks,
    clientCertificates: clientCertificates.optional(),
  })
  .refine((value) => (value.authority === undefined) !== (value.certificate === undefined && value.key === undefined), {
    message: 'needs either authority: local, or certificate and key',
    when: isMap,
  })
  .refine((value) => (value.certificate === undefined) === (value.key === undefined), {
    message: 'certificate and key belong together',
    when: isMap,
  })
  .refine((value) => value.names === undefined || value.certificate === undefined, {
    path: ['names'],
    message: 'names are for the local authority; your own certificate has its names already',
    when: isMap,
  })
  .meta({ title: '{ authority: local } or { certificate: { file }, key: { file } }' })

export const listen = z
  .strictObject({
    host: listenHost.describe('Address to listen on. Anything but loopback also needs `publicUrl`.'),
    port: count(0, 65_535).default(8443).describe('TCP port; 0 lets the system choose.'),
    tls: tls.optional().describe('Certificate of the listener. Default: `{ authority: local }`.'),
    plaintext: z
      .literal('loopback-only')
      .optional()
      .describe('Weakness. Listen without TLS, which is possible on a loopback address only.'),
    publicUrl: origin
      .optional()
      .describe('The origin by which clients reach the gateway. Tokens must name it as their audience.'),
    allowedHosts: z
      .array(hostName)
      .max(50)
      .default([])
      .describe('Further values of the Host header that are served (against DNS rebinding).'),
    allowedOrigins: z
      .array(origin)
      .max(50)
      .default([])
      .describe('Origins of browser pages that may call. None by default: programs send no Origin.'),
    metrics: metrics
      .optional()
      .describe('Another listener, with `/metrics` for Prometheus, `/healthz` and `/readyz`. Default: none.'),
    revocation: revocation
      .optional()
      .describe(
        'Another listener, with the revocation lists and the OCSP responder of the local authority. Its certificates name it, and that of the gateway comes with its answer. Default: none.',
      ),
  })
  .refine((value) => value.plaintext === undefined || value.tls === undefined, {
    path: ['plaintext'],
    message: 'plaintext and tls exclude each other',
    when: isMap,
  })
  .refine((value) => value.plaintext === undefined || isLoopback(value.host), {
    path: ['plaintext'],
    message: 'plaintext is possible on a loopback address only',
    when: isMap,
  })
  .refine((value) => isLoopback(value.host) || value.publicUrl !== undefined, {
    path: ['publicUrl'],
    message: 'an address that others can reach needs a publicUrl',
    when: isMap,
  })
