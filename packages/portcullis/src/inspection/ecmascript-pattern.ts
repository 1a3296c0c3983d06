/**
 * Decides what a pattern of ECMA-262, which JSON Schema names, means to a linear engine of the RE2 family: for that `\s` is
 * ASCII, `.` stops at a line feed only, and properties have short names. Whoever wrote `^\S+$` did not mean to let a
 * no-break space through.
 */

/** WhiteSpace and LineTerminator (ECMA-262, sections 12.2 and 12.3), as members of a character class. */
const SPACE = String.raw`\t\n\x{b}\x{c}\r \x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}`
/** All others, for classes: they cannot hold a negated one. */
const NO_SPACE =
  String.raw`\x{0}-\x{8}\x{e}-\x{1f}!-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027}\x{202a}-\x{202e}` +
  String.raw`\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{fefe}\x{ff00}-\x{10ffff}`
const ONE_LINE = String.raw`[^\n\r\x{2028}\x{2029}]`

/** Long names of general categories (Unicode Standard Annex #44, table 12). */
const CATEGORIES: ReadonlyMap<string, string> = new Map(
  `Letter=L Uppercase_Letter=Lu Lowercase_Letter=Ll Titlecase_Letter=Lt Modifier_Letter=Lm Other_Letter=Lo Mark=M
  Combining_Mark=M Nonspacing_Mark=Mn Spacing_Mark=Mc Enclosing_Mark=Me Number=N Decimal_Number=Nd digit=Nd
  Letter_Number=Nl Other_Number=No Punctuation=P punct=P Connector_Punctuation=Pc Dash_Punctuation=Pd
  Open_Punctuation=Ps Close_Punctuation=Pe Initial_Punctuation=Pi Final_Punctuation=Pf Other_Punctuation=Po Symbol=S
  Math_Symbol=Sm Currency_Symbol=Sc Modifier_Symbol=Sk Other_Symbol=So Separator=Z Space_Separator=Zs
  Line_Separator=Zl Paragraph_Separator=Zp Other=C Control=Cc cntrl=Cc Format=Cf Surrogate=Cs Private_Use=Co`
    .split(/\s+/)
    .map((pair) => pair.split('=') as [string, string]),
)

const TOKEN = /\\[pP]\{([^}]*)\}|\\?./gsu
/** A flag that ECMA-262 does not have and that says itself what `.` means. */
const DOT_FLAG = /\(\?[A-Za-z]*s/

/** `source` is in the syntax of RE2 already. Gives a pattern of the same syntax with the meaning of ECMA-262. */
export function withEcmaScriptMeaning(source: string): string {
  let inClass = false
  const keepsDot = DOT_FLAG.test(source)
  return source.replace(TOKEN, (token, property: string | undefined) => {
    if (property !== undefined) return `${token.slice(0, 3)}${shortName(property)}}`
    if (token === '[' && !inClass) inClass = true
    else if (token === ']') inClass = false
    else if (token === String.raw`\s`) return inClass ? SPACE : `[${SPACE}]`
    else if (token === String.raw`\S`) return inClass ? NO_SPACE : `[^${SPACE}]`
    else if (token === '.' && !inClass && !keepsDot) return ONE_LINE
    return token
  })
}

function shortName(property: string): string {
  const value = /^(?:gc|General_Category|sc|Script)=(.*)$/s.exec(property)?.[1] ?? property
  return CATEGORIES.get(value) ?? value
}
