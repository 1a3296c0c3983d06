/**
 * Decides whether a URL carries something out: a place where a reader is told to put what it knows, or what looks like data
 * that somebody has already put there.
 */

export type Payload = 'template' | 'encoded' | 'long' | undefined

/** A hole to be filled in: `{{secret}}`, `${data}`, `[CONVERSATION]`, `<summary>`, `%s`, `YOUR_DATA`, encoded or not. */
const TEMPLATE =
  /(?:\{\{?|%7b|\$\{|\$\()\s*[\w .-]{2,60}\s*(?:\}|%7d|\))|(?:\[|%5b|<|%3c|&lt;|=_*)(?:[a-z_ -]{0,20}(?:secret|password|conversation|history|messages?|summary|context|prompt|data|contents?|token|key|info(?:rmation)?|email|answer|response|result|query|text|here|base64)[a-z_ -]{0,20})(?:\]|%5d|>|%3e|&gt;|_here\b)/i
/** A run in the alphabet of base64 or hex so long that no word and few ids have it. */
const RUN = /[A-Za-z0-9+/_-]{48,}={0,2}/g
const HEX_RUN = /(?:[0-9a-f]{2}){20,}/i
const PERCENT_RUN = /(?:%[0-9a-f]{2}){8,}|(?:%[0-9a-f]{2}[\w.-]{0,12}){24,}/i
/** Text as one writes it, in a query: words with blanks. */
const SENTENCE = /=(?:[A-Za-z]{2,20}(?:\+|%20)){6,}/
const MAX_PLAIN_LENGTH = 400

/** Of a URL as it stands, up to 8 KB of it. */
export function payloadOf(url: string): Payload {
  const text = url.slice(0, 8_192)
  if (TEMPLATE.test(text)) return 'template'
  const carried = text.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, (origin) =>
    isEncodedHost(origin) ? `${origin} ` : ' ',
  )
  for (const run of carried.match(RUN) ?? []) if (isMixed(run)) return 'encoded'
  if (isEncodedHost(text) || HEX_RUN.test(carried) || PERCENT_RUN.test(carried) || SENTENCE.test(carried))
    return 'encoded'
  return carried.length > MAX_PLAIN_LENGTH ? 'long' : undefined
}

/** Data leaves by the name of a host too, for the DNS asks the owner of the domain: one label so long is no name. */
const isEncodedHost = (url: string): boolean => /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#]*[.@])?[a-z0-9-]{40,}\./i.test(url)

/** Paths are words with dashes and slashes; what is encoded has capitals, small letters and digits in between. */
function isMixed(run: string): boolean {
  const words = run.split(/[-_/]/)
  if (words.length > run.length / 12) return false
  return /[a-z]/.test(run) && /[A-Z]/.test(run) && /\d/.test(run)
}
