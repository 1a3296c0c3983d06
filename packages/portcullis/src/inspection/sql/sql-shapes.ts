import {
  asksForDatabase,
  choosesByConstant,
  comparesAsDatabase,
  cutsExpression,
  endsInOpenQuote,
  holdsText,
  isAliasOfList,
  isAttackCall,
  isCast,
  isConstantPair,
  isDeclaration,
  isDestruction,
  isJsonOperand,
  isNiladic,
  isOutfile,
  isPackage,
  isProcedure,
  isRecon,
  isSameWord,
  isServerVariable,
  isStacked,
  isTerse,
  isUnitedList,
  isWaiting,
  isWhenThen,
  leavesBrackets,
  reopensApostrophe,
  setsByFunction,
} from './sql-second-look.ts'
import type { Tokens } from './sql-tokens.ts'

/** Which sequences of tokens are attacks. Each pattern is linear on the letters of `sql-tokens.ts`. */

interface Shape {
  readonly reason: string
  readonly pattern: RegExp
  /** A second look at the words of a match. */
  readonly also?: (tokens: Tokens, at: number, length: number) => boolean
}

/** Signs and brackets that may stand before an operand. */
const P = '[(!+c]{0,6}'
/** What follows SELECT in SQL and hardly in English. */
const SELECTED = '(?:[nsStv*fZGKE]|\\(|[+!][nsvwf(]|[wDi](?:[,F.)c;:=+*({]|$)|w[nsSv]|ww?[F,]|A[nsv*fw(])'

