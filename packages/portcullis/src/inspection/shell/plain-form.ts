/**
 * Decides what a shell would make of quotes, escapes and empty expansions inside words, which exist to be read otherwise by
 * everybody else: `w'h'oami`, `c\at`, `cu$@rl`, `cat${IFS}/etc/passwd`, `{cat,/etc/passwd}`, `pow^ershell`.
 */

/** What there is to undo at all. */
const SIGNS = /["'\\^`]|\$[\w({@*!?$_-]|\{[^{}]{0,200},|[<>]\(\)/

const RULES: readonly (readonly [pattern: RegExp, replacement: string])[] = [
  [/\$(?:\{IFS[^{}\s]{0,16}\}|IFS(?:\$\d)?)/g, ' '],
  [/\$\(\s*\)|``|[<>]\(\)|\$\(echo\)|\$\{[\w.]{0,16}[^\w{}\s]?\}/g, ''],
  [/(?<=[\w/\\.])\$(?:[@*!?$_-]|\d)(?=[\w/\\.])/g, ''],
  [/(?<=[\w/\\])\$[a-z]\w{0,8}(?=[\s+/\\,}|;&]|$)/gi, ''],
  [/''|""/g, ''],
  [/\$(?=["'])/g, ''],
  [/\\(?=[a-z/?*])|\^(?=[a-z^&|])/gi, ''],
]
const QUOTED_PART =
  /(?<![\w"'])["']([\w./*?-]{1,40})["'](?=[\w/.*?"'\s,;|&})]|$)|(?<=[\w/*?.])["']([\w./*?\\-]{0,40})["']/g
const BRACES = /\{([^{}\s"':]{0,200},[^{}\s"':]{0,200})\}/g
const MAX_NEIGHBOUR_LENGTH = 20

/** The text as it would be executed, as far as that can be told; itself when there is nothing to undo. */
export function plainForm(text: string): string {
  if (!SIGNS.test(text)) return text
  let plain = text
  for (const [pattern, replacement] of RULES) plain = plain.replace(pattern, replacement)
  // Twice, for pairs that stand next to each other share a boundary.
  plain = plain.replace(QUOTED_PART, '$1$2').replace(QUOTED_PART, '$1$2')
  return plain.includes('{') ? plain.replace(BRACES, expanded) : plain
}

/** `c{a,oun}t` is `cat count`: what stands before and after belongs to each part. */
function expanded(_: string, list: string, at: number, text: string): string {
  const end = at + list.length + 2
  const before = /[\w/.-]*$/.exec(text.slice(Math.max(0, at - MAX_NEIGHBOUR_LENGTH), at))?.[0] ?? ''
  const after = /^[\w/.-]*/.exec(text.slice(end, end + MAX_NEIGHBOUR_LENGTH))?.[0] ?? ''
  const parts = list.split(',').filter((part) => part !== '' || before !== '' || after !== '')
  return parts.join(`${after} ${before}`)
}
