/** `telemetry`: what is told to a collector of OpenTelemetry, and how little of it is about people. */
import { z } from 'zod'
import { bothOrNone, trust } from './export-schema.ts'
import { count, headerName, seconds, secretSource, text } from './fields.ts'

const identityWord = (of: string) =>
  z
    .enum(['omitted', 'hashed', 'named'])
    .default('omitted')
    .describe(
      `How ${of} told. \`hashed\`: by a digest under a key of this gateway, the same for the same one. Weakness: \`named\` tells the collector.`,
    )

const toolPattern = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,31}\/[^\0\r\n]{1,256}$/)
  .meta({ title: 'UPSTREAM/TOOL, or UPSTREAM/* for all of its tools' })

const sampling = z
  .strictObject({
    ratio: z.number().min(0).max(1).default(1).describe('Share of the calls that are traced, from 0 to 1.'),
    perSecond: count(1, 100_000).default(100).describe('Traces a second at most, whoever asked for them.'),
    callers: z
      .enum(['limited', 'ignored', 'trusted'])
      .default('limited')
      .describe(
        'What callers have to say. `limited`: their traces are joined, and their sampled flag adds traces within `callersPerSecond`. `ignored`: their traces are linked, not joined. Weakness: with `trusted` their flag decides, within `perSecond` alone.',
      ),
    callersPerSecond: count(0, 100_000)
      .default(5)
      .describe('For `limited`: traces a second that callers can add to those that we choose, all callers together.'),
  })
  .prefault({})
  .describe('Which calls are traced.')

const baggageKey = z
  .string()
  .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/)
  .meta({ title: 'a baggage key' })

const traces = z.strictObject({
  sampling,
  baggage: z
    .array(baggageKey)
    .max(50)
    .default([])
    .describe('Keys of the baggage of callers that go on to upstreams. All others end here.'),
  content: z
    .strictObject({
      arguments: z
        .array(toolPattern)
        .max(200)
        .default([])
        .describe(
          'Weakness. Tools whose arguments are told, but for what is masked, a secret by its role, or looks like one.',
        ),
      results: z
        .array(toolPattern)
        .max(200)
        .default([])
        .describe('Weakness. Tools whose results are told, but for what looks like a secret.'),
      maxCharacters: count(16, 65_536).default(4096).describe('Of each; what is longer is cut.'),
    })
    .prefault({})
    .describe('Arguments and results in spans.'),
  queue: z
    .strictObject({
      spans: count(64, 65_536)
        .default(4096)
        .describe('Spans that wait for the collector; further ones are lost, and counted.'),
      megabytes: count(1, 256).default(8).describe('Their length, at most.'),
    })
    .prefault({})
    .describe('How much waits while the collector does not answer.'),
})

const metrics = z.strictObject({
  everySeconds: seconds(1, 3600).default(60).describe('How often they are sent.'),
})

const logs = z.strictObject({
  level: z
    .enum(['debug', 'info', 'warn', 'error'])
    .default('info')
    .describe('From which level on entries are sent, whatever level is written to standard error.'),
  queue: z
    .strictObject({
      entries: count(64, 65_536)
        .default(2048)
        .describe('Entries that wait for the collector; further ones are lost, and counted.'),
      megabytes: count(1, 64).default(4).describe('Their length, at most.'),
    })
    .prefault({})
    .describe('How much waits while the collector does not answer.'),
})

export const telemetry = z
  .strictObject({
    endpoint: z
      .string()
      .regex(/^https?:\/\/[^\s#@?]+$/)
      .meta({ title: 'an https URL, or http on a loopback address with plaintext: loopback-only' })
      .optional()
      .describe(
        'Collector that speaks OTLP over HTTP, such as `https://collector:4318`; `/v1/traces`, `/v1/metrics` and `/v1/logs` are added. Default: the environment variable OTEL_EXPORTER_OTLP_ENDPOINT, and with it OTEL_EXPORTER_OTLP_HEADERS.',
      ),
    plaintext: z
      .literal('loopback-only')
      .optional()
      .describe('Weakness. Sends over plain http, to a loopback address only.'),
    ...trust,
    headers: z
      .record(headerName, secretSource)
      .default({})
      .describe('Headers to send, such as a token for the collector. Values come from secret sources only.'),
    deadlineSeconds: seconds(1, 60)
      .default(10)
      .describe('For one request to the collector. No call ever waits for it.'),
    serviceName: text.optional().describe('`service.name`. Default: OTEL_SERVICE_NAME, or `portcullis`.'),
    principals: identityWord('callers are'),
    tenants: identityWord('tenants are'),
    traces: traces.optional().describe('A trace of each call. Default: none.'),
    logs: logs
      .optional()
      .describe(
        'The log of the gateway itself, without secrets and personal data, as it is written. Default: not sent.',
      ),
    metrics: metrics.optional().describe('What `/metrics` shows, sent at regular times. Default: not sent.'),
  })
  .refine(bothOrNone.check, bothOrNone.params)
  .optional()
  .describe('What is sent to a collector of OpenTelemetry (OTLP over HTTP, JSON). Default: nothing.')