/** Anywhere in a text, without any quote having been left. */
const ANYWHERE: readonly Shape[] = [
  { reason: 'sql.union-select', pattern: new RegExp(`U[+(cMmA#]{0,6}E[+(cMmA#]{0,6}${SELECTED}`) },
  { reason: 'sql.union-select', pattern: /(?:[ntv)][)]*|^)UA?E$|^[+]?[nstv][c#+n]*U[A+w]*c[c#+w]*$/ },
  { reason: 'sql.union-select', pattern: /(?:^|[nstSv)w])UA?[wf]/g, also: isUnitedList },
  { reason: 'sql.condition', pattern: /^[(]*(?:n[+*|]+[(]*)?f\(n[=]n,/, also: choosesByConstant },
  { reason: 'sql.recon', pattern: /^[(]*f\((?:f\(|[nsv(],)[^;]{0,120}f\(\)/, also: asksForDatabase },
  { reason: 'sql.recon', pattern: /^[(]*f\(f\(\)/, also: asksForDatabase },
  { reason: 'sql.recon', pattern: /^v[c#]?$/, also: isServerVariable },
  {
    reason: 'sql.tautology',
    pattern: new RegExp(`[&|W]${P}[nstv](?::w)?[)]*[!]?=(?:${P}[nsStEfZv]|[(])`, 'g'),
    also: isConstantPair,
  },
  { reason: 'sql.tautology', pattern: new RegExp(`[&|]${P}w!?=${P}w`, 'g'), also: isSameWord },
  // Two constants that are compared are a value to nobody but a database; and `1 or true`.
  { reason: 'sql.tautology', pattern: /^[(]*[ns](?:!?=|i!?)[ns][)]*$/, also: comparesAsDatabase },
  { reason: 'sql.tautology', pattern: /^[(]*n[)]*[&|][(!]*t[)]*$/ },
  { reason: 'sql.condition', pattern: /(?:^|[nstv)])[|][(!]{0,4}w(?:[.]w)?i!?t/ },
  { reason: 'sql.subquery', pattern: new RegExp(`(?:[=,|+*]|&[(!]{0,6})[(]+[cMm]*E[A!+(]{0,4}${SELECTED}`) },
  { reason: 'sql.subquery', pattern: /f\([(]+E[A!+(]{0,4}(?:[nstv*fZGKE]|w[.,F])/ },
  { reason: 'sql.subquery', pattern: /\(E[A!+(]{0,4}(?:[nsvZGf*]|[tw][,)]).*[cm;#]/ },
  { reason: 'sql.subquery', pattern: /^[(]+E[A!+(]{0,4}(?:E|f\(|[nsvZ*]|w[+,.]|wFw[LW,.c;])/ },
  { reason: 'sql.subquery', pattern: /[nstv)]&[(!]*E(?:[(A*]|[nsvf]|w[,.])/ },
  {
    reason: 'sql.select-of-constants',
    pattern: /E[A(+!]*(?:[nsv][)]*,|f\()[nsvwft(),.+*|=!&]{0,120}Fw(?:[WcLB;,.)#]|$)/,
  },
  { reason: 'sql.condition', pattern: new RegExp(`[nv][)]*[&|]${P}(?:f\\(|X\\()`, 'g'), also: leavesBrackets },
  { reason: 'sql.condition', pattern: /&[(!]{0,6}f\((?:\(|[fZE])/ },
  { reason: 'sql.condition', pattern: /^&[(!+]{0,6}f\([^;]{0,60}\)[=c]/ },
  { reason: 'sql.condition', pattern: /(?:^|[nst)w])&[(!]{0,6}[nst][)]*c$/ },
  { reason: 'sql.case', pattern: /K[nsw]?k[(!]*[nswE(]/, also: isWhenThen },
  { reason: 'sql.weapon', pattern: /(?:^|[&=+,(;E|!kKnSsWHF.])Z\(/g, also: isAttackCall },
  { reason: 'sql.waiting', pattern: /D[w][sS]/g, also: isWaiting },
  { reason: 'sql.declaration', pattern: /Dv/g, also: isDeclaration },
  { reason: 'sql.procedure', pattern: /Dw/g, also: isProcedure },
  { reason: 'sql.package', pattern: /w\.(?:w\.)?w\(/g, also: isPackage },
  { reason: 'sql.versioned-comment', pattern: /M[UEA&=DFIBwfZn]/ },
  { reason: 'sql.stacked-statement', pattern: /;[cmM(]*[DE]/g, also: isStacked },
  {
    reason: 'sql.tautology',
    pattern: new RegExp(`(?:^|[nst)])[&|]${P}n(?:[)]*[+*]${P}n){1,8}[)]*=${P}n(?:[+*)]{1,3}n?)*(?:$|[c&;#])`),
  },
  { reason: 'sql.select-of-constants', pattern: /^[(]?[*]FwW?.{0,40}c[+]?$/ },
  // A number, then a clause of a query, and the rest cut off.
  { reason: 'sql.clause-and-comment', pattern: /^[+(]{0,2}n[)]{0,3}[&|HWLBIUC].{0,60}c[+]?w?$/s, also: isTerse },
  // A value, the end of a statement, another one, and the rest cut off: no language but SQL reads like this.
  { reason: 'sql.stacked-statement', pattern: /^[+(]{0,2}[nw][)]{0,3};[cmM(]*[DEUwf].{1,80}c[+]?w?$/s, also: isTerse },
  { reason: 'sql.order-by', pattern: /[nt)][)]*B[(]*(?:n(?:[c;#]|,n|$)|[fZ]\()/ },
  { reason: 'sql.having', pattern: /^Hf\([^;]{1,40}\)=[nst(]/ },
  { reason: 'sql.having', pattern: new RegExp(`[nstw)]H${P}(?:[nst]=[nstS(]|f\\(.*[ctn])|[nstw)]H[(]+[nst][&|][nst]`) },
  { reason: 'sql.catalogue', pattern: /FG|[EU].{0,40}G/ },
  { reason: 'sql.recon', pattern: /E[A!+(]{0,4}(?:f\((?:\)|[nsvfZ(E])|v)/g, also: isRecon },
  { reason: 'sql.outfile', pattern: /Iw[sS(]/g, also: isOutfile },
  { reason: 'sql.update', pattern: /DwDw=[fZ]\(/g, also: setsByFunction },
  // What only a database reads as one expression, however the text goes on behind the comment.
  { reason: 'sql.comment-after-expression', pattern: /^[+]?(?=[^c]{0,40}[!fv])[(]+[(!nstvf)X,=+*&|i]{2,40}c/ },
  // The end of a list and what it is read from; a condition whose string the query has to close.
  { reason: 'sql.select-of-constants', pattern: /^[)]+wwF/, also: isAliasOfList },
  { reason: 'sql.condition', pattern: /(?:^|[nstv)w])&[(!]{0,4}w(?:[.]w)?!?=S$/, also: endsInOpenQuote },
  { reason: 'sql.condition', pattern: /(?:^|[nst)])&[(!]{0,4}w[=+*]/g, also: isNiladic },
  { reason: 'sql.statement', pattern: /^Dw[;]?c[+]?$/, also: isDestruction },
  { reason: 'sql.cast', pattern: /[wns)]:w/g, also: isCast },
  { reason: 'sql.json-operator', pattern: /(?:^|[nstv)w])&[(!]{0,4}s(?::w)?[.x#+=]/g, also: isJsonOperand },
  {
    reason: 'sql.comment-after-expression',
    pattern: /^[+]?n(?:[)]*[nstvfX(),=+*!&|i]*[=+*!&|(][nstvfX(),=+*!&|i]*c|c)$|^[(!]+[nstvf][nstvfX(),=+*!&|i]*c$/,
    also: cutsExpression,
  },
]

/** Right behind a quote that was left, or may have been. */
const BEHIND_QUOTE: readonly Shape[] = [
  { reason: 'sql.comment-after-quote', pattern: /^[)]*c[+]?$/ },
  {
    reason: 'sql.condition-after-quote',
    pattern: new RegExp(
      `^[)+]*[&|]${P}(?:[nst][)]*!?(?:[=i+*&|]|[c;#])|S.|w[)]*(?:[.]w)?!?(?:=|i[!tnsw]|C)|[fZEvK]|X\\(|w\\(|t$)`,
    ),
  },
  { reason: 'sql.condition-after-quote', pattern: new RegExp(`^[)+]*[&|]${P}S$`), also: holdsText },
  { reason: 'sql.comparison-after-quote', pattern: new RegExp(`^[)+]*!?=${P}(?:[nsS]|f\\(|E|t)`) },
  { reason: 'sql.comparison-after-quote', pattern: /^[)]*i!?(?:t|[c#]|[ns(w+!].*[c#=&])/ },
  { reason: 'sql.union-select', pattern: /^[)]*U[+(cMmA]{0,6}E/ },
  { reason: 'sql.order-by', pattern: /^[)]*B[(]*(?:[nw][)]*(?:[c;#,S]|$)|[fZ]\(|[(]?E)/ },
  { reason: 'sql.having', pattern: /^[)]*[HWL][(!]*(?:[nst](?:[=c#,;]|$)|w(?:=|[.]w=|i)|f\()/ },
  { reason: 'sql.outfile', pattern: /^[)]*I(?:w[sS]|v)/ },
  { reason: 'sql.concatenation', pattern: /^[)]*[|](?:[sSnvfZE(]|w(?:[|(.]|$))/ },
  { reason: 'sql.concatenation', pattern: /^[)]*[+*]+[(]*(?:Z\(|f\(|E|n[)]*[c#])/ },
  { reason: 'sql.list-after-quote', pattern: /^[)]*,[(]*(?:Z|E|f\(|[nst](?:,[nsvt])*[)]*[c#])/ },
  { reason: 'sql.stacked-statement', pattern: /^[)]*;[cmM(]*[DE]/, also: isStacked },
  { reason: 'sql.stacked-statement', pattern: /^[)]*;[cmM(]*E[wnsv*f(]/ },
  { reason: 'sql.condition-after-quote', pattern: /^[)+]*[&|][(!]{0,4}w[=+*i]/, also: isNiladic },
  // The same, behind a quote.
  { reason: 'sql.clause-and-comment', pattern: /^[)]*[;,&|=HWLBIUC].{0,60}c[+]?w?$/s, also: isTerse },
  { reason: 'sql.collation', pattern: /^[)]*!?Cw[c#]/ },
  { reason: 'sql.weapon', pattern: /^[)]*Z\(/ },
  { reason: 'sql.waiting', pattern: /^[)]*Dw[sS]/, also: isWaiting },
]

/** The same, where inches and people who search do not put the quote. */
const BEHIND_APOSTROPHE: readonly Shape[] = [
  { reason: 'sql.comparison-after-quote', pattern: new RegExp(`^[)]*!?=${P}w[)]*[c#&S=]`) },
  { reason: 'sql.clause-and-comment', pattern: /^[)]*[+*!DKiw].{0,60}c[+]?w?$/s, also: isTerse },
  { reason: 'sql.statement-after-quote', pattern: /^[)]*D/, also: isStacked },
  {
    reason: 'sql.expression-after-quote',
    pattern: /^[)]*[+*=|!&][nstvwfi=+*&|!().:]{0,16}[=+*&|!]S/,
    also: reopensApostrophe,
  },
  { reason: 'sql.expression-after-quote', pattern: /^[)]*[+*]S$/, also: reopensApostrophe },
  { reason: 'sql.list-after-quote', pattern: /^,w=S$/, also: reopensApostrophe },
]

/** A string that is nothing but an operator: what was quoted is what stands around it. */
const OPERATOR_STRING =
  /^[(]*\w{0,8}\s*'\s*(?:[=<>!|&*+^%/~-]{1,3}(?:\s*\d{1,4}\s*[=<>!|&*+^%/~-]{1,2})?|(?:not\s+)?(?:and|or|xor|like|rlike|regexp|glob|is|in|div|mod|sounds\s+like))\s*'(?:\s*'?\s*(?:or|and)\s*')?\s*\w{0,8}$|^[\w%-]{0,8}[)]{0,2}'(?:\|\|?|&&?|[-+*^])\s*(?:\d|[(\d][^']{0,60}[)\d])\s*(?:\|\|?|&&?|[-+*^])'$/i

export type Place = 'anywhere' | "'" | '"'

/** The reason and the place of the first shape that is in `tokens`, or undefined. */
export function shapeIn(tokens: Tokens, place: Place): { readonly reason: string; readonly at: number } | undefined {
  if (place === 'anywhere') return first(ANYWHERE, tokens)
  const behind = first(BEHIND_QUOTE, tokens) ?? (place === "'" ? first(BEHIND_APOSTROPHE, tokens) : undefined)
  return behind ?? first(ANYWHERE, tokens)
}

/** Whether the whole text is an operator in quotes, with at most a word on each side. */
export const isOperatorInQuotes = (text: string): boolean => text.length <= 64 && OPERATOR_STRING.test(text)

const MAX_LOOKS = 16

function first(shapes: readonly Shape[], tokens: Tokens): { readonly reason: string; readonly at: number } | undefined {
  for (const { reason, pattern, also } of shapes) {
    pattern.lastIndex = 0
    for (let looks = 0; looks < MAX_LOOKS; looks++) {
      const match = pattern.exec(tokens.shape)
      if (match === null) break
      if (also === undefined || also(tokens, match.index, match[0].length)) return { reason, at: match.index }
      if (!pattern.global) break
    }
  }
  return undefined
}
