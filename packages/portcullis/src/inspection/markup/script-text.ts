/** Decides which text is script without any tag: a handler that breaks out of an attribute, a URL that runs, a piece of JavaScript. */

import { gated } from '../../core/gated-rules.ts'
import { SCRIPT_SCHEME } from './active-content.ts'

const firstMatch = gated([
  {
    reason: 'handler',
    signs: ['='],
    pattern: /["'`<][\s/\w=.:"'`-]{0,60}?\bon[a-z]{4,40}\s*=\s*["'`]?[^\s"'`=>][^=>]{0,200}?[(`[={]/i,
  },
  {
    reason: 'handler',
    signs: ['='],
    pattern:
      /(?:^|[\s;/"'`&?])on(?:error|load|click|dbl ?click|focus\w*|blur|mouse\w+|key\w+|toggle|begin|end|start|pointer\w+|animation\w+|transition\w+|wheel|scroll\w*|resize|submit|reset|select\w*|input|invalid|change|copy|cut|paste|drag\w*|drop|hashchange|popstate|message|page\w+|unload|beforeunload|auxclick|play\w*|canplay\w*|progress|touch\w+|propertychange|readystatechange|finish|bounce|message\w*|show|before\w+|after\w+|unhandledrejection|storage|webkit\w+|contextmenu|search|repeat)\s*=\s*["'`]?[^\s"'`&]{1,60}/i,
  },
  {
    reason: 'url',
    signs: [':'],
    pattern: new RegExp(
      `(?:^|[\\s"'\`=(,;:>&?{[/\\\\])${SCRIPT_SCHEME}(?:[\\s\\0-\\x1f]{0,8}(?:[^\\s"'>]{0,120}[(\`=[]|/[/*]|\\\\|[\\w.]{1,40}$|"))`,
      'i',
    ),
  },
  {
    reason: 'url',
    signs: ['data'],
    pattern:
      /(?:^|[\s"'`=(,>])data\s*:\s*(?:text\/html|image\/svg\+?\s?xml|application\/xhtml|text\/javascript|[^,\s]{0,40}\s*,?\s*<)/i,
  },
  {
    reason: 'style',
    signs: ['expression(', '-moz-binding', 'behavio', 'url(', '@im'],
    pattern:
      /expression\(\s*[\w$]|-moz-binding\s*:\s*url\s*\(|behaviou?r\s*:\s*url\s*\(|url\s*\(\s*["']?\s*(?:java|vb)script\s*:?|@im\\?port\s*["']\\?j|:url\(javascript/i,
  },
  {
    reason: 'dialog',
    signs: ['alert', 'prompt', 'confirm'],
    pattern:
      /(?:^|[\s;=:(){}"'`>,&|+!?*/~^[-])\(?(?:alert|prompt|confirm)\)?\s?(?:\?\.)?(?:\(\s*(?:\)|\d|["'`/]|document|window|location|self|this|xss|string|navigator|origin|eval|name|cookie|top|\w+\()|`)/i,
  },
  {
    reason: 'dialog',
    signs: ['alert', 'prompt', 'confirm', 'eval'],
    pattern:
      /\(\s*(?:alert|prompt|confirm)\s*\)\s*[(`]|[[{]\s*["'`]?\\?(?:alert|prompt|confirm)["'`]?\s*[\]}]\s*[(`]?|(?:some|map|find|filter|forEach|call|apply|sort|concat|every)\s*\(\s*(?:alert|confirm|prompt|eval)\s*[),]/i,
  },
  {
    reason: 'document',
    signs: [
      'cookie',
      'domain',
      'write',
      'alert',
      'eval',
      'execscript',
      'localstorage',
      'onerror',
      '"$',
      "'$",
      '`$',
      '\\x',
    ],
    pattern:
      /(?<![\w/.-])(?:document|window|self|top|parent|frames|globalThis|this)\s*(?:\?\.\s*|\.\s*|\)?\s*\[\s*["'`]\s*)\\?(?:cookie|domain|write(?:ln)?\s*\(|alert|eval\b|execScript|localStorage|onerror\s*=|globalEval|\$["'`]|\\x)/i,
  },
  {
    reason: 'document',
    signs: ['document', 'window', 'tion=', 'tion ', 'locaton', 'loctin'],
    pattern:
      /\bdocument\s*\.\s*(?:location\s*[.=]|body\s*\.\s*(?:append|innerHTML)|querySelector\s*\(|createElement\s*\(\s*\\*["']script|getElementsByTagName\s*\([^)]*\)[^;]{0,20}\.\s*(?:src|inner))|\bwindow\s*\.\s*location\s*(?:[=)]|\.\s*(?:href|replace)|$)|\(\s*document\s*\)\s*\[|\w*locat?i?o?n\s*=\s*["'`]?(?:java|data:|\/\/|http)/i,
  },
  {
    reason: 'evaluation',
    signs: ['eval', 'function', 'settimeout', 'setinterval', 'setimmediate', 'atob', 'btoa', 'fromcharcode'],
    pattern:
      /\beval\s*\(\s*(?:["'`]|atob|String|unescape|location|name|window|decodeURI|this|\w+\.(?:data|value|hash|responseText))|\bnew\s+Function\s*\(|\bFunction\s*\(\s*["'`]|\bset(?:Timeout|Interval|Immediate)\s*\(\s*(?:["'`]|\w{1,12}\s*,)|\batob\s*\(\s*["'`)]|\bbtoa\s*\(\s*["'`)]|String\s*\.\s*fromCharCode/i,
  },
  {
    reason: 'evaluation',
    signs: [
      'constructor',
      '.map',
      '.sort',
      '.call',
      '.apply',
      'reflect',
      'import',
      'require',
      'throw',
      'onerror',
      'with',
    ],
    pattern:
      /constructor\s*(?:\.|\[["'`])\s*constructor|\]\s*\.\s*(?:map|sort|filter|find|some|every|reduce|concat|at|constructor|flatMap)\s*\.\s*(?:call|apply|constructor)\b|\bReflect\s*\.\s*\w+\s*\.\s*(?:call|apply)\b|\b(?:import|require)\s*\(\s*["'`](?:data:|\/\/|https?:)|\bthrow\s*(?:onerror|\/)|\bonerror\s*=\s*(?:alert|eval)|with\s*\(\s*(?:document|window)\s*\)/i,
  },
  // What closes a string or a call, goes on by an operator, and calls: only a piece of script begins like this.
  {
    reason: 'breakout',
    signs: ['('],
    pattern:
      /^[\\"'`)\]};]{1,6}\s{0,4}[-+*/;,|&^]\s{0,4}[\w$.]{1,60}(?:\[[^\]]{1,40}\])?\s?\([^()]{0,120}\)\s{0,4}(?:[-+*/;,|&^]|$)/,
  },
  {
    reason: 'symbols',
    signs: ['[]', '![', '+[', '([', '!+'],
    pattern: /[[\]()!+{}]{30,}|\[\]\[(?:\(|")|\(!\[\]\s?\+?\s?\[\]\)|\+!!\[\]|!!\[\]\s?\+|!\+\[\]/,
  },
  {
    reason: 'utf-7',
    signs: ['+adw', 'xbc', '¼'],
    pattern: /\+ADw-?\s?\/?[\w+]{2,}|(?:(?<!\\xd0)\\xbc|¼)\/?(?:script|test|img|svg)/i,
  },
  {
    reason: 'closing',
    signs: ['</', '-->', '<![', '<!--'],
    pattern:
      /<\/(?:title|textarea|script|style|noscript|xmp|template|noembed|iframe)\s*>\s*<|-->\s*<\w|<!\[CDATA\[.{0,80}<|<!--\[if\s/i,
  },
  {
    reason: 'entity',
    signs: ['<!', '<xi:', 'schemalocation', '<xs:'],
    pattern:
      /<!(?:ENTITY|DOCTYPE\s[^>]{0,80}\bSYSTEM)\b|<xi:include\b|xsi:schemaLocation\s*=|<xs:(?:include|import)\b|<!--#(?:exec|include|set|echo)\b/i,
  },
])

/** What the rules cannot do without: a call, an assignment, a scheme, symbols. */
const SIGNS = /[=(`[:+]|<[/!]|-->|document|window/

export function scriptText(text: string): readonly [reason: string, evidence: string] | undefined {
  if (!SIGNS.test(text)) return undefined
  const plain = text.includes('/*') ? text.replace(/\/\*[^*]{0,200}\*\//g, '') : text
  const match = firstMatch(text) ?? (plain === text ? undefined : firstMatch(plain))
  return match === undefined ? undefined : [match.rule.reason, match.found]
}
