/**
 * Decides cheaply that a text has nothing for which it is worth being read as a database would. Most honest prose ends here.
 */

/** What every sentence of SQL that attacks without leaving a quote has one of, as letters alone. */
const WORDS: readonly string[] = [
  'select',
  'union',
  'having',
  'waitfor',
  'declare',
  'outfile',
  'dumpfile',
  'sleep',
  'benchmark',
  'if(',
  '/*',
  'ordsys.',
  'ctxsys.',
]

/** Functions, packages and catalogues: the rare sign is looked for first, then what stands before it. */
const CALLED =
  /\((?<=(?:extractvalue|updatexml|randomblob|dblink\w{0,16}|openrowset|opendatasource|openquery|xmltype|httpuritype|bfilename|analyse)\s{0,8}\()/
const PREFIXED = /_(?<=(?:xp|sp|utl|dbms|load|information|sqlite|get|pg|lo|sys)_)/

/** A word that joins conditions, and behind it what prose hardly has there: a constant, a comparison, a call. */
const JOINED =
  /(?:(?<![a-z])(?:and|or|xor)(?![a-z])|\|\||&&)[^a-z0-9]{0,32}(?:[0-9'"@\\.]|null|true|false|exists|[a-z]\w{0,63}[^a-z0-9]{0,16}[=<>!(])/

const STATEMENT =
  /;[^a-z0-9]{0,32}(?:drop|create|alter|truncate|insert|replace|delete|update|exec|set|shutdown|grant|revoke|merge|call|do|copy|backup|begin|if|print|use|handler|kill|pragma|attach|detach|rename|reconfigure|dbcc|show|bulk|vacuum|lock|load|declare|waitfor)/

/** Two constants that are compared, and nothing else; a call in a call. */
const COMPARED =
  /^[(\s]*(?:\d{1,20}(?:\.\d+)?|'[^']{0,40}'|"[^"]{0,40}")\s{0,4}(?:[!<]?=|<=>|<>|(?:not\s+)?(?:like|regexp|rlike)\b|is\b)|^\d{1,20}\s{1,4}(?:or|\|\|)\s|\w\s{0,4}\([^)]{0,80}\b(?:version|user|database|schema)\s{0,4}\(\s{0,4}\)/
const SORTED = /(?:order|group)[^a-z0-9]{1,16}by/
const CHOSEN = /case[^a-z].{0,80}?when/s
const ASSIGNED = /set\s{1,16}\w{1,64}\s{0,16}=/
const CAST = /::\s{0,4}[a-z]/
/** Brackets, and the rest cut off in the middle of a text. */
const CUT_IN_TEXT = /\)\s{0,4}--/
/** A value without brackets, and a string that the query has to close. */
const ASKED =
  /(?:current_|session_user|system_user|localtimestamp|rownum|rowid)|(?:and|or)\s[^"']{1,80}=\s{0,4}["']\s*$/
const CUT = /(?:--|#)[^a-z0-9]{0,4}[a-z]?$/

/** `lower` in lower case. */
export function mayBeSql(lower: string): boolean {
  if (WORDS.some((word) => lower.includes(word))) return true
  if (PREFIXED.test(lower) || CALLED.test(lower)) return true
  if (JOINED.test(lower) || CUT.test(lower.slice(-8)) || CUT_IN_TEXT.test(lower)) return true
  if (COMPARED.test(lower) || lower.startsWith('@@')) return true
  if (ASKED.test(lower) || /^[)\s]{1,8}as\s/.test(lower)) return true
  if (lower.includes('::') && CAST.test(lower)) return true
  if (lower.includes(';') && STATEMENT.test(lower)) return true
  if (lower.includes('by') && SORTED.test(lower)) return true
  if (lower.includes('when') && CHOSEN.test(lower)) return true
  return lower.includes('set') && ASSIGNED.test(lower)
}
