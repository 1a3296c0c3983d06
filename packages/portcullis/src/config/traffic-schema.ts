/** `traffic`, and what of `limits` watches over the health of upstreams and of the gateway: from whom, how often, and when no more. */
import { z } from 'zod'
import { address, count, isMap, name, path, seconds, secretSource, text } from './fields.ts'
import { isLoopback } from './loopback.ts'

const ruleFields = {
  permits: count(1, 10_000_000).describe('Permits that are added in each period.'),
  perSeconds: seconds(1, 86_400).default(1).describe('Length of the period.'),
  burst: count(1, 10_000_000).describe('Permits that can be saved up.'),
}

const rule = z.strictObject(ruleFields)

const rate = (permits: number, burst: number) =>
  z
    .strictObject({
      permits: ruleFields.permits.default(permits).describe('Permits that are added in each period.'),
      perSeconds: ruleFields.perSeconds,
      burst: ruleFields.burst.default(burst).describe('Permits that can be saved up.'),
    })
    .prefault({})

/** A tool by its name on the aggregate path. */
const toolName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,31}__[^\0\r\n]{1,256}$/)
  .meta({ title: 'a tool by its name on the aggregate path, such as files__write' })

const tool = z.strictObject({
  cost: count(1, 10_000).default(1).describe('Permits that one call takes of its caller and of its upstream.'),
  rate: rule.optional().describe('Calls of this tool, all callers together. Default: as many as the others allow.'),
})

const rates = z.strictObject({
  perAddress: rate(200, 400).describe('Requests of one address; counted before sign-in.'),
  perPrincipal: rate(100, 200).describe('Requests of one principal.'),
  perClient: rule.optional().describe('Requests of one OAuth client, all its users together. Default: no limit.'),
  upstreams: z.record(name, rule).default({}).describe('Requests for an upstream, all callers together, by its name.'),
  tools: z.record(toolName, tool).default({}).describe('What tools cost, and how often they may be called.'),
})

const kind = z.enum(['address', 'country', 'principal', 'client', 'key', 'tool', 'upstream'])

const entry = z.strictObject({
  kind: kind.describe('What `value` names.'),
  value: text.describe('Such as `192.0.2.0/24`, `NL`, `user:…`, `files__write`.'),
  tenant: name.optional().describe('The tenant that it concerns. Default: all. Not for addresses and countries.'),
  reason: text.default('configured').describe('For the record; no caller reads it.'),
  until: z.iso
    .datetime({ offset: true })
    .meta({ title: 'an instant such as 2026-01-31T12:00:00Z' })
    .optional()
    .describe('After this it does not count any more. Default: for ever.'),
})

const listFile = z.strictObject({
  file: path.describe(
    'The file. It is read again when it changes; one that cannot be read leaves the entries as they were.',
  ),
  effect: z
    .enum(['block', 'allow'])
    .default('block')
    .describe('Whether its entries are refused, or the only ones served.'),
  format: z
    .enum(['lines', 'csv', 'json-lines'])
    .default('lines')
    .describe('`lines`: one value a line. `csv`: a head names columns. `json-lines`: one object a line.'),
  kind: kind.default('address').describe('What the values of entries name that do not say it themselves.'),
  reason: text.default('listed in a file').describe('Of entries that give none.'),
})

const lists = z.strictObject({
  blocked: z.array(entry).max(10_000).default([]).describe('Who and what is refused.'),
  allowed: z
    .array(entry)
    .max(10_000)
    .default([])
    .describe('If any are listed of callers, places or targets, only these are served.'),
  files: z.array(listFile).max(50).default([]).describe('Files of entries, up to five million each.'),
  countries: path
    .optional()
    .describe('A file of lines `network,country` that says in which country an address is. None is brought along.'),
})

const redis = z
  .strictObject({
    url: z
      .string()
      .regex(/^rediss?:\/\/(\[[0-9a-f:.]+\]|[A-Za-z0-9.-]+)(:\d{1,5})?(\/\d{1,4})?$/)
      .meta({ title: 'a URL such as rediss://redis.example.com:6379/0, without user and password' })
      .describe('Redis or Valkey, one server or one with replicas.'),
    plaintext: z
      .literal('loopback-only')
      .optional()
      .describe('Weakness. Allows redis:// without TLS, which is possible to a loopback address only.'),
    ca: path.optional().describe('Authorities to trust instead of the usual ones, PEM. TLS 1.3 only.'),
    username: text.optional().describe('User of the access control list of Redis.'),
    password: secretSource.optional().describe('Password of that user, or of the server.'),
    timeoutMs: count(10, 10_000).default(500).describe('How long Redis may take for an answer, in milliseconds.'),
    onLoss: z
      .enum(['refuse', 'local'])
      .default('refuse')
      .describe('While Redis does not answer. Weakness: with `local` each node counts alone, so more passes in all.'),
  })
  .refine((value) => !isPlain(value.url) || value.plaintext !== undefined, {
    path: ['url'],
    message: 'redis:// needs plaintext: loopback-only; otherwise write rediss://',
    when: isMap,
  })
  .refine((value) => !isPlain(value.url) || isLoopback(hostOf(value.url)), {
    path: ['url'],
    message: 'redis:// is possible to a loopback address only',
    when: isMap,
  })

export const traffic = z.strictObject({
  rate: rates.prefault({}).describe('How many requests per time.'),
  redis: redis
    .optional()
    .describe('Where the limits of all nodes are counted together. Default: each node counts alone.'),
  blocked: z.array(address).max(10_000).default([]).describe('Addresses and networks that are refused.'),
  allowed: z.array(address).max(10_000).default([]).describe('If any are listed, only these are served.'),
  lists: lists.prefault({}).describe('Block and allow lists.'),
})

export const breakers = z
  .strictObject({
    failures: count(0, 10_000)
      .default(10)
      .describe('Failures in ten seconds that are too many; 0 switches breakers off.'),
    ratio: z
      .number()
      .min(0.05)
      .max(1)
      .default(0.5)
      .describe('Part of the calls, and of those who call, that must have failed, too.'),
    openSeconds: seconds(1, 3_600)
      .default(5)
      .describe(
        'How long an upstream is left alone before one call tries it; twice as long after each failed try, up to a minute.',
      ),
  })
  .prefault({})
  .describe('When an upstream that fails is left alone.')

export const adaptive = z
  .strictObject({
    min: count(1, 10_000).default(4).describe('Calls at once that are always allowed.'),
    max: count(1, 10_000).default(256).describe('Calls at once that are never exceeded.'),
    tolerance: z.number().min(1).max(10).default(2).describe('How much slower than usual answers may become.'),
  })
  .refine((value) => value.min <= value.max, { path: ['min'], message: 'must not be above max', when: isMap })
  .optional()
  .describe('Calls at once of each upstream, fewer when its answers become slow. Default: no such limit.')

export const overload = z
  .strictObject({
    lagMs: count(0, 60_000)
      .default(1_000)
      .describe(
        'Lag of the event loop, in milliseconds, from which on new streams are refused; calls from twice as much, administration and hellos from ten times as much. 0 switches it off.',
      ),
    queue: z
      .number()
      .min(0)
      .max(1)
      .default(0.75)
      .describe('Part of the queue of calls that may be full before new streams are refused.'),
  })
  .prefault({})
  .describe('When the gateway itself has too much to do.')

const isPlain = (url: unknown): boolean => typeof url === 'string' && url.startsWith('redis://')

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).hostname : ''
}
