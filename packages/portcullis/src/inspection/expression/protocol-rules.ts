/** Forms that query languages, XML parsers and line-based protocols act upon. */
import type { GatedRule } from '../../core/gated-rules.ts'

/** Encoded line ends: nobody writes them into a value but to become one later. U+560A and U+560D lose their upper byte somewhere. */
const LINE_END = String.raw`(?:%0[ad]|%u000[ad]|%25%30%4\d|%250[ad]|%e5%98%8[ad]|\\[rn]|&#1[03];?|&#x[ad];?|\u560a|\u560d)`
const HEADERS = String.raw`(?:set-cookie2?|location|content-(?:type|length|disposition|security-policy|encoding)|transfer-encoding|refresh|access-control-[\w-]+|x-[\w-]{2,30}|host|referer|cookie|link|http\/[\d.]+\s)`
const MAIL = String.raw`(?:rcpt\s+to\s*:|mail\s+from\s*:|ehlo\s+[\w.-]|helo\s+[\w.-]|data(?:\s|$)|quit(?:\s|$)|rset(?:\s|$)|bcc\s*:|(?:[a-z]\w{0,4}\s+)?(?:capability|fetch|append|examine|authenticate|status|uid|retr|store)\s+[\w"<(]|\w{1,5}\s+(?:quit|logout|noop))`

export const PROTOCOL_RULES: readonly GatedRule[] = [
  {
    reason: 'header-injection',
    signs: ['%', '\\r', '\\n', '&#', '\u560a', '\u560d'],
    pattern: new RegExp(`${LINE_END}\\s{0,8}${HEADERS}\\s{0,8}(?::|%3a|=|\\s)`, 'i'),
  },
  {
    reason: 'header-injection',
    signs: ['set-cookie', 'http/'],
    pattern: /[\r\n\u560a\u560d]\s{0,8}(?:set-cookie2?\s{0,8}:|http\/[12](?:\.\d)?\s+\d{3})/i,
  },
  {
    reason: 'mail-injection',
    signs: ['%', '\\r', '\\n', '&#', '\u560a', '\u560d'],
    pattern: new RegExp(`${LINE_END}\\s{0,8}${MAIL}`, 'i'),
  },
  {
    reason: 'mail-injection',
    signs: ['rcpt', 'mail'],
    pattern: /(?:\n|^)\s{0,8}(?:rcpt\s+to\s*:\s*(?:<|[\w.-]+@)|mail\s+from\s*:\s*<)/i,
  },
  // A line of SMTP, POP3 or IMAP and nothing else: the words are English, the order and the signs are not.
  {
    reason: 'mail-command',
    signs: [
      'ehlo ',
      'helo ',
      'apop ',
      'auth ',
      'authenticate ',
      'examine ',
      'status ',
      'append ',
      'store ',
      'copy ',
      'fetch ',
      'search ',
    ],
    pattern:
      /(?:^|\n)\s{0,8}(?:(?:ehlo|helo)\s+[\w-]+(?:\.[\w-]+)+(?=\s|$)|apop\s+\S+\s+[0-9a-f]{32}\b|auth\s+(?:plain|login|cram-md5|[\w.-]+\s+[\w+/]{8,}={1,2})|[a-z]\d{1,4}\s+(?:authenticate\s+(?:plain|login|cram-md5)|examine\s+inbox\b|status\s+\S+\s+\(|append\s+\S+\s+[({]|(?:uid\s+)?(?:store|copy|fetch)\s+[\d*]+[:,][\d*]|search\s+(?:charset|flagged|deleted|seen|unseen|text\s|from\s)))/i,
  },
  {
    reason: 'mail-injection',
    signs: ['\r\n'],
    pattern: /\r\n\s{0,8}(?:[a-z]\d{1,4}\s+)?(?:capability|fetch\s|append\s|examine\s|authenticate\s|uid\s|logout\b)/i,
  },
  {
    reason: 'external-entity',
    signs: ['<!'],
    pattern: /<!(?:ENTITY|ELEMENT|ATTLIST)\s|<!DOCTYPE\s[^>[]{0,200}(?:\[|\bSYSTEM\b)/i,
  },
  {
    reason: 'external-entity',
    signs: ['<xi:', 'schemalocation', '<xs:', '+adwaiq'],
    pattern: /<xi:include\b|xsi:(?:noNamespace)?schemaLocation\s*=|<xs:(?:include|import|redefine)\b|\+ADwAIQ-/i,
  },
  {
    reason: 'server-side-include',
    signs: ['<'],
    pattern: /<!--#(?:exec|include|echo|set|config|printenv|fsize)\b|<esi:(?:include|inline|debug)\b/i,
  },
  {
    reason: 'directory-filter',
    signs: ['('],
    pattern:
      /\*\)\s?\(|^\*\s?\(\||\)\s?\(\s?[|&!]\s?\(?|\(\s?[|&!]\s?\(\s?[\w;-]{2,40}\s?[~<>:]?=|\)\s?\(\s?(?:cn|uid|ou|dc|sn|mail|objectclass|userpassword|samaccountname)\s?=/i,
  },
  { reason: 'directory-filter', signs: [':='], pattern: /\b\w+:\d+(?:\.\d+){3,}:=/i },
  {
    reason: 'document-query',
    signs: ['$'],
    pattern:
      /(?:^|[{[,'"\s(])["']?\$(?:where|function|accumulator)["']?\s*:|["'{[,]\s*["']?\$(?:ne|gte?|lte?|n?in|n?or|and|not|regex|exists|expr|eq|mod|all|size|elemMatch|options|jsonSchema)["']?\s*:\s*["'{[\d\w-]|\[\$(?:ne|gte?|lte?|n?in|regex|exists|where|or|eq)\](?:=|\[)/i,
  },
  {
    reason: 'document-query',
    signs: ['.'],
    pattern:
      /\bdb\.\w+\.(?:insert|find|remove|drop|update|aggregate|mapReduce|delete)\w*\s*\(|\bthis\.\w+\s*(?:\.\s*(?:match|test|startsWith|charAt)\s*\(|\.length\s*[<>=]|={2,3}\s*['"]\s*(?:;|\|\|))/i,
  },
  {
    reason: 'document-query',
    signs: [';'],
    pattern:
      /\bdo\s?\{[^}]{0,200}\}\s?while\s?\(|;\s?(?:var|let)\s+\w+\s?=\s?new\s+Date\b|['"]\s?;\s?(?:return\s+true|sleep\s?\(|while\s?\(\s?(?:1|true))/i,
  },
]
