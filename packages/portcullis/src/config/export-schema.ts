/** `exporters`: where audit records are sent, in which form, and what follows when they do not get there. */
import { z } from 'zod'
import { count, exactlyOne, headerName, isMap, name, path, seconds, secretSource, text } from './fields.ts'
import { isLoopback } from './loopback.ts'

const KINDS = [
  ...['call', 'outcome', 'refusal', 'change', 'access', 'accesses', 'process', 'approval', 'alert'],
  ...['start', 'stop', 'checkpoint', 'key', 'recovered'],
] as const

export const trust = {
  ca: path.optional().describe('Authorities to trust instead of the usual ones, PEM.'),
  certificate: path.optional().describe('Certificate to show to the receiver (mutual TLS), PEM. Needs `key`.'),
  key: path.optional().describe('Its private key, PEM, mode 0600.'),
}

export const bothOrNone = {
  check: (value: { readonly certificate?: string | undefined; readonly key?: string | undefined }) =>
    (value.certificate === undefined) === (value.key === undefined),
  params: { message: 'needs certificate and key, or neither', when: isMap },
}

const receiver = {
  url: z
    .string()
    .regex(/^https?:\/\/[^\s#@]+$/)
    .meta({ title: 'an https URL, or http on a loopback address with plaintext: loopback-only' }),
  ...trust,
  headers: z
    .record(headerName, secretSource)
    .default({})
    .describe('Headers to send, such as a token for the receiver. Values come from secret sources only.'),
  plaintext: z
    .literal('loopback-only')
    .optional()
    .describe('Weakness. Sends over plain http, to a loopback address only.'),
}

const nearOrTls = {
  check: (value: { readonly url: string; readonly plaintext?: string | undefined }) =>
    value.plaintext === undefined ? value.url.startsWith('https://') : isLoopback(hostOf(value.url)),
  params: {
    path: ['url'],
    message: 'has to be https; http is possible with plaintext: loopback-only, to a loopback address',
    when: isMap,
  },
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).hostname : ''
}

const file = z.strictObject({
  path: path.describe('File to append to, one record a line. Mode 0600.'),
  maxMegabytes: count(1, 100_000).default(100).describe('A file of this size is followed by another.'),
  keep: count(0, 1000)
    .default(10)
    .describe('How many earlier files stay, as `PATH.1`, `PATH.2` and so on. Older ones are removed.'),
})

const stdout = z.strictObject({})

const syslog = z
  .strictObject({
    host: z
      .string()
      .regex(/^[A-Za-z0-9.:-]{1,253}$/)
      .meta({ title: 'a host name or address' })
      .describe('Where the receiver is.'),
    port: count(1, 65_535).default(6514).describe('TCP port of syslog over TLS (RFC 5425).'),
    serverName: z
      .string()
      .regex(/^[A-Za-z0-9.:-]{1,253}$/)
      .meta({ title: 'a host name or address' })
      .optional()
      .describe('Name that the certificate of the receiver has to bear. Default: `host`.'),
    ...trust,
    facility: count(0, 23).default(13).describe('Facility of RFC 5424; 13 is `log audit`.'),
    enterpriseNumber: count(1, 4_294_967_295)
      .default(32_473)
      .describe(
        'Number in the names of structured data, `portcullis@NUMBER`. Default: the one for examples (RFC 5612).',
      ),
    acknowledgement: z
      .enum(['close', 'written'])
      .default('close')
      .describe(
        'Syslog has no answer. `close`: each delivery ends with the closing handshake of TLS, which follows only when the receiver has read all. Weakness: `written` keeps the connection, and what was on its way is lost when it breaks.',
      ),
  })
  .refine(bothOrNone.check, bothOrNone.params)

const otlp = z
  .strictObject({ ...receiver, url: receiver.url.describe('Such as `https://collector:4318/v1/logs`.') })
  .refine(bothOrNone.check, bothOrNone.params)
  .refine(nearOrTls.check, nearOrTls.params)

const webhook = z
  .strictObject({
    ...receiver,
    url: receiver.url.describe('Gets a POST with each batch.'),
    secrets: z
      .array(secretSource)
      .max(4)
      .default([])
      .describe('Keys that sign with HMAC-SHA-256, `whsec_` and 24 to 64 bytes in base64. Each gives a signature.'),
    signingKey: secretSource.optional().describe('Ed25519 key that signs too, PEM (PKCS #8).'),
  })
  .refine(bothOrNone.check, bothOrNone.params)
  .refine(nearOrTls.check, nearOrTls.params)
  .refine((value) => value.secrets.length > 0 || value.signingKey !== undefined, {
    message: 'needs secrets or signingKey: what is not signed could be from anybody',
    when: isMap,
  })

const sinkRule = exactlyOne<Record<'file' | 'stdout' | 'syslog' | 'otlp' | 'webhook', unknown>>(
  ...(['file', 'stdout', 'syslog', 'otlp', 'webhook'] as const),
)

const exporter = z
  .strictObject({
    format: z
      .enum(['json', 'ocsf', 'cef'])
      .default('json')
      .describe('`json` is the record as it stands in the chain; `ocsf` is OCSF 1.5.0; `cef` is CEF 0.'),
    tenants: z
      .array(text)
      .min(1)
      .optional()
      .describe('Only the chains of these; `@gateway` is that of the gateway itself. Default: all.'),
    kinds: z.array(z.enum(KINDS)).min(1).optional().describe('Only records of these kinds. Default: all.'),
    begin: z
      .enum(['oldest', 'newest'])
      .default('oldest')
      .describe('Whether a new exporter sends what is in the chains already.'),
    required: z
      .boolean()
      .default(false)
      .describe('Whether calls of a tenant are refused while its records are further behind than `maxLagSeconds`.'),
    maxLagSeconds: seconds(1, 86_400)
      .default(300)
      .describe('For `required`: how old the oldest record may be that waits.'),
    batch: z
      .strictObject({
        records: count(1, 10_000).default(500).describe('Records of one delivery.'),
        kilobytes: count(1, 65_536).default(1024).describe('Size of one delivery, as the records stand in the chain.'),
        waitMs: count(0, 60_000).default(500).describe('How long the first record after a pause waits for others.'),
      })
      .prefault({})
      .describe('How many records go together.'),
    deadlineSeconds: seconds(1, 600).default(15).describe('For one delivery; then it has failed.'),
    attempts: count(1, 100)
      .default(5)
      .describe('How often a record is sent that the receiver refuses for what it is; then it is put aside.'),
    file: file.optional().describe('A file on this machine.'),
    stdout: stdout.optional().describe('Standard output of the gateway, one record a line.'),
    syslog: syslog.optional().describe('Syslog (RFC 5424) over TLS (RFC 5425).'),
    otlp: otlp.optional().describe('Logs of OpenTelemetry over HTTP, JSON.'),
    webhook: webhook.optional().describe('Signed requests to a receiver (Standard Webhooks).'),
  })
  .refine((value) => sinkRule.check(value as Parameters<typeof sinkRule.check>[0]), sinkRule.params)

export const exporters = z
  .record(name, exporter)
  .default({})
  .describe(
    'Where audit records are sent, by a name for each place. They are sent at least once, in the order of each chain.',
  )
