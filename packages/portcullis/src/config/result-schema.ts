/** `inspection.results`: what is done about answers of upstreams beside verdicts, for all, one upstream, or one tool. */
import { z } from 'zod'
import { count, isMap, path, secretSource } from './fields.ts'
import { isLoopback } from './loopback.ts'

const shared = {
  ui: z
    .enum(['keep', 'source', 'refuse'])
    .optional()
    .describe(
      'Resources of `ui://`, programs for the sandboxed frame of a client: as they are and on record, as source that nobody runs, or not at all. Default: `keep`.',
    ),
  spotlight: z
    .enum(['none', 'delimiters', 'datamarking'])
    .optional()
    .describe(
      'Marks texts that tools return as data, for the model: between two marks, or word by word. Structured content stays as it is. Default: `none`.',
    ),
  mark: z
    .boolean()
    .optional()
    .describe(
      'Tells the caller, in `_meta`, the verdict and the incident of a result in which something was found. Default: no.',
    ),
}

const classifier = z
  .strictObject({
    url: z
      .string()
      .regex(/^https?:\/\/[^\s#@]+$/)
      .meta({ title: 'an https URL, or http on a loopback address' })
      .describe(
        'Gets `{ "texts": [...] }` by POST and answers `{ "scores": [...] }`, from 0 to 1. Texts of results leave the gateway for it.',
      ),
    ca: path.optional().describe('Authorities to trust instead of the usual ones, PEM.'),
    token: secretSource.optional().describe('Sent as a bearer token.'),
    timeoutMs: count(50, 30_000).default(2_000).describe('For one request with up to 16 windows.'),
    threshold: z.number().gt(0).max(1).default(0.9).describe('A window with this score or a higher one counts.'),
    windowChars: count(64, 512).default(400).describe('Length of a window in characters.'),
    overlapChars: count(0, 256).default(100).describe('What two neighbouring windows share.'),
    maxWindows: count(1, 10_000).default(512).describe('A longer text is not shown whole; `onError` follows.'),
    concurrency: count(1, 64).default(4).describe('Requests at once.'),
    verdict: z
      .enum(['annotate', 'ask', 'refuse'])
      .default('refuse')
      .describe(
        'What follows at least. A result cannot be asked about: `ask` refuses it. Weakness: `annotate` lets the text through.',
      ),
    onError: z
      .enum(['annotate', 'ask', 'refuse'])
      .default('refuse')
      .describe('What follows when it does not answer in time. Weakness: `annotate` lets the text through.'),
  })
  .refine((value) => !value.url.startsWith('http://') || isLoopback(hostOf(value.url)), {
    path: ['url'],
    message: 'http is possible to a loopback address only',
    when: isMap,
  })
  .refine((value) => value.overlapChars < value.windowChars, {
    path: ['overlapChars'],
    message: 'is not smaller than windowChars',
    when: isMap,
  })

/** Of everything. */
export const results = z.strictObject({
  ...shared,
  canaries: z
    .array(secretSource)
    .max(256)
    .default([])
    .describe(
      'Strings of at least eight characters that must never pass, in an argument or in a result, however they are encoded.',
    ),
  classifier: classifier
    .optional()
    .describe('An outside classifier of injections. It raises verdicts and lowers none.'),
})

/** Of one upstream. */
export const upstreamResults = z.strictObject(shared)

/** Of one tool. */
export const toolResults = z.strictObject({
  ...shared,
  marked: z
    .array(
      z
        .string()
        .regex(/^(?:\/[^\0\r\n/]{0,256}){1,32}$/)
        .meta({ title: 'a JSON pointer such as /rows/*/html' }),
    )
    .max(256)
    .optional()
    .describe(
      'Strings of its structured content that somebody displays; they are cleaned like text. All others stay as they are.',
    ),
})

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).hostname : ''
}
